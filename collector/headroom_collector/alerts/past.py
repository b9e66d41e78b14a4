"""
The past of a host, where it arrives after the present.

An agent that was cut off sends what is fresh first, and then what it kept. The present was judged by
then, so what comes late is judged beside it: it can only add lines to the history, marked as
historical, and neither fires nor resolves anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headroom_collector.alert_metrics import Sample
from headroom_collector.alerts.evaluate import INACTIVE, State, Transition, step
from headroom_collector.alerts.record import Alert, Entry, Key
from headroom_collector.alerts.seen import seen
from headroom_collector.alerts.window import SECOND, Ring, window_ends
from headroom_core.rules import Rule


@dataclass(slots=True)
class Past:
    """Windows and states of what comes late, by host and metric; forgotten at a restart."""

    rings: dict[tuple[str, str], Ring] = field(default_factory=dict)
    states: dict[Key, State] = field(default_factory=dict)

    def take(
        self,
        sample: Sample,
        rules: Sequence[tuple[Rule, float]],
        interval: float | None,
        alerts: Mapping[Key, Alert],
    ) -> Iterator[Entry]:
        """
        Yield the lines of history that a late sample brings; ``rules`` with their levels.

        What an open alert covers already adds nothing.
        """
        key = (sample.host, sample.metric)
        keep = max((rule.context_seconds + rule.step_seconds for rule, _ in rules), default=0.0)
        ring = self.rings.setdefault(key, Ring(keep))
        before = ring.newest
        if before is not None and sample.time - before > keep * SECOND:
            self._begin(sample.host, rules)
        if not ring.add(sample.time, sample.value):
            return
        for rule, level in rules:
            for end in window_ends(before, sample.time, rule.step_seconds, interval):
                yield from self._window(rule, level, ring, interval, sample.host, end, alerts)
        ring.trim()

    def _begin(self, host: str, rules: Sequence[tuple[Rule, float]]) -> None:
        for rule, _ in rules:
            self.states.pop((rule.name, host), None)

    def _window(
        self,
        rule: Rule,
        level: float,
        ring: Ring,
        interval: float | None,
        host: str,
        end: int,
        alerts: Mapping[Key, Alert],
    ) -> Iterator[Entry]:
        key = (rule.name, host)
        open_ = alerts.get(key)
        started = open_.state.started if open_ else None
        if started is not None and started <= end:
            self.states.pop(key, None)
            return
        value, context = seen(rule, ring, interval, end)
        state = self.states.get(key, INACTIVE)
        self.states[key], found = step(rule, state, end, value, level, context)
        if found is not None:
            yield _entry(key, found, value, level)


def _entry(key: Key, found: Transition, value: float | None, level: float) -> Entry:
    return Entry(*key, found.event, found.time, found.started, value, level, historical=True)
