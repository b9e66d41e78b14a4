"""How far joules can be trusted, and what they cost: counters, shares, gauges, the model, controllers."""

import itertools
import math
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from headroom_collector.bench import energy_bmcs, energy_model, energy_tdp
from headroom_collector.bench.report import Figure
from headroom_collector.cli import processes
from headroom_core.energy_counter import EnergyCounter, Scale
from headroom_core.energy_fit import Fit, Shaper
from headroom_core.energy_split import Claim, split

SCALE = Scale.of_range(65532610987)
MOST_WATTS = 1000.0
YEAR = 365 * 86_400
RECORDED = Path("planetlab") / "20110303.parquet"
SAMPLE_SECONDS = 300
FAULTS = ("unreadable", "garbage", "garbage_number", "reboot", "suspend", "hotplug", "backwards")


def _shown(counts: int) -> int:
    return SCALE.to_microjoules(counts % SCALE.counts)


def year(*, short: bool) -> Iterator[Figure]:
    """Four sockets at 600 W each, read every 5 to 15 s, one reading in a hundred lost."""
    worst, lost = 0.0, 0.0
    for socket in range(4):
        rng, counter = random.Random(socket), EnergyCounter(SCALE, MOST_WATTS)  # noqa: S311 - repeatable
        true, at, end = 0, 0.0, YEAR / (12 if short else 1)
        counter.read(0, 0.0)
        while at < end:
            seconds = 5 + 10 * rng.random()
            true, at = true + int(600e9 * seconds / SCALE.unit), at + seconds
            if rng.random() > 0.01 or at >= end:
                counter.read(_shown(true), at)
        used = SCALE.to_microjoules(true)
        worst = max(worst, abs(counter.total - used) / used)
        lost += counter.gap_seconds
    yield Figure("energy", "year", "relative_error", worst, "ratio")
    yield Figure("energy", "year", "gap_seconds", lost, "s")


@dataclass(slots=True)
class Victim:
    """A counter with a host around it that goes wrong; ``used`` is what it drew in counts."""

    rng: random.Random
    counter: EnergyCounter
    raw: int = 0
    used: int = 0
    at: float = 0.0

    def passes(self, seconds: float) -> None:
        """Draw 50 to 500 W for a while."""
        counts = int(self.rng.uniform(50, 500) * 1e9 * seconds / SCALE.unit)
        self.raw, self.used, self.at = self.raw + counts, self.used + counts, self.at + seconds

    def fault(self, kind: str) -> None:
        """Let one thing go wrong, as the sampler would see it."""
        if kind == "garbage_number":
            self.counter.read(self.rng.randrange(1 << 36), self.at)
        elif kind == "backwards":
            self.counter.read(_shown(self.raw), self.at - self.rng.uniform(1, 50))
        elif kind in {"reboot", "suspend", "hotplug"}:
            self.counter.lose(self.at)
            self.at += self.rng.uniform(1, 600)
            self.raw = self.rng.randrange(1 << 20)
        # unreadable and garbage that is no number: the sampler reads nothing at all


def _inject(victim: Victim, kinds: Sequence[str], count: int) -> tuple[float, int]:
    """Return phantom joules and negative deltas after so many faults."""
    phantom, negative, before = 0, 0, 0
    for n in range(count):
        victim.passes(10)
        victim.fault(kinds[n % len(kinds)])
        victim.passes(10)
        victim.counter.read(_shown(victim.raw), victim.at)
        negative += victim.counter.total < before
        before = victim.counter.total
        phantom = max(phantom, victim.counter.total - SCALE.to_microjoules(victim.used) - 1)
    return max(0, phantom) / 1e6, negative


def faults(*, short: bool) -> Iterator[Figure]:
    """Faults between cycles of 10 s; energy counted beyond what was drawn is phantom."""
    count = 20_000 if short else 100_000
    victim = Victim(random.Random(5), EnergyCounter(SCALE, MOST_WATTS))  # noqa: S311 - repeatable
    phantom, negative = _inject(victim, FAULTS, count)
    yield Figure("energy", "faults", "injected", float(count), "1")
    yield Figure("energy", "faults", "phantom_joules", phantom, "J")
    yield Figure("energy", "faults", "negative_deltas", float(negative), "1")


def silent(*, short: bool) -> Iterator[Figure]:
    """
    Measure what resets that nothing announces do, which hardware does not know: some look like a wrap.

    Each comes after 40 cycles, at any place of the counter.
    """
    count = 200 if short else 2_000
    victim = Victim(random.Random(8), EnergyCounter(SCALE, MOST_WATTS))  # noqa: S311 - repeatable
    mistaken, phantom = 0, 0
    for _ in range(count):
        for _ in range(40):
            victim.passes(10)
            victim.counter.read(_shown(victim.raw), victim.at)
        before, drawn = victim.counter.total, victim.used
        victim.raw = victim.rng.randrange(1 << 20)
        victim.passes(10)
        victim.counter.read(_shown(victim.raw), victim.at)
        used = SCALE.to_microjoules(victim.used - drawn)
        extra = victim.counter.total - before - used
        mistaken += extra > 0
        phantom += max(0, extra)
    yield Figure("energy", "silent-resets", "mistaken_ratio", mistaken / count, "ratio")
    yield Figure("energy", "silent-resets", "phantom_joules_each", phantom / count / 1e6, "J")


