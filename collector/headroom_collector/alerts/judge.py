"""From samples to alerts, history and notices: what one look at new samples changes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headroom_collector.alert_metrics import Host, Sample
from headroom_collector.alerts.evaluate import INACTIVE, SECOND, Event, Phase, Transition, step
from headroom_collector.alerts.flapping import Flapping
from headroom_collector.alerts.levels import level_of
from headroom_collector.alerts.past import Past
from headroom_collector.alerts.record import Alert, Entry, Key, Notice, NoticeKind
from headroom_collector.alerts.seen import seen
from headroom_collector.alerts.window import Ring, window_ends
from headroom_collector.store.api import COLLECTOR_HOST
from headroom_core.budget import EnergyBudget
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Estate, Member, Status
from headroom_core.rules import AGENT_SILENT, MANY_SILENT, Rule

Muted = Callable[[Mapping[str, str], int], bool]
"""Whether an alert with these labels is silenced at that moment (UTC nanoseconds)."""


def never_muted(_labels: Mapping[str, str], _now: int) -> bool:
    """Silence nothing."""
    return False


@dataclass(slots=True)
class Changes:
    """What a look changed: alerts by rule and host, lines of history, notices."""

    alerts: dict[Key, Alert] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a rule saw of a host: the aggregate, the level it is held against, when (UTC ns).

    ``context`` is the mean over window and hold, where the rule asks for it.
    """

    host: str
    time: int
    value: float | None
    level: float
    context: float | None = None


