"""Random rules on random series: the engine beside a plain interpreter of what a rule says."""

import math
import random as random_module
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.replay import Episode, replay
from headroom_collector.bench.report import Figure
from headroom_core.rules import Rule

LEVEL = 0.4
INTERVAL = 15
SEED = 5

Samples = Sequence[tuple[int, float]]
Page = tuple[int, int, int | None]
"""Start, firing and resolve of an episode, in seconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """End of a window in seconds, and its value; None without a verdict."""

    end: int
    value: float | None


def windows(rule: Rule, samples: Samples) -> list[Window]:
    """Return the window that ends at each sample, each from all samples anew."""
    found = []
    need = max(
        1, math.ceil(math.floor(rule.window_seconds / INTERVAL) * rule.coverage_ratio - 1e-9)
    )
    for end, _ in samples:
        inside = [(t, v) for t, v in samples if end - rule.window_seconds < t <= end]
        values = sorted(v for _, v in inside)
        value: float | None = None
        if len(inside) >= need:
            if rule.aggregate == "rate":
                value = _rate(inside)
            elif rule.aggregate == "mean":
                value = math.fsum(values) / len(values)
            else:
                share = {"max": 100, "min": 0}.get(rule.aggregate)
                share = int(rule.aggregate[1:]) if share is None else share
                value = values[max(math.ceil(share / 100 * len(values)), 1) - 1]
        found.append(Window(end, value))
    return found


def _rate(inside: Samples) -> float | None:
    if len(inside) < 2:
        return None
    steps = pairwise(inside)
    grown = math.fsum(b - a if b >= a else b for (_, a), (_, b) in steps)
    return grown / (inside[-1][0] - inside[0][0])


def pages(rule: Rule, samples: Samples) -> list[Page]:
    """Return the episodes, each verdict by looking back over all windows before it."""
    seen = windows(rule, samples)
    found: list[Page] = []
    fires: list[int] = []
    open_: tuple[int, int] | None = None
    since_change = 0
    for at, window in enumerate(seen):
        past = seen[since_change : at + 1]
        if open_ is None:
            first = _run(past, _over(rule))
            if first is not None and window.end - first >= rule.hold_seconds:
                open_, since_change = (first, window.end), at + 1
                fires.append(window.end)
            continue
        recent = sum(fire > window.end - 6 * 3600 for fire in fires)
        hold = rule.clear_hold_seconds * 2 ** min(max(recent - 1, 0), 3)
        first = _run(past, _clear(rule))
        if first is not None and window.end - first >= hold:
            found.append((*open_, window.end))
            open_, since_change = None, at + 1
    return [*found, (*open_, None)] if open_ else found


def _run(past: Sequence[Window], test: Callable[[float], bool]) -> int | None:
    """Return where the unbroken run of windows that pass the test up to now began."""
    first = None
    for window in reversed(past):
        if window.value is None or not test(window.value):
            break
        first = window.end
    return first


def _over(rule: Rule) -> Callable[[float], bool]:
    return LEVEL.__gt__ if rule.below else LEVEL.__lt__


def _clear(rule: Rule) -> Callable[[float], bool]:
    if rule.below:
        return (LEVEL / rule.clear_factor).__lt__
    return (LEVEL * rule.clear_factor).__gt__


def a_rule(random: random_module.Random) -> Rule:
    """Return any rule."""
    return Rule(
        window_seconds=random.choice([15, 30, 60, 150]),
        hold_seconds=random.choice([0, 15, 60, 100]),
        clear_factor=random.choice([0.5, 0.9, 1.0]),
        clear_hold_seconds=random.choice([0, 30, 90]),
        coverage_ratio=random.choice([0.3, 0.8, 1.0]),
        aggregate=random.choice(["mean", "max", "min", "rate", "p50", "p95", "p0"]),
        below=random.random() < 0.25,
    )


def a_series(random: random_module.Random, rule: Rule) -> list[tuple[int, float]]:
    """Return samples in seconds, some missing, that hover round the level."""
    values = random.choice([(0.1, 0.8), (0.35, 0.39, 0.4, 0.41, 0.45), (0.3, 0.5)])
    scale = INTERVAL if rule.aggregate == "rate" else 1
    total, found = 0.0, []
    for n in range(random.randint(1, 60)):
        value = random.choice(values)
        total = 0.0 if random.random() < 0.02 else total + value * scale
        if random.random() > 0.1:
            found.append((1000 + n * INTERVAL, total if rule.aggregate == "rate" else value))
    return found


def ours(rule: Rule, samples: Samples) -> list[Page]:
    """Return what the engine says."""

    def page(one: Episode) -> Page:
        ended = None if one.resolved is None else one.resolved // SECOND
        return one.started // SECOND, one.fired // SECOND, ended

    stamped = [(time * SECOND, value) for time, value in samples]
    return [page(one) for one in replay(rule, "h", stamped, LEVEL, INTERVAL)]


def figures(*, short: bool) -> Iterator[Figure]:
    """Compare both on random rules and series."""
    count = 2_000 if short else 100_000
    random = random_module.Random(SEED)  # noqa: S311  # test data, nothing secret
    differ = found = 0
    for _ in range(count):
        rule = a_rule(random)
        samples = a_series(random, rule)
        expected = pages(rule, samples)
        found += len(expected)
        differ += ours(rule, samples) != expected
    yield Figure("alerts", "reference", "rules_and_series", count, "count")
    yield Figure("alerts", "reference", "pages", found, "count")
    yield Figure("alerts", "reference", "disagreements", differ, "count")