def attribution(*, short: bool) -> Iterator[Figure]:
    """Random hosts of up to 100 machines: the worst that shares are off the host's energy."""
    rng, worst, negative = random.Random(6), 0.0, 0  # noqa: S311 - repeatable
    intervals = 2_000 if short else 20_000
    for _ in range(intervals):
        claims = [
            Claim(str(n), rng.expovariate(0.1), rng.randint(0, 32))
            for n in range(rng.randint(0, 100))
        ]
        energy = rng.randrange(1, 10**11)
        found = split(energy, rng.randrange(10**11), rng.uniform(0, 2000), 128, claims)
        worst = max(worst, abs(found.total() - energy) / energy)
        parts = [part for share in found.vms.values() for part in (share.dynamic, share.idle)]
        negative += min([found.host, found.unallocated, *parts]) < 0
    yield Figure("energy", "attribution", "worst_sum_error", worst, "ratio")
    yield Figure("energy", "attribution", "intervals_with_a_negative_share", float(negative), "1")


def _curve(hours: int) -> Iterator[tuple[float, float]]:
    """Yield the components' and the wall's watts second by second: bursts of 5 s in 20 s and more."""
    rng = random.Random(7)  # noqa: S311 - repeatable
    level = 0.0
    for second in range(hours * 3600):
        if second % 300 == 0:
            level = rng.uniform(0, 120)
        burst = 200.0 if second % 25 < 5 else 0.0
        component = 60 + level + burst + rng.gauss(0, 5)
        # The supply's losses bend the line; fans follow the day.
        wall = 80 + 1.08 * component + 2e-4 * component**2 + 8 * math.sin(second / 13751)
        yield component, wall


def _day(curve: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the relative errors over a curve: shaped by the components, and held."""
    shaper, last = Shaper(Fit()), None
    true = held = shaped = 0.0
    for second, (component, wall) in enumerate(curve):
        if second % 60 == 0:
            shaper.gauge(wall, component)
            last = wall
        joules = shaper.joules(1, component)
        true += wall
        held += last or 0.0
        shaped += joules if joules is not None else (last or 0.0)
    return abs(shaped / true - 1), abs(held / true - 1)


def _recorded(loads: Sequence[float], seed: int) -> Iterator[tuple[float, float]]:
    """Yield a server's watts second by second while its load goes from one recorded value to the next."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    for place, (load, following) in enumerate(itertools.pairwise(loads)):
        for second in range(SAMPLE_SECONDS):
            now = load + (following - load) * second / SAMPLE_SECONDS
            component = 60 + 300 * now + rng.gauss(0, 5)
            at = place * SAMPLE_SECONDS + second
            yield component, 80 + 1.08 * component + 2e-4 * component**2 + 8 * math.sin(at / 13751)


def gauge(*, short: bool) -> Iterator[Figure]:
    """Read a gauge once in 60 s over a day: bursts, and recorded loads of 20 hosts of 30 machines."""
    error, held = _day(_curve(24))
    yield Figure("energy", "gauge", "relative_error", error, "ratio", {"held": held})
    file = energy_model.data() / RECORDED
    if not file.is_file():
        why = f"{file} is not there: set HEADROOM_BENCH_DATA to its folder"
        yield Figure("energy", "gauge", "recorded_skipped", 1, "1", skipped={"data": why})
        return
    percent = parquet.read_table(file).sort_by([("vm", "ascending"), ("sample", "ascending")])
    loads = percent["cpu_percent"].to_numpy().reshape(-1, 288) / 100
    hosts = 4 if short else 20
    days = [loads[n * 30 : n * 30 + 30].mean(axis=0).tolist() for n in range(hosts)]
    found = [_day(_recorded(day, seed)) for seed, day in enumerate(days)]
    worst, worst_held = (max(errors) for errors in zip(*found, strict=True))
    yield Figure(
        "energy", "gauge", "recorded_relative_error", worst, "ratio", {"held": worst_held}
    )


def _tree(sysfs: Path, sockets: int) -> Path:
    """Make the powercap class of that many sockets with memory counters."""
    for socket in range(sockets):
        top = f"intel-rapl:{socket:x}"
        for zone, name in ((top, f"package-{socket}"), (f"{top}:0", "dram")):
            folder = sysfs / "class" / "powercap" / zone
            folder.mkdir(parents=True)
            told = {"name": name, "energy_uj": "123456789", "max_energy_range_uj": "65532610987"}
            for file, text in told.items():
                (folder / file).write_text(f"{text}\n")
    return sysfs


def rapl(*, short: bool) -> Iterator[Figure]:
    """
    Sample 16 counters (8 sockets with memory) as the agent does, from files.

    What the kernel does for a true counter comes on top: it reads a register on the socket.
    """
    readings = 300 if short else 3000
    with tempfile.TemporaryDirectory() as folder:
        words = [str(_tree(Path(folder), 8)), str(readings)]
        seconds = float(processes.output("headroom_agent.samplers.rapl_cost", words))
    yield Figure("energy", "rapl", "core_share_at_1_hz", seconds, "ratio")


CASES: dict[str, Callable[..., Iterator[Figure]]] = {
    "year": year,
    "faults": faults,
    "silent-resets": silent,
    "attribution": attribution,
    "gauge": gauge,
    "rapl": rapl,
    "dcmi": energy_bmcs.dcmi,
    "bmcs": energy_bmcs.bmcs,
    "model-two-point": energy_model.two_point,
    "model-generation": energy_model.generations,
    "model-threads": energy_model.threads,
    "model-tdp": energy_tdp.tdp,
}


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Measure the cases of energy, or only one of them, and how long each took."""
    for name, measure in CASES.items():
        if case in {None, name}:
            started = time.monotonic()
            yield from measure(short=short)
            yield Figure("energy", name, "seconds", time.monotonic() - started, "s")