@dataclass(slots=True)
class Judge:
    """
    The rules over the estate. Not safe from several threads at once.

    ``max_page_age_seconds``: what samples older than that bring about goes to the history and
    nobody is told of it; once the samples reach the present, the present state decides what
    on-call is told. ``telling`` is false where there is nobody to tell.
    """

    rules: Sequence[Rule]
    estate: Estate
    ceiling: Ceiling
    max_page_age_seconds: float
    budget: EnergyBudget = field(default_factory=EnergyBudget)
    telling: bool = True
    alerts: dict[Key, Alert] = field(default_factory=dict)
    rings: dict[tuple[str, str], Ring] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)
    muted: Muted = never_muted
    flapping: Flapping = field(default_factory=Flapping)
    past: Past = field(default_factory=Past)

    def remember(self, samples: Iterable[Sample]) -> None:
        """Fill the rings with samples that were judged before."""
        by_metric = self._by_metric()
        for sample in samples:
            ring = self._ring(sample, by_metric.get(sample.metric, ()))
            ring.add(sample.time, sample.value)
            ring.trim()

    def judge(
        self, samples: Iterable[Sample], now: int, readings: Iterable[tuple[Rule, Reading]] = ()
    ) -> Changes:
        """
        Take new samples in, at UTC nanoseconds ``now``, and return what that changes.

        ``readings`` are of rules whose value does not come from samples: silent agents.
        """
        changes = Changes()
        by_metric = self._by_metric()
        for sample in sorted(samples, key=lambda sample: (sample.time, sample.host)):
            self._sample(sample, by_metric.get(sample.metric, ()), now, changes)
        for rule, reading in readings:
            self.settle(rule, reading, now, changes)
        self._drop(now, changes)
        for alert in [alert for alert in self.alerts.values() if alert.open]:
            self._tell(alert, now, changes)
        self.alerts = {key: alert for key, alert in self.alerts.items() if alert.open}
        return changes

    def _by_metric(self) -> dict[str, list[Rule]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if not rule.long:
                found.setdefault(rule.metric, []).append(rule)
        return found

    def _ring(self, sample: Sample, rules: Sequence[Rule]) -> Ring:
        key = (sample.host, sample.metric)
        if key not in self.rings:
            keep = (rule.context_seconds + rule.step_seconds for rule in rules)
            self.rings[key] = Ring(max(keep, default=0.0))
        return self.rings[key]

    def _old(self, time: int, now: int) -> bool:
        return now - time > self.max_page_age_seconds * SECOND

    def _set(self, alert: Alert, changes: Changes) -> None:
        self.alerts[alert.key] = alert
        changes.alerts[alert.key] = alert

    def _sample(self, sample: Sample, rules: Sequence[Rule], now: int, changes: Changes) -> None:
        # A late one fills the windows to come; those that were judged stay as they were judged.
        ring = self._ring(sample, rules)
        before = ring.newest
        newest = ring.add(sample.time, sample.value)
        if not newest and not self._old(sample.time, now):
            return
        host = self.hosts.get(sample.host)
        interval = host.interval_seconds if host else None
        levels = list(self._levels(sample.host, rules))
        if not newest:
            changes.history += self.past.take(sample, levels, interval, self.alerts)
            return
        for rule, level in levels:
            for end in window_ends(before, sample.time, rule.step_seconds, interval):
                value, context = seen(rule, ring, interval, end)
                reading = Reading(sample.host, end, value, level, context)
                self.settle(rule, reading, now, changes)
        ring.trim()

    def _levels(self, host: str, rules: Iterable[Rule]) -> Iterator[tuple[Rule, float]]:
        """Yield the rules that are about a host, with what each holds it against."""
        member = self.estate.member(host)
        if member.status is Status.RETIRED:
            return
        for rule in rules:
            level = self.level(rule, member) if rule.scope.takes(member) else None
            if level is not None:
                yield rule, level

    def level(self, rule: Rule, member: Member) -> float | None:
        """Return what a rule holds a subject's figure against; None where it has no budget."""
        return level_of(rule, member, self.ceiling, self.budget)

    def settle(self, rule: Rule, reading: Reading, now: int, changes: Changes) -> None:
        """Let one rule judge one reading."""
        before = self.alerts.get((rule.name, reading.host))
        if before is None:
            if reading.value is None or not rule.over(reading.value, reading.level):
                return
            before = Alert(rule.name, reading.host, judged_by=rule.fingerprint())
        held = self.flapping.damped(rule, before.key, reading.time)
        state, transition = step(
            held, before.state, reading.time, reading.value, reading.level, reading.context
        )
        if not before.open and state.phase is Phase.INACTIVE:
            return
        value = before.value if reading.value is None else reading.value
        after = replace(
            before, state=state, value=value, ceiling=reading.level, updated=reading.time
        )
        if transition is not None:
            after = self._record(after, transition, now, changes)
        self._set(after, changes)

    def _record(
        self, alert: Alert, transition: Transition, now: int, changes: Changes, reason: str = ""
    ) -> Alert:
        changes.history.append(
            Entry(
                alert.rule,
                alert.host,
                transition.event,
                transition.time,
                transition.started,
                alert.value,
                alert.ceiling,
                historical=self._old(transition.time, now),
                reason=reason,
            )
        )
        if transition.event is Event.RESOLVED:
            return replace(alert, ended=transition.time)
        self.flapping.fired(alert.key, transition.time)
        return alert

    def _drop(self, now: int, changes: Changes) -> None:
        """End alerts whose host or rule is gone: no sample would ever end them."""
        rules = {rule.name: rule for rule in self.rules}
        for alert in list(self.alerts.values()):
            rule = rules.get(alert.rule)
            member = self.estate.member(alert.host)
            if rule is None:
                self._end(alert, now, "the rule is no longer configured", changes)
            elif member.status is Status.RETIRED:
                self._end(alert, now, "the host was retired", changes)
            elif alert.host != COLLECTOR_HOST and not rule.scope.takes(member):
                self._end(alert, now, "the rule is no longer about this host", changes)

    def _end(self, alert: Alert, now: int, reason: str, changes: Changes) -> None:
        ended = alert
        if alert.state.firing and alert.state.started is not None:
            transition = Transition(Event.RESOLVED, now, alert.state.started)
            ended = self._record(alert, transition, now, changes, reason)
        # Judged now, whatever the age of its samples: a page that is open gets closed.
        self._set(replace(ended, state=INACTIVE, updated=now), changes)

    def _tell(self, alert: Alert, now: int, changes: Changes) -> None:
        """Bring what on-call knows in line with the present state, once it is the present."""
        if self._old(alert.updated, now):
            return
        if not alert.state.firing and alert.told is not None:
            ended = alert.updated if alert.ended is None else alert.ended
            notice = Notice(NoticeKind.RESOLVED, alert, alert.told, ended)
            self._set(replace(alert, told=None, labels={}), changes)
        elif alert.state.firing and alert.told is None and self.telling:
            member = self.estate.member(alert.host)
            started = alert.state.started
            if member.status is not Status.PRESENT or started is None:
                return
            labels = self._labels(alert, member)
            if self.inhibited(alert) or self.muted(labels, now):
                return
            told = replace(alert, told=started, labels=labels)
            notice = Notice(NoticeKind.FIRING, told, started)
            self._set(told, changes)
        else:
            return
        changes.notices.append(notice)

    def inhibited(self, alert: Alert) -> bool:
        """Return whether another alert already says why: a silent agent, or very many of them."""
        if alert.rule == AGENT_SILENT:
            return self._stands((MANY_SILENT, COLLECTOR_HOST))
        return self._stands((AGENT_SILENT, alert.host))

    def _stands(self, key: Key) -> bool:
        return key in self.alerts and self.alerts[key].state.phase is not Phase.INACTIVE

    def _labels(self, alert: Alert, member: Member) -> dict[str, str]:
        host = self.hosts.get(alert.host)
        rule = next(rule for rule in self.rules if rule.name == alert.rule)
        labels = {
            **rule.labels,
            "alertname": alert.rule,
            "host": member.host,
            **member.placement.labels(),
            "severity": rule.severity,
            "simulated": "true" if host and host.simulated else "",
        }
        return {name: value for name, value in sorted(labels.items()) if value}
