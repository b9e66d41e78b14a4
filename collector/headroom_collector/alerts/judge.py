"""From samples to alerts, history and notices: what one look at new samples changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headroom_collector.alerts.evaluate import INACTIVE, SECOND, Event, Phase, Transition, step
from headroom_collector.alerts.record import Alert, Entry, Key, Notice, NoticeKind
from headroom_collector.alerts.window import Ring
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Estate, Member, Status
from headroom_core.rules import Rule


@dataclass(frozen=True, slots=True)
class Host:
    """What alerting needs to know of a host that was seen; interval in seconds."""

    name: str
    simulated: bool = False
    interval_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU of a host: UTC nanoseconds and ratio."""

    host: str
    time: int
    ratio: float


@dataclass(slots=True)
class Changes:
    """What a look changed: alerts by rule and host, lines of history, notices."""

    alerts: dict[Key, Alert] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


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
    telling: bool = True
    alerts: dict[Key, Alert] = field(default_factory=dict)
    rings: dict[str, Ring] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)

    def remember(self, samples: Iterable[Sample]) -> None:
        """Fill the rings with samples that were judged before."""
        for sample in samples:
            self._ring(sample.host).add(sample.time, sample.ratio)

    def judge(self, samples: Iterable[Sample], now: int) -> Changes:
        """Take new samples in, at UTC nanoseconds ``now``, and return what that changes."""
        changes = Changes()
        for sample in sorted(samples, key=lambda sample: (sample.time, sample.host)):
            self._sample(sample, now, changes)
        self._drop(now, changes)
        for alert in [alert for alert in self.alerts.values() if alert.open]:
            self._tell(alert, now, changes)
        self.alerts = {key: alert for key, alert in self.alerts.items() if alert.open}
        return changes

    def _ring(self, host: str) -> Ring:
        if host not in self.rings:
            self.rings[host] = Ring(max(rule.window_seconds for rule in self.rules))
        return self.rings[host]

    def _old(self, time: int, now: int) -> bool:
        return now - time > self.max_page_age_seconds * SECOND

    def _set(self, alert: Alert, changes: Changes) -> None:
        self.alerts[alert.key] = alert
        changes.alerts[alert.key] = alert

    def _sample(self, sample: Sample, now: int, changes: Changes) -> None:
        # A late one fills the windows to come; those that were judged stay as they were judged.
        if not self._ring(sample.host).add(sample.time, sample.ratio):
            return
        member = self.estate.member(sample.host)
        if member.status is Status.RETIRED:
            return
        place = member.placement
        ceiling = self.ceiling.of(place.site, place.cluster, place.host_class)
        for rule in self.rules:
            self._step(rule, sample, ceiling, now, changes)

    def _step(
        self, rule: Rule, sample: Sample, ceiling: float, now: int, changes: Changes
    ) -> None:
        host = self.hosts.get(sample.host)
        interval = host.interval_seconds if host else None
        ring = self.rings[sample.host]
        mean = ring.mean(rule.window_seconds, rule.coverage_ratio, interval)
        before = self.alerts.get((rule.name, sample.host), Alert(rule.name, sample.host))
        state, transition = step(rule, before.state, sample.time, mean, ceiling)
        if not before.open and state.phase is Phase.INACTIVE:
            return
        value = before.value if mean is None else mean
        after = replace(before, state=state, value=value, ceiling=ceiling, updated=sample.time)
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
        return alert

    def _drop(self, now: int, changes: Changes) -> None:
        """End alerts whose host or rule is gone: no sample would ever end them."""
        names = {rule.name for rule in self.rules}
        for alert in list(self.alerts.values()):
            if alert.rule not in names:
                self._end(alert, now, "the rule is no longer configured", changes)
            elif self.estate.member(alert.host).status is Status.RETIRED:
                self._end(alert, now, "the host was retired", changes)

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
            told = replace(alert, told=started, labels=self._labels(alert, member))
            notice = Notice(NoticeKind.FIRING, told, started)
            self._set(told, changes)
        else:
            return
        changes.notices.append(notice)

    def _labels(self, alert: Alert, member: Member) -> dict[str, str]:
        host = self.hosts.get(alert.host)
        severities = {rule.name: rule.severity for rule in self.rules}
        labels = {
            "alertname": alert.rule,
            "host": member.host,
            **member.placement.labels(),
            "severity": severities[alert.rule],
            "simulated": "true" if host and host.simulated else "",
        }
        return {name: value for name, value in sorted(labels.items()) if value}
