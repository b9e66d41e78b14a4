"""RAPL through powercap: each counter once, wraps counted, resets and errors no energy."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.powercap import LAYOUTS, RANGE, Tree, two_sockets_with_psys

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.energy import energy_samplers
from headroom_agent.samplers.energy_state import open_state
from headroom_agent.samplers.rapl import Rapl, RaplSampler
from headroom_agent.samplers.rapl_zones import design_watts, zones
from headroom_core.energy_counter import Scale
from headroom_proto.v1 import samples_pb2

SCALE = Scale.of_range(RANGE)
WRAP = SCALE.to_microjoules(SCALE.counts)
GUEST = "processor\t: 0\nflags\t\t: fpu hypervisor\n"
SERVER = "processor\t: 0\nflags\t\t: fpu vme\n"


class Clock:
    """Both clocks of a host: ``now`` with suspended time, ``awake`` without."""

    def __init__(self) -> None:
        self.now = self.awake = 0.0

    def passes(self, seconds: float, asleep: float = 0.0) -> Moment:
        self.now += seconds
        self.awake += seconds - asleep
        return Moment(0, int(self.now * 1e9))


class Host:
    """One package counter and its sampler."""

    def __init__(self, sysfs: Path, energy: str = "1000") -> None:
        self.clock = Clock()
        self.counter = Tree(sysfs).zone("intel-rapl:0", "package-0", energy)
        self.notices = Notices(logging.getLogger("test.rapl"))
        self.rapl = Rapl(sysfs, self.notices, monotonic=lambda: self.clock.awake)
        self.sampler = RaplSampler(self.rapl)

    def shows(self, text: str, seconds: float = 10, asleep: float = 0) -> samples_pb2.EnergySample:
        self.counter.write_text(f"{text}\n")
        samples = self.sampler.sample(self.clock.passes(seconds, asleep)).energy
        assert len(samples) == 1
        return samples[0]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_domain_counts_once_in_every_layout(name: str, tmp_path: Path) -> None:
    build, domains = LAYOUTS[name]
    build(Tree(tmp_path))
    assert [zone.domain for zone in zones(tmp_path)] == domains


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_joule_counts_twice_in_any_layout(name: str, tmp_path: Path) -> None:
    build, domains = LAYOUTS[name]
    build(Tree(tmp_path))
    clock, notices = Clock(), Notices(logging.getLogger("test.rapl"))
    rapl = Rapl(tmp_path, notices, monotonic=lambda: clock.awake)
    rapl.look()
    rapl.read(clock.passes(1))
    for path in tmp_path.rglob("energy_uj"):
        path.write_text("50001000\n")
    assert len(rapl.read(clock.passes(10))) == len(domains)
    joules = sum(meter.counter.total for meter in rapl.meters()) / 1e6
    assert joules == pytest.approx(50 * len(domains), abs=0.001)
    rapl.close()


def test_the_bound_follows_what_a_package_is_made_for(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for place, watts in enumerate((0, 5, 205, 900)):
        tree.zone(f"intel-rapl:{place}", f"package-{place}", watts=watts)
    assert [zone.most_watts for zone in zones(tmp_path)] == [1000, 100, 410, 1000]


@pytest.mark.parametrize(
    ("watts", "told"), [((205, 205), 410), ((205, 0), None), ((205, 2), None), ((), None)]
)
def test_what_the_packages_are_made_for_is_known_where_all_tell_it(
    watts: tuple[int, ...], told: float | None, tmp_path: Path
) -> None:
    tree = Tree(tmp_path)
    for place, one in enumerate(watts):
        tree.zone(f"intel-rapl:{place}", f"package-{place}", watts=one)
        tree.zone(f"intel-rapl:{place}/intel-rapl:{place}:0", "dram", watts=50)
    assert design_watts(tmp_path) == told


def test_totals_start_at_nothing_and_grow_across_a_wrap(tmp_path: Path) -> None:
    host = Host(tmp_path)
    first = host.shows(str(WRAP - 400_000_000))
    assert first.energy_microjoules_total == 0
    assert not first.HasField("power_watts")
    second = host.shows("600000000")
    assert second.energy_microjoules_total == pytest.approx(1_000_000_000, abs=32)
    assert second.power_watts == pytest.approx(100.0)
    assert (second.quantity, second.source, second.kind) == ("component", "rapl", "measured")
    assert (second.counter_wraps_total, second.counter_resets_total) == (1, 0)
    assert not second.HasField("power_low_watts")


def test_a_reset_adds_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.shows("40000000000")
    after = host.shows("5")
    assert after.energy_microjoules_total == 0
    assert not after.HasField("power_watts")
    after = host.shows("500000005")
    assert after.power_watts == pytest.approx(50.0)
    assert (after.counter_resets_total, after.gap_seconds_total) == (1, 10)


def test_a_suspended_host_begins_anew_even_where_it_looks_like_a_wrap(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.shows(str(WRAP - 100_000_000))
    after = host.shows("100000000", seconds=40, asleep=30)
    assert after.energy_microjoules_total == 0
    assert (after.counter_resets_total, after.gap_seconds_total) == (1, 40)


@pytest.mark.parametrize("bad", ["", "-3", "nonsense"])
def test_a_counter_without_a_value_is_a_gap_that_is_told_once(
    tmp_path: Path, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = Host(tmp_path)
    host.shows("1000")
    for _ in range(2):
        with pytest.raises(NoData):
            host.shows(bad)
    assert len(caplog.records) == 1
    after = host.shows("3000001000")
    assert after.energy_microjoules_total == pytest.approx(3_000_000_000, abs=32)
    assert after.power_watts == pytest.approx(100.0)
    assert after.gap_seconds_total == 0
    assert caplog.records[-1].getMessage().endswith("has values again")


def test_a_package_that_is_unplugged_and_comes_back_begins_anew(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.shows(str(WRAP - 100_000_000))
    host.rapl.close()
    host.counter.unlink()
    with pytest.raises(NoData):
        host.sampler.sample(host.clock.passes(10))
    after = host.shows("100000000")
    assert after.energy_microjoules_total == 0
    assert after.counter_resets_total == 1


def test_a_package_that_is_plugged_in_is_found(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.shows("1000")
    Tree(tmp_path).zone("intel-rapl:1", "package-1")
    found = host.sampler.sample(host.clock.passes(10)).energy
    assert [sample.domain for sample in found] == ["package-0", "package-1"]


def test_cycles_that_come_seldom_have_a_thread_read_in_between(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.shows("1000")
    assert host.sampler._thread is None
    host.shows("60000000", seconds=60)
    assert host.sampler._thread is not None
    host.sampler.close()
    assert not host.sampler._thread.is_alive()


@pytest.mark.parametrize(("boot", "total"), [("same", 3_000_000_000), ("other", 1_000_000_000)])
def test_totals_outlive_the_agent_and_counters_only_the_same_boot(
    tmp_path: Path, boot: str, total: int
) -> None:
    notices, file = Notices(logging.getLogger("test.rapl")), tmp_path / "spool.energy.json"
    counter = Tree(tmp_path).zone("intel-rapl:0", "package-0", "0")
    clock = Clock()

    def run(boot_id: str, *shown: str) -> int:
        state = open_state(file, boot_id, notices)
        rapl = Rapl(tmp_path, notices, lambda: clock.awake, state)
        for text in shown:
            counter.write_text(text)
            rapl.look()
            rapl.read(clock.passes(10))
        state.save(notices)
        rapl.close()
        return rapl.meters()[0].counter.total

    assert run("same", "0", "1000000000") == pytest.approx(1_000_000_000, abs=32)
    assert run(boot, "3000000000") == pytest.approx(total, abs=32)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[]",
        '{"version": 9}',
        '{"version": 1, "boot_id": 3}',
        '{"version": 1, "boot_id": "b", "wall": 3}',
    ],
)
def test_a_state_that_makes_no_sense_is_told_and_left(
    bad: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "spool.energy.json"
    file.write_text(bad)
    state = open_state(file, "boot", Notices(logging.getLogger("test.rapl")))
    assert state.counters == {}
    assert "totals begin at 0 again" in caplog.text


def test_a_state_of_the_version_before_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "spool.energy.json"
    file.write_text(
        '{"version": 1, "boot_id": "boot", "counters": {"package-0": [7, 3, 1.5]},'
        ' "wall": [5000, 12.5], "source": ["dcmi", "measured", "a meter"],'
        ' "fit": [1, 2, 3, 4, 5, 6], "floor": [90.0]}'
    )
    state = open_state(file, "boot", Notices(logging.getLogger("test.rapl")))
    assert (state.wall, state.wall_at, state.floor) == ({"dcmi": 5000}, 12.5, [90.0])
    assert state.counters["package-0"].total == 7


@pytest.fixture
def locked() -> Iterator[Path]:
    """A server whose counters are root's, as the kernel makes them; others may list the folder."""
    folder = Path(tempfile.mkdtemp(prefix="hr-rapl-"))
    folder.chmod(0o755)
    two_sockets_with_psys(Tree(folder))
    for path in folder.rglob("energy_uj"):
        path.chmod(0o400 if os.geteuid() == 0 else 0)
    yield folder
    shutil.rmtree(folder)


