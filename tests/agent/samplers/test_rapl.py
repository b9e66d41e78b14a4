"""RAPL through powercap: each counter once, wraps counted, resets and errors no energy."""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.energy import energy_samplers
from headroom_agent.samplers.rapl import RaplError, RaplSampler, read_energy, zones
from headroom_proto.v1 import samples_pb2

RANGE = 65532610987
WRAP = 65532611002
GUEST = "processor\t: 0\nflags\t\t: fpu hypervisor\n"
SERVER = "processor\t: 0\nflags\t\t: fpu vme\n"


def zone(sysfs: Path, path: str, name: str, energy: str = "1000", told: str = str(RANGE)) -> Path:
    """Make a zone below devices/virtual/powercap and its link in class/powercap."""
    folder = sysfs / "devices" / "virtual" / "powercap" / path
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{told}\n")
    listing = sysfs / "class" / "powercap"
    listing.mkdir(parents=True, exist_ok=True)
    (listing / folder.name).symlink_to(os.path.relpath(folder, listing))
    (folder / "subsystem").symlink_to(os.path.relpath(listing, folder))
    return folder / "energy_uj"


def at(seconds: float) -> Moment:
    return Moment(0, int(seconds * 1e9))


def one(sampler: RaplSampler, seconds: float) -> samples_pb2.EnergySample:
    samples = sampler.sample(at(seconds)).energy
    assert len(samples) == 1
    return samples[0]


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Two sockets with memory, a system counter, a core counter and the same package twice."""
    rapl = "intel-rapl"
    zone(tmp_path, f"{rapl}/{rapl}:0", "package-0")
    zone(tmp_path, f"{rapl}/{rapl}:0/{rapl}:0:0", "dram")
    zone(tmp_path, f"{rapl}/{rapl}:0/{rapl}:0:1", "core")
    zone(tmp_path, f"{rapl}/{rapl}:1", "package-1")
    zone(tmp_path, f"{rapl}/{rapl}:1/{rapl}:1:0", "dram")
    zone(tmp_path, f"{rapl}/{rapl}:2", "psys")
    zone(tmp_path, f"{rapl}-mmio/{rapl}-mmio:0", "package-0")
    return tmp_path


def test_every_package_and_its_memory_count_once(server: Path) -> None:
    found = zones(server)
    assert [z.domain for z in found] == ["package-0", "dram-0", "package-1", "dram-1"]
    assert all("mmio" not in str(z.energy) for z in found)


def test_hexadecimal_ids_and_several_dies_are_found(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl/intel-rapl:a", "package-1-die-0")
    zone(tmp_path, "intel-rapl/intel-rapl:a/intel-rapl:a:0", "dram")
    zone(tmp_path, "intel-rapl/intel-rapl:b", "package-1-die-1")
    names = [z.domain for z in zones(tmp_path)]
    assert names == ["package-1-die-0", "dram-1-die-0", "package-1-die-1"]


def test_a_counter_without_a_range_is_not_taken(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", told="0")
    assert zones(tmp_path) == ()


def test_totals_start_at_nothing_and_grow_across_a_wrap(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", str(WRAP - 400_000_000))
    sampler = RaplSampler(zones(tmp_path))
    first = one(sampler, 100)
    assert first.energy_microjoules_total == 0
    assert not first.HasField("power_watts")
    counter.write_text("600000000\n")
    second = one(sampler, 110)
    assert second.energy_microjoules_total == 1_000_000_000
    assert second.power_watts == pytest.approx(100.0)
    assert (second.quantity, second.source, second.kind) == ("component", "rapl", "measured")
    assert not second.HasField("power_low_watts")


def test_a_reset_adds_nothing(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", "40000000000")
    sampler = RaplSampler(zones(tmp_path))
    one(sampler, 100)
    counter.write_text("5\n")
    after = one(sampler, 110)
    assert after.energy_microjoules_total == 0
    assert not after.HasField("power_watts")
    counter.write_text("500000005\n")
    assert one(sampler, 120).power_watts == pytest.approx(50.0)


@pytest.mark.parametrize("bad", ["", "-3", "nonsense"])
def test_a_counter_without_a_value_is_a_gap_that_is_told_once(
    tmp_path: Path, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    counter = zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", "1000")
    sampler = RaplSampler(zones(tmp_path), Notices(logging.getLogger("test.rapl")))
    one(sampler, 100)
    counter.write_text(bad)
    for seconds in (110, 120):
        with pytest.raises(NoData):
            sampler.sample(at(seconds))
    assert len(caplog.records) == 1
    counter.write_text("3000001000\n")
    after = one(sampler, 130)
    assert after.energy_microjoules_total == 3_000_000_000
    assert after.power_watts == pytest.approx(100.0)
    assert caplog.records[-1].getMessage().endswith("has values again")


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Have no rights for a while: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked() -> Iterator[Path]:
    """A server whose counters are root's, as the kernel makes them; others may list the folder."""
    folder = Path(tempfile.mkdtemp(prefix="hr-rapl-"))
    folder.chmod(0o755)
    zone(folder, "intel-rapl/intel-rapl:0", "package-0").chmod(0)
    yield folder
    shutil.rmtree(folder)


def test_counters_that_may_not_be_read_are_told_once_and_power_is_modelled(
    locked: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with nobody():
        with pytest.raises(RaplError, match="CAP_DAC_READ_SEARCH"):
            read_energy(zones(locked)[0])
        made = energy_samplers(tmp_path, locked, lambda: 0.5)
    assert [sampler.name for sampler in made] == ["power_model"]
    assert len(caplog.records) == 1
    assert "run the agent as root" in caplog.text
    assert "modelled" in caplog.text


def test_a_server_measures_and_a_guest_models(server: Path, tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cpuinfo").write_text(SERVER)
    assert [s.name for s in energy_samplers(proc, server, lambda: 0.5)] == ["rapl"]
    (proc / "cpuinfo").write_text(GUEST)
    assert [s.name for s in energy_samplers(proc, server, lambda: 0.5)] == ["power_model"]


def test_without_powercap_power_is_modelled(tmp_path: Path) -> None:
    assert [s.name for s in energy_samplers(tmp_path, tmp_path, lambda: None)] == ["power_model"]
