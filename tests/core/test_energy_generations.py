"""Models by generation: CPUs are known by the names that /proc/cpuinfo gives them."""

import pytest

from headroom_core.energy_generations import GENERATIONS, find, model, tdp_model


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("Intel(R) Xeon(R) CPU           X5670  @ 2.93GHz", "Nehalem and Westmere"),
        ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", "Sandy Bridge EP"),
        ("Intel(R) Xeon(R) CPU E5-2690 v3 @ 2.60GHz", "Haswell EP"),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "Broadwell EP"),
        ("Intel(R) Xeon(R) CPU E3-1270 v6 @ 3.80GHz", "Xeon E3"),
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "Skylake SP"),
        ("Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz", "Cascade Lake"),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", "Ice Lake SP"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Sapphire Rapids"),
        ("INTEL(R) XEON(R) PLATINUM 8592+", "Emerald Rapids"),
        ("Intel(R) Xeon(R) Platinum 8592+", "Emerald Rapids"),
        ("Intel(R) Xeon(R) 6980P", "Xeon 6"),
        ("Intel(R) Xeon(R) E-2388G CPU @ 3.20GHz", "Xeon E"),
        ("AMD EPYC 7601 32-Core Processor", "EPYC 7001"),
        ("AMD EPYC 7742 64-Core Processor", "EPYC 7002"),
        ("AMD EPYC 7763 64-Core Processor", "EPYC 7003"),
        ("AMD EPYC 9654 96-Core Processor", "EPYC 9004"),
        ("AMD EPYC 9965 192-Core Processor", "EPYC 9005"),
        ("Intel(R) Xeon(R) Processor", None),
        ("Intel(R) Xeon(R) CPU E5-2690 v2 @ 3.00GHz", None),
        ("", None),
    ],
)
def test_a_cpu_is_known_by_its_name(name: str, generation: str | None) -> None:
    found = find(name)
    assert (found.name if found else None) == generation


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.name)
def test_every_generation_gives_a_model_with_its_interval(generation) -> None:
    for sockets in (1, 2):
        power = model(generation, sockets, 16 * sockets)
        for ratio in (0.0, 0.4, 1.0):
            found = power.watts(ratio)
            assert 0 < found.low < found.value < found.high


def test_a_well_known_server_is_near_what_was_published() -> None:
    skylake = find("Intel(R) Xeon(R) Platinum 8180 CPU @ 2.50GHz")
    assert skylake is not None
    power = model(skylake, 2, 56)
    assert power.idle.value == pytest.approx(52, rel=0.1)
    assert power.full.value == pytest.approx(432, rel=0.1)


def test_a_server_without_sockets_is_refused() -> None:
    with pytest.raises(ValueError, match="0 sockets"):
        model(GENERATIONS[0], 0, 4)


def test_of_two_cpus_with_as_many_cores_the_one_made_for_more_draws_more() -> None:
    cool, hot = (model(GENERATIONS[1], 2, 128, tdp).full for tdp in (400, 720))
    assert cool.value < model(GENERATIONS[1], 2, 128).full.value < hot.value
    assert hot.low < hot.value < hot.high


def test_a_server_of_an_unknown_generation_is_modelled_by_the_tdp_of_its_cpus() -> None:
    found = tdp_model(410)
    assert found.idle.value == pytest.approx(95, rel=0.02)
    assert found.full.value == pytest.approx(448, rel=0.02)


@pytest.mark.parametrize("watts", [0, -5])
def test_a_tdp_that_is_none_is_refused(watts: float) -> None:
    with pytest.raises(ValueError, match="W"):
        tdp_model(watts)
    with pytest.raises(ValueError, match="W"):
        model(GENERATIONS[0], 1, 4, watts)
