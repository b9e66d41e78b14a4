"""Replay of a recorded series against a rule: when it would have paged."""

from collections.abc import Iterable
from dataclasses import dataclass

from headroom_collector.alerts.evaluate import INACTIVE, SECOND, Event, step
from headroom_collector.alerts.flapping import Flapping
from headroom_collector.alerts.record import Key
from headroom_collector.alerts.window import Ring
from headroom_core.rules import Rule


@dataclass(frozen=True, slots=True)
class Episode:
    """
    One page: first moment over the level, when it fired, when it resolved (None: it still fires).

    All in UTC nanoseconds of the samples' own time. ``peak`` is the farthest value while it fired.
    """

    host: str
    started: int
    fired: int
    resolved: int | None
    peak: float | None


def replay(
    rule: Rule,
    host: str,
    samples: Iterable[tuple[int, float]],
    level: float,
    interval_seconds: float | None = None,
) -> list[Episode]:
    """
    Return the pages of one host; ``samples`` are (UTC nanoseconds, value), in order of time.

    The same window, state machine and damping as in the running collector.
    """
    ring, state, flapping = Ring(rule.window_seconds), INACTIVE, Flapping()
    key: Key = (rule.name, host)
    found: list[Episode] = []
    fired = 0
    worst: float | None = None
    for time, value in samples:
        if not ring.add(time, value):
            continue
        seen = ring.aggregate(
            rule.aggregate, rule.window_seconds, rule.coverage_ratio, interval_seconds
        )
        held = flapping.damped(rule, key, time)
        state, transition = step(held, state, time, seen, level)
        if state.firing and seen is not None:
            worst = seen if worst is None or rule.over(seen, worst) else worst
        if transition is None:
            continue
        if transition.event is Event.FIRED:
            fired = time
            flapping.fired(key, time)
        else:
            found.append(Episode(host, transition.started, fired, time, worst))
            worst = None
    if state.firing and state.started is not None:
        found.append(Episode(host, state.started, fired, None, worst))
    return found


def hours(episode: Episode) -> float | None:
    """Return how long it fired, in hours; None where it still does."""
    if episode.resolved is None:
        return None
    return (episode.resolved - episode.fired) / (3600 * SECOND)
