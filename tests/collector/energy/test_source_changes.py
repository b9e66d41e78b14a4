"""A host whose meters come and go, from its files to queries: its joules never step, and none is lost."""

import json
import logging
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from rigs.ingest import HandClock
from rigs.powercap import RANGE, Tree
from rigs.samples import QUICK

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, Sampler
from headroom_agent.samplers.energy import energy_samplers
from headroom_agent.samplers.energy_state import open_state
from headroom_collector.consolidation.latest import read_latest
from headroom_collector.consolidation.money.assets import read_held
from headroom_collector.ingest.decode import rows
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.promql.query import Span, run
from headroom_collector.promql.render import result
from headroom_collector.promql.storage import Limits, Naming, Store
from headroom_collector.store.api import StoreBatch
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.energy_counter import Scale
from headroom_core.power import Kind
from headroom_proto.catalogue import catalogue
from headroom_proto.v1 import telemetry_pb2

SECOND = 1_000_000_000
STEP = 10
SCALE = Scale.of_range(RANGE)
MOST_WATTS = 500.0
CPUINFO = "processor\t: 0\nflags\t\t: fpu vme\n"


@dataclass
class Host:
    """A server of one package with an ACPI power meter; ``drawn`` is its true input in joules."""

    root: Path
    clock: HandClock
    boottime: float = 100.0
    load: float = 0.01
    counts: int = 0
    drawn: float = 0.0
    meter_works: bool = True
    counter_works: bool = True
    cycles: list[telemetry_pb2.Cycle] = field(default_factory=list)
    samplers: tuple[Sampler, ...] = ()
    rng: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self.counter = Tree(self.root / "sys").zone("intel-rapl:0", "package-0", "0")
        self.meter = self.root / "sys" / "class" / "hwmon" / "hwmon0"
        self.meter.mkdir(parents=True)
        (self.meter / "name").write_text("power_meter\n")
        self.boot = self.root / "proc" / "sys" / "kernel" / "random" / "boot_id"
        self.boot.parent.mkdir(parents=True)
        (self.root / "proc" / "cpuinfo").write_text(CPUINFO)
        self.boots("first")

    def boots(self, name: str) -> None:
        self.boot.write_text(f"{name}\n")
        self.boottime, self.counts = 100.0, 0
        self.agent_starts()

    def agent_starts(self) -> None:
        self.shows(self.component)
        for sampler in self.samplers:
            if hasattr(sampler, "close"):
                sampler.close()
        self.samplers = energy_samplers(
            self.root / "proc",
            self.root / "sys",
            lambda: self.load,
            state=self.root / "spool.energy.json",
            dev=self.root,
            monotonic=lambda: self.boottime,
        )

    @property
    def component(self) -> float:
        return 30 + 150 * self.load

    def shows(self, component: float) -> None:
        raw = str(SCALE.to_microjoules(self.counts % SCALE.counts))
        self.counter.write_text(raw if self.counter_works else "")
        watts = 80 + 1.2 * component
        told = str(round(watts * 1e6)) if self.meter_works else "0"
        (self.meter / "power1_average").write_text(f"{told}\n")

    def runs(self, cycles: int) -> None:
        for _ in range(cycles):
            self.load = 0.01 if self.rng.random() < 0.5 else self.rng.uniform(0, 1)
            self.counts += int(self.component * STEP * 1e9 / SCALE.unit)
            self.boottime += STEP
            self.clock.time += STEP * SECOND
            self.drawn += (80 + 1.2 * self.component) * STEP
            self.shows(self.component)
            moment = Moment(self.clock.now(), int(self.boottime * SECOND))
            cycle = telemetry_pb2.Cycle(time_unix_nano=self.clock.now())
            for sampler in self.samplers:
                try:
                    cycle.energy.extend(sampler.sample(moment).energy)
                except NoData:
                    continue
            self.cycles.append(cycle)


@dataclass(frozen=True)
class Phase:
    """How the power was known in some cycles, and joules counted and drawn in them."""

    kind: Kind
    counted: float
    drawn: float


def wall(cycle: telemetry_pb2.Cycle) -> list[tuple[str, int, bool]]:
    return [
        (one.source, one.energy_microjoules_total, one.HasField("power_watts"))
        for one in cycle.energy
        if one.quantity == "wall"
    ]


def growth(cycles: Sequence[telemetry_pb2.Cycle]) -> list[int]:
    """Return by how many microjoules all series together grew in each cycle but the first."""
    last = {source: total for source, total, _ in wall(cycles[0])}
    found = []
    for cycle in cycles[1:]:
        grown = 0
        for source, total, _ in wall(cycle):
            grown += total - last.get(source, total)
            last[source] = total
        found.append(grown)
    return found


