"""Alerting over the store: reads new samples by commit position, judges, and keeps what changed."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom_collector.alert_metrics import COLLECTOR, Sample, cluster_metrics, host_metrics
from headroom_collector.alert_settings import Alerts
from headroom_collector.alerts import mute, outbox, samples, state
from headroom_collector.alerts.evaluate import INACTIVE
from headroom_collector.alerts.flapping import MEMORY_SECONDS
from headroom_collector.alerts.judge import Changes, Judge, Reading
from headroom_collector.alerts.letters import Member, member_of
from headroom_collector.alerts.long_windows import LongWindows
from headroom_collector.alerts.lost import Lost
from headroom_collector.alerts.own_samples import Producer, alert_rows
from headroom_collector.alerts.payload import body
from headroom_collector.alerts.planner import Plan, Planner, Settings
from headroom_collector.alerts.record import Alert, Key, Notice, NoticeKind, dedup_key
from headroom_collector.alerts.state import Written
from headroom_collector.alerts.subjects import Subjects
from headroom_collector.alerts.wake import RETRY_SECONDS, Trouble, Wake, durable
from headroom_collector.alerts.window import SECOND
from headroom_collector.store.api import COLLECTOR_HOST, Store, StoreError
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate
from headroom_core.rules import Rule

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""A look happens at least this often: silence makes no commit."""

ROUND_SECONDS = 5.0
"""Hosts, silences of agents and the collector's own figures are looked at this often."""

SHOWN_SECONDS = 60.0
"""An alert that stays as it is writes a sample of its own this often."""

TIDY_SECONDS = 86_400.0
"""Old history and letters are let go of this often."""

Statistics = Callable[[], Mapping[str, float]]


