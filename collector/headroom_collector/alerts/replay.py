"""Replay of a recorded series against a rule: when it would have paged."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headroom_collector.alerts.evaluate import INACTIVE, SECOND, Event, State, step
from headroom_collector.alerts.flapping import Flapping
from headroom_collector.alerts.seen import seen
from headroom_collector.alerts.window import Ring, window_ends
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
    *,
    damped: bool = True,
) -> list[Episode]:
    """
    Return the pages of one host; ``samples`` are (UTC nanoseconds, value), in order of time.

    The same window, state machine and, with ``damped``, damping as in the running collector.
    """
    ring, run = (
        Ring(rule.context_seconds + rule.step_seconds),
        _Run(rule, host, level, damped=damped),
    )
    for time, value in samples:
        before = ring.newest
        if not ring.add(time, value):
            continue
        for end in window_ends(before, time, rule.step_seconds, interval_seconds):
            run.window(end, *seen(rule, ring, interval_seconds, end))
        ring.trim()
    return run.whole()


def replay_windows(
    rule: Rule, host: str, windows: Iterable[tuple[int, float | None]], level: float
) -> list[Episode]:
    """Return the pages of one subject whose windows, (end in UTC nanoseconds, value), are known."""
    run = _Run(rule, host, level, damped=True)
    for end, value in windows:
        run.window(end, value, None)
    return run.whole()


@dataclass(slots=True)
class _Run:
    """One rule on one host, window by window."""

    rule: Rule
    host: str
    level: float
    damped: bool
    found: list[Episode] = field(default_factory=list)
    flapping: Flapping = field(default_factory=Flapping)
    state: State = INACTIVE
    fired: int = 0
    worst: float | None = None

    def whole(self) -> list[Episode]:
        """Return all pages, one that still fires at the end."""
        state = self.state
        if not state.firing or state.started is None:
            return self.found
        return [*self.found, Episode(self.host, state.started, self.fired, None, self.worst)]

    def window(self, end: int, value: float | None, context: float | None) -> None:
        """Take in the window that ends there."""
        rule, key = self.rule, (self.rule.name, self.host)
        held = self.flapping.damped(rule, key, end) if self.damped else rule
        self.state, transition = step(held, self.state, end, value, self.level, context)
        if self.state.firing and value is not None:
            farther = self.worst is None or rule.over(value, self.worst)
            self.worst = value if farther else self.worst
        if transition is None:
            return
        if transition.event is Event.FIRED:
            self.fired = end
            self.flapping.fired(key, end)
        else:
            self.found.append(Episode(self.host, transition.started, self.fired, end, self.worst))
            self.worst = None


def hours(episode: Episode) -> float | None:
    """Return how long it fired, in hours; None where it still does."""
    if episode.resolved is None:
        return None
    return (episode.resolved - episode.fired) / (3600 * SECOND)