TELL = """
import logging, sys
from pathlib import Path
sys.path[:0] = sys.argv[2].split(":")
logging.basicConfig(level="INFO", format="%(message)s")
from headroom_agent.samplers.energy import energy_samplers
root = Path(sys.argv[1])
print(*(sampler.name for sampler in energy_samplers(root, root, lambda: 0.5)))
"""


def test_an_ordinary_user_is_told_once_what_to_install_and_power_is_modelled(locked: Path) -> None:
    # A process of its own: root reads what is mode 0400, whatever it is told.
    command = [
        sys.executable,
        "-c",
        TELL,
        str(locked),
        ":".join(path for path in sys.path if path),
    ]
    if os.geteuid() == 0:
        command[:0] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wall"]
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "headroom-rapl.conf" in lines[0]
    assert lines[0].endswith("until then watts are modelled")


RULE = Path(__file__).parents[3] / "deploy" / "energy" / "headroom-rapl.conf"


def systemd_tmpfiles() -> str:
    found = shutil.which("systemd-tmpfiles")
    if found is None or os.geteuid() != 0:
        pytest.skip("needs root and systemd-tmpfiles (apt-get install systemd)")
    return found


@pytest.mark.parametrize("name", ["two sockets", "laptop with mmio", "eighteen sockets", "dies"])
def test_the_rule_that_the_message_names_opens_every_counter_to_the_agents_group(
    name: str, tmp_path: Path
) -> None:
    # systemd-tmpfiles itself reads the rule, under a root of its own with the group in it.
    tool = systemd_tmpfiles()
    LAYOUTS[name][0](Tree(tmp_path / "sys"))
    (tmp_path / "etc" / "tmpfiles.d").mkdir(parents=True)
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc" / "group").write_text("root:x:0:\nheadroom-agent:x:61234:\n")
    rule = shutil.copy(RULE, tmp_path / "etc" / "tmpfiles.d")
    counters = [zone.energy for zone in zones(tmp_path / "sys")]
    for counter in counters:
        counter.chmod(0o400)
    command = [tool, f"--root={tmp_path}", "--create", Path(rule).name]
    subprocess.run(command, check=True, capture_output=True)
    for counter in counters:
        told = counter.stat()
        assert (told.st_mode & 0o777, told.st_uid, told.st_gid) == (0o440, 0, 61234)


def test_a_server_measures_and_a_guest_models(tmp_path: Path) -> None:
    sysfs, proc = tmp_path / "sys", tmp_path / "proc"
    proc.mkdir()
    two_sockets_with_psys(Tree(sysfs))
    for cpuinfo, expected in ((SERVER, ["rapl", "wall"]), (GUEST, ["wall"])):
        (proc / "cpuinfo").write_text(cpuinfo)
        made = energy_samplers(proc, sysfs, lambda: 0.5, dev=tmp_path)
        assert [sampler.name for sampler in made] == expected