def no_statistics() -> Mapping[str, float]:
    """Return nothing, where nobody counts."""
    return {}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: changes, letters, the position read up to, whether it got further."""

    changes: Changes
    plan: Plan
    position: int
    further: bool


@dataclass(slots=True)
class _Mind:
    """What the evaluator knows; thrown away and read again where the store refused a change."""

    judge: Judge
    planner: Planner
    position: int
    long: LongWindows


class Evaluator:
    """
    Evaluates the rules and keeps state, history and outbox in the store.

    Everything that a look changes is one transaction together with the position read up to, so a
    restart neither repeats nor loses anything. ``statistics`` gives the collector's own figures by
    the field names of CollectorSample.
    """

    def __init__(
        self,
        store: Store,
        estate: Estate,
        ceiling: Ceiling,
        config: Alerts,
        clock: Clock,
        producer: Producer | None = None,
        statistics: Statistics = no_statistics,
    ) -> None:
        self._store = store
        self._subjects = Subjects(estate)
        self._ceiling = ceiling
        self._config = config
        self._clock = clock
        self._producer = producer
        self._statistics = statistics
        self._rules = config.every_rule()
        self._receivers = config.all_receivers()
        short = [rule for rule in self._rules if not rule.long]
        self._metrics = host_metrics(short)
        self._cluster_metrics = cluster_metrics(short)
        self._mind: _Mind | None = None
        self._fates: deque[tuple[str, bool]] = deque()
        # UTC nanoseconds less monotonic ones, at the start.
        self._base = clock.now() - round(clock.monotonic() * SECOND)
        self._lost = Lost(estate, self._rules, clock.now())
        self._next_round = clock.monotonic()
        self._shown = -SHOWN_SECONDS
        self._tidied = -TIDY_SECONDS
        self._looked = clock.monotonic()

    async def run(self) -> None:
        """Evaluate until cancelled, woken by commits, at most every ``evaluate_seconds``."""
        wake, trouble = Wake(), Trouble()
        self._store.subscribe(wake)
        while True:
            pause = IDLE_SECONDS
            try:
                found = await self._look()
                while found.further:
                    found = await self._look()
                await self._tidy()
                trouble.over()
                due = found.plan.due_seconds
                pause = IDLE_SECONDS if due is None else min(IDLE_SECONDS, due)
            except StoreError as error:
                # What was judged is not kept: begin again from what is.
                self._mind = None
                pause = RETRY_SECONDS
                trouble.say(error)
            rest = min(self._config.evaluate_seconds, pause)
            await asyncio.sleep(rest)
            await wake.wait(pause - rest)

    def settled(self, letter_id: str, accepted: bool) -> None:
        """Take note of what became of a letter; from any thread."""
        self._fates.append((letter_id, accepted))

    def age(self) -> float:
        """Return the seconds since the last look that came to its end."""
        return self._clock.monotonic() - self._looked

    async def look(self) -> bool:
        """Take new samples in once; returns whether there may be more. Raises StoreError."""
        return (await self._look()).further

    async def _look(self) -> Look:
        now = self._clock.now()
        found = await asyncio.to_thread(self._read, now)
        changes, plan = found.changes, found.plan
        if found.further or _anything(changes) or plan.letters or plan.dropped:
            letters = await asyncio.to_thread(self._written, plan)
            change = state.writing(changes, letters, plan.dropped, found.position, now)
            await durable(self._store.change(change))
        if self._mind is not None:
            self._mind.position = found.position
        for notice in changes.notices:
            log.info("alert %s %s: %s", notice.alert.rule, notice.alert.host, notice.kind.value)
        await self._show(changes, now)
        self._looked = self._clock.monotonic()
        return found

    def _written(self, plan: Plan) -> list[Written]:
        rules = {rule.name: rule for rule in self._rules}
        found = []
        for letter in plan.letters:
            receiver = self._receivers[letter.receiver]
            whole = receiver.type == "alertmanager"
            most = len(letter.members) if whole else receiver.max_alerts
            text = json.dumps(body(letter, rules, self._config, most), ensure_ascii=False)
            found.append(Written(letter, text))
        return found

    def _read(self, now: int) -> Look:
        mind = self._mind or self._load(now)
        self._mind = mind
        news = samples.read_new(self._store, mind.position, self._metrics)
        steady = self._steady()
        self._lost.hear(news.heard, steady)
        said = mute.read_said(self._store, now)
        mind.judge.muted = said.muted
        readings: list[tuple[Rule, Reading]] = []
        found = list(news.samples)
        further = news.position > mind.position
        if further:
            found += self._of_clusters(mind.position, news.position)
        # Silence is judged only by somebody who has read all the post.
        if not further and self._clock.monotonic() >= self._next_round:
            self._next_round = self._clock.monotonic() + ROUND_SECONDS
            mind.judge.hosts = samples.read_hosts(self._store)
            readings = self._lost.readings(mind.judge.hosts, steady)
            readings += mind.long.readings(self._store, now)
            found += self._own(now)
        elif not news.heard <= mind.judge.hosts.keys():
            mind.judge.hosts = samples.read_hosts(self._store)
        changes = mind.judge.judge(found, now, readings)
        plan = self._plan(mind, changes, now, said)
        return Look(changes, plan, news.position, further)

    def _of_clusters(self, after: int, upto: int, since: int = 0) -> list[Sample]:
        return samples.read_clusters(self._store, self._cluster_metrics, after, upto, since)

    def _steady(self) -> int:
        """Return UTC nanoseconds that a step of the clock since the start does not touch."""
        return self._base + round(self._clock.monotonic() * SECOND)

    def _own(self, now: int) -> list[Sample]:
        known = self._statistics()
        wanted = {rule.metric for rule in self._rules}
        return [
            Sample(COLLECTOR_HOST, now, float(value), COLLECTOR + name)
            for name, value in known.items()
            if COLLECTOR + name in wanted
        ]

    def _plan(self, mind: _Mind, changes: Changes, now: int, said: mute.Said) -> Plan:
        while self._fates:
            letter_id, accepted = self._fates.popleft()
            mind.planner.settled(letter_id, accepted=accepted)
        told = [alert for alert in mind.judge.alerts.values() if alert.told is not None]
        members = [member_of(alert) for alert in told]
        recent = {_episode(notice): notice for notice in changes.notices}

        def ends(gone: Sequence[Member]) -> dict[tuple[str, int], tuple[int, float | None]]:
            known = state.read_ends(self._store, gone)
            for episode, notice in recent.items():
                if notice.kind is NoticeKind.RESOLVED and notice.ended is not None:
                    known[episode] = (notice.ended, notice.alert.value)
            return known

        return mind.planner.plan(members, now, ends, said.acked)

    def _load(self, now: int) -> _Mind:
        """Take up where the last engine on this store stopped."""
        known = state.read_cursor(self._store)
        position = samples.first_position(self._store, now) if known is None else known
        judge = Judge(
            rules=self._rules,
            estate=self._subjects,
            ceiling=self._ceiling,
            max_page_age_seconds=self._config.max_page_age_seconds,
            budget=self._config.energy_budget,
            telling=bool(self._receivers),
            alerts=carried(state.read_alerts(self._store), self._rules),
            hosts=samples.read_hosts(self._store),
        )
        judge.flapping.remember(state.read_fires(self._store, now - MEMORY_SECONDS * SECOND))
        judge.remember(samples.read_judged(self._store, position, self._metrics))
        recent = now - samples.MEMORY_SECONDS * SECOND
        judge.remember(self._of_clusters(0, position, recent))
        settings = Settings(self._receivers, self._config.routes, self._config.groups)
        groups = [g for g in outbox.read_groups(self._store) if g.receiver in self._receivers]
        long = LongWindows(self._rules, self._subjects, judge.level)
        return _Mind(judge, Planner(settings, groups), position, long)

    async def _tidy(self) -> None:
        if self._clock.monotonic() - self._tidied >= TIDY_SECONDS:
            await durable(self._store.change(state.tidying(self._clock.now())))
            self._tidied = self._clock.monotonic()

    async def _show(self, changes: Changes, now: int) -> None:
        if self._producer is None or self._mind is None:
            return
        judge = self._mind.judge
        shown: dict[tuple[str, str], Alert] = {
            (entry.rule, entry.host): changes.alerts[entry.rule, entry.host]
            for entry in changes.history
        }
        if self._clock.monotonic() - self._shown >= SHOWN_SECONDS:
            shown |= judge.alerts
            self._shown = self._clock.monotonic()
        rows = alert_rows(shown.values(), judge.rules, now)
        if rows:
            await durable(self._producer.append(rows))


def _anything(changes: Changes) -> bool:
    return bool(changes.alerts or changes.history or changes.notices)


def _episode(notice: Notice) -> tuple[str, int]:
    return dedup_key(notice.alert.rule, notice.alert.host), notice.started


def carried(alerts: Mapping[Key, Alert], rules: Sequence[Rule]) -> dict[Key, Alert]:
    """
    Return the alerts of before under the rules of now.

    Where a rule judges differently than it did, what was pending begins anew; what fires goes on
    until the new rule has it clear.
    """
    prints = {rule.name: rule.fingerprint() for rule in rules}
    found = {}
    for key, alert in alerts.items():
        now = prints.get(alert.rule, alert.judged_by)
        changed = alert.judged_by not in {"", now}
        if changed and not alert.state.firing:
            if alert.told is not None:
                found[key] = replace(alert, state=INACTIVE, judged_by=now)
            continue
        found[key] = replace(alert, judged_by=now)
    return found
