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
    """
    End of a window in seconds, and its value; None without a verdict.

    ``context``: the mean over window and hold, where the rule asks for it.
    """

    end: int
    value: float | None
    context: float | None = None


def ends(rule: Rule, samples: Samples) -> Iterator[tuple[int, int]]:
    """
    Yield where windows end, each with the time of the sample that closes it.

    A window on a multiple of the step is closed by the sample after which none is expected in it;
    of many that one sample closes, the first two and the last count.
    """
    step = int(rule.step_seconds)
    closed: int | None = None
    for time, _ in samples:
        if not step:
            yield time, time
            continue
        until = time + INTERVAL
        multiples = [n for n in range(until - until % step - step, until, step) if n < until]
        if closed is not None:
            start = closed + (-closed) % step
            multiples = list(range(start, until, step))
        else:
            multiples = multiples[-1:]
        if len(multiples) > 3:
            multiples = [*multiples[:2], multiples[-1]]
        yield from ((end, time) for end in multiples)
        closed = until


def windows(rule: Rule, samples: Samples) -> list[Window]:
    """Return the windows one after the other, each from all samples anew."""
    found = []
    for end, now in ends(rule, samples):
        known = [(t, v) for t, v in samples if t <= now]
        value = _value(rule, rule.aggregate, known, end, rule.window_seconds)
        context = None
        if rule.falling_factor and value is not None:
            how = "rate" if rule.aggregate == "rate" else "mean"
            context = _value(rule, how, known, end, rule.window_seconds + rule.hold_seconds)
        found.append(Window(end, value, context))
    return found


def _value(rule: Rule, how: str, known: Samples, end: int, length: float) -> float | None:
    need = max(1, math.ceil(math.floor(length / INTERVAL) * rule.coverage_ratio - 1e-9))
    inside = [(t, v) for t, v in known if end - length < t <= end]
    values = sorted(v for _, v in inside)
    if len(inside) < need:
        return None
    if how == "rate":
        return _rate(inside)
    if how == "mean":
        return math.fsum(values) / len(values)
    share = {"max": 100, "min": 0}.get(how)
    share = int(how[1:]) if share is None else share
    return values[max(math.ceil(share / 100 * len(values)), 1) - 1]


def _falls(rule: Rule, window: Window) -> bool:
    if not rule.falling_factor or window.value is None or window.context is None:
        return False
    if rule.below:
        return window.value * rule.falling_factor > window.context
    return window.value < rule.falling_factor * window.context


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
            long_enough = first is not None and window.end - first >= rule.hold_seconds
            if first is not None and long_enough and not _falls(rule, window):
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
    limit = rule.clear_threshold
    if rule.below:
        return (LEVEL / rule.clear_factor if limit is None else limit).__lt__
    return (LEVEL * rule.clear_factor if limit is None else limit).__gt__


def a_rule(random: random_module.Random) -> Rule:
    """Return any rule."""
    below = random.random() < 0.25
    clear = [None, None, 0.45, 0.41] if below else [None, None, 0.35, 0.39]
    return Rule(
        window_seconds=random.choice([15, 30, 60, 150]),
        step_seconds=random.choice([0, 0, 15, 30, 50, 60]),
        hold_seconds=random.choice([0, 15, 60, 100]),
        falling_factor=random.choice([0, 0, 0.8, 0.95, 1.0]),
        clear_factor=random.choice([0.5, 0.9, 1.0]),
        clear_threshold=random.choice(clear),
        clear_hold_seconds=random.choice([0, 30, 90]),
        coverage_ratio=random.choice([0.3, 0.8, 1.0]),
        aggregate=random.choice(["mean", "max", "min", "rate", "p50", "p95", "p0"]),
        threshold=LEVEL,
        below=below,
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