def phase(host: Host, cycles: int) -> Phase:
    drawn, place = host.drawn, max(0, len(host.cycles) - 1)
    host.runs(cycles)
    (last,) = [one for one in host.cycles[-1].energy if one.HasField("power_low_watts")]
    known = sum(growth(host.cycles)[place:]) / 1e6
    return Phase(last.kind, known, host.drawn - drawn)  # type: ignore[arg-type]  # what it wrote


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Host, list[Phase]]:
    """Five phases: measured, derived and modelled with a restart before each, measured, rebooted."""
    clock = HandClock()
    host = Host(tmp_path_factory.mktemp("host"), clock)
    phases = [phase(host, 120)]
    host.meter_works = False
    host.agent_starts()
    phases.append(phase(host, 60))
    host.counter_works = False
    host.agent_starts()
    phases.append(phase(host, 60))
    host.meter_works = host.counter_works = True
    phases.append(phase(host, 60))
    host.boots("second")
    phases.append(phase(host, 60))
    return host, phases


@pytest.fixture(scope="module")
def store(
    lived: tuple[Host, list[Phase]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DuckStore]:
    host, _ = lived
    opened = open_store(tmp_path_factory.mktemp("store"), QUICK, MIGRATIONS, host.clock)
    for seq, cycle in enumerate(host.cycles, 1):
        at = cycle.time_unix_nano
        done = opened.append(StoreBatch("db-01", b"a" * 16, seq, 0, at, rows=rows(cycle)))
    done.result(60)
    while opened.maintain(host.clock.now()).more:
        pass
    yield opened
    opened.close()


def test_each_phase_is_of_the_kind_that_its_meters_allow(
    lived: tuple[Host, list[Phase]],
) -> None:
    kinds = [one.kind for one in lived[1]]
    assert kinds == ["measured", "derived", "modelled", "measured", "measured"]


def test_measured_and_derived_joules_are_what_was_drawn(lived: tuple[Host, list[Phase]]) -> None:
    for one in lived[1]:
        if one.kind != "modelled":
            assert one.counted == pytest.approx(one.drawn, rel=0.02)


def test_no_cycle_adds_more_than_the_server_can_draw_and_none_takes_away(
    lived: tuple[Host, list[Phase]],
) -> None:
    assert all(0 <= one <= MOST_WATTS * STEP * 1e6 for one in growth(lived[0].cycles))


def test_no_series_of_its_own_steps_either(lived: tuple[Host, list[Phase]]) -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    for cycle in lived[0].cycles:
        assert sum(now for _, _, now in wall(cycle)) == 1
        for source, total, _ in wall(cycle):
            seen[source].append(total)
    assert set(seen) == {"hwmon", "rapl_regression", "model"}
    for totals in seen.values():
        for before, after in pairwise(totals):
            assert 0 <= after - before <= MOST_WATTS * STEP * 1e6


def test_the_series_together_are_the_agents_whole(lived: tuple[Host, list[Phase]]) -> None:
    host, _ = lived
    notices = Notices(logging.getLogger("test.changes"))
    kept = open_state(host.root / "spool.energy.json", "second", notices).wall
    assert sum(growth(host.cycles)) == sum(kept.values())


def test_queries_see_one_power_at_a_time_and_the_counters_growth(
    lived: tuple[Host, list[Phase]], store: DuckStore
) -> None:
    host, phases = lived
    hosts = {row.id: {"host": row.name} for row in store.hosts()}
    naming = Naming(hosts, lambda name: {"host": name})
    now = host.clock.now() // 1_000_000
    source = Store(store, catalogue(), naming, 0, Limits())
    window = len(host.cycles) * STEP + 60
    text = f'sum(increase(headroom_energy_joules_total{{quantity="wall"}}[{window}s]))'
    found = run(text, Span(now, now, 0), source, lambda: None)
    (answer,) = json.loads(result(found, instant=True))["result"]
    counted = sum(one.counted for one in phases)
    assert float(answer["value"][1]) == pytest.approx(counted, rel=0.05)
    power = read_latest(store, host.clock.now()).power
    assert [one.source for one in power.values()] == ["hwmon"]


def test_the_measured_idle_floor_is_what_emptying_the_host_saves(
    lived: tuple[Host, list[Phase]], store: DuckStore, tmp_path: Path
) -> None:
    host, _ = lived
    (tmp_path / "inventory.csv").write_text("host,site\n")
    book = Book(store, tmp_path / "inventory.csv", host.clock)
    (held,) = read_held(store, book, host.clock.now())
    assert held.asset.idle_watts == pytest.approx(80 + 1.2 * 31.5, rel=0.01)
    assert (held.asset.idle_watts or 0) < (held.asset.watts or 0)
