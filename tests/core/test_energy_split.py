"""The split: parts that add up to the host to the microjoule, none of them negative."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_core.energy_split import Claim, Share, apportion, split

CLAIMS = st.lists(
    st.tuples(st.floats(0, 1e7), st.integers(0, 512)),
    max_size=60,
).map(lambda found: [Claim(str(n), cpu, vcpus) for n, (cpu, vcpus) in enumerate(found)])


@given(
    st.integers(0, 10**14),
    st.integers(-(10**9), 10**14),
    st.floats(0, 1e7),
    st.integers(1, 1024),
    CLAIMS,
)
def test_the_shares_add_up_to_the_host_and_none_is_negative(
    energy: int, floor: int, busy: float, threads: int, claims: list[Claim]
) -> None:
    found = split(energy, floor, busy, threads, claims)
    assert found.total() == energy
    assert found.host >= 0
    assert found.unallocated >= 0
    assert all(share.dynamic >= 0 and share.idle >= 0 for share in found.vms.values())


@given(st.integers(0, 10**15), st.lists(st.floats(0, 1e9), min_size=1, max_size=80))
def test_parts_are_within_a_microjoule_of_their_proportion(
    total: int, weights: list[float]
) -> None:
    parts = list(apportion(total, weights))
    assert sum(parts) == total
    whole = sum(weights)
    if whole > 1e-300:
        for part, weight in zip(parts, weights, strict=True):
            assert part == pytest.approx(total * (weight / whole), rel=1e-9, abs=1 + total * 1e-9)


def test_dynamic_goes_by_cpu_time_and_idle_by_reserved_vcpus() -> None:
    claims = [Claim("a", 6.0, 4), Claim("b", 2.0, 12)]
    found = split(3_000_000, 2_000_000, 10.0, 32, claims)
    assert found.vms == {"a": Share(600_000, 250_000), "b": Share(200_000, 750_000)}
    assert (found.host, found.unallocated) == (200_000, 1_000_000)


def test_more_vcpus_than_threads_leave_nothing_unallocated() -> None:
    found = split(1_000, 1_000, 1.0, 4, [Claim("a", 1.0, 6), Claim("b", 0.0, 2)])
    assert [share.idle for share in found.vms.values()] == [750, 250]
    assert found.unallocated == 0


def test_machines_that_seem_busier_than_the_host_leave_it_nothing_of_its_own() -> None:
    found = split(1_000, 0, 1.0, 4, [Claim("a", 3.0, 1), Claim("b", 1.0, 1)])
    assert [share.dynamic for share in found.vms.values()] == [750, 250]
    assert found.host == 0


def test_a_host_without_machines_keeps_it_all() -> None:
    found = split(1_000, 400, 0.0, 4, [])
    assert (found.vms, found.host, found.unallocated) == ({}, 600, 400)


def test_negative_energy_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        split(-1, 0, 0.0, 4, [])
