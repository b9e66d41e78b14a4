"""Agents that fell silent: how long each has been, and whether it is too many at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headroom_collector.alert_metrics import Host
from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.judge import Reading
from headroom_collector.store.api import COLLECTOR_HOST
from headroom_core.estate import Estate, Status
from headroom_core.rules import AGENT_SILENT, MANY_SILENT, Rule

INTERVALS = 3.3
"""An agent that reports seldom is silent only after this many of its intervals."""

FEWEST_MANY = 3
"""Fewer silent agents are never an alert about the collector, however small the estate."""


@dataclass(slots=True)
class Lost:
    """
    When each agent was last heard, on a time of this process that no clock step touches.

    ``started`` and all times in nanoseconds of that time; it is wall-clock time at the start. An
    agent that was not heard since the start has the whole level to come back, and its alert of
    before neither ends nor begins meanwhile.
    """

    estate: Estate
    rules: Sequence[Rule]
    started: int
    heard: dict[str, int] = field(default_factory=dict)

    def hear(self, hosts: Iterable[str], time: int) -> None:
        """Note who reported, whatever the age of what it reported."""
        self.heard.update(dict.fromkeys(hosts, time))

    def readings(self, hosts: Mapping[str, Host], time: int) -> list[tuple[Rule, Reading]]:
        """Return what the rules about silence see now."""
        found: list[tuple[Rule, Reading]] = []
        silent = watched = 0
        rule = self._rule(AGENT_SILENT)
        for host in hosts.values():
            reading = self._reading(rule or Rule(threshold=50.0), host, time)
            if reading is None:
                continue
            watched += 1
            silent += reading.value is not None and reading.value > reading.level
            member = self.estate.member(host.name)
            if rule is not None and rule.scope.takes(member):
                found.append((rule, reading))
        many = self._rule(MANY_SILENT)
        if many is not None:
            found.insert(0, (many, self._many(many, silent, watched, time)))
        return found

    def _rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)

    def _reading(self, rule: Rule, host: Host, time: int) -> Reading | None:
        """Return how long a host has been silent; None where nobody waits for it."""
        if host.name == COLLECTOR_HOST:
            return None
        status = self.estate.member(host.name).status
        if status is Status.RETIRED:
            return None
        level = max(rule.threshold or 0.0, INTERVALS * (host.interval_seconds or 0.0))
        if status is Status.MAINTENANCE:
            return Reading(host.name, time, None, level)
        if host.goodbye:
            return Reading(host.name, time, 0.0, level)
        return Reading(host.name, time, self._silence(host, time, level), level)

    def _silence(self, host: Host, time: int, level: float) -> float | None:
        heard = self.heard.get(host.name)
        if heard is not None:
            return (time - heard) / SECOND
        if time - self.started <= level * SECOND:
            return None
        return (time - min(host.received or self.started, self.started)) / SECOND

    @staticmethod
    def _many(rule: Rule, silent: int, watched: int, time: int) -> Reading:
        ratio = silent / watched if watched and silent >= FEWEST_MANY else 0.0
        return Reading(COLLECTOR_HOST, time, ratio, rule.threshold or 0.2)
