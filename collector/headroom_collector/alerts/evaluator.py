"""Alerting over the store: reads new samples by commit position, judges, and keeps what changed."""

import asyncio
import logging
from dataclasses import dataclass

from headroom_collector.alerts import samples, state
from headroom_collector.alerts.judge import Changes, Judge
from headroom_collector.alerts.own_samples import Producer, alert_rows
from headroom_collector.alerts.record import Alert
from headroom_collector.alerts.wake import RETRY_SECONDS, Trouble, Wake, durable
from headroom_collector.config import Alerts
from headroom_collector.store.api import Store, StoreError
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""A look happens at least this often: a maintenance may have ended without a new sample."""

SHOWN_SECONDS = 60.0
"""An alert that stays as it is writes a sample of its own this often."""


TIDY_SECONDS = 86_400.0
"""Old history and letters are let go of this often."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: changes, the position read up to, and whether it got further."""

    changes: Changes
    position: int
    further: bool


class Evaluator:
    """
    Evaluates the rules and keeps state, history and outbox in the store.

    Everything that a look changes is one transaction together with the position read up to, so a
    restart neither repeats nor loses anything.
    """

    def __init__(
        self,
        store: Store,
        estate: Estate,
        ceiling: Ceiling,
        config: Alerts,
        clock: Clock,
        producer: Producer | None = None,
    ) -> None:
        self._store = store
        self._estate = estate
        self._ceiling = ceiling
        self._config = config
        self._clock = clock
        self._producer = producer
        self._judge: Judge | None = None
        self._position = 0
        self._shown = -SHOWN_SECONDS
        self._tidied = -TIDY_SECONDS

    async def run(self) -> None:
        """Evaluate until cancelled, woken by commits, at most every ``evaluate_seconds``."""
        wake, trouble = Wake(), Trouble()
        self._store.subscribe(wake)
        while True:
            pause = IDLE_SECONDS
            try:
                while await self.look():
                    pass
                await self._tidy()
                trouble.over()
            except StoreError as error:
                # What was judged is not kept: begin again from what is.
                self._judge = None
                pause = RETRY_SECONDS
                trouble.say(error)
            await asyncio.sleep(self._config.evaluate_seconds)
            await wake.wait(pause)

    async def look(self) -> bool:
        """Take new samples in once; returns whether there may be more. Raises StoreError."""
        now = self._clock.now()
        found = await asyncio.to_thread(self._read, now)
        changes = found.changes
        if found.further or changes.alerts or changes.history or changes.notices:
            change = state.writing(changes, found.position, self._config, now)
            await durable(self._store.change(change))
        self._position = found.position
        for notice in changes.notices:
            log.info("alert %s %s: %s", notice.alert.rule, notice.alert.host, notice.kind.value)
        await self._show(changes, now)
        return found.further

    def _read(self, now: int) -> Look:
        judge = self._judge or self._load(now)
        position, found = samples.read_new(self._store, self._position)
        if found:
            judge.hosts = samples.read_hosts(self._store)
        changes = judge.judge(found, now)
        return Look(changes, position, further=position > self._position)

    def _load(self, now: int) -> Judge:
        """Take up where the last engine on this store stopped."""
        position = state.read_cursor(self._store)
        self._position = samples.first_position(self._store, now) if position is None else position
        judge = Judge(
            rules=(self._config.rule,),
            estate=self._estate,
            ceiling=self._ceiling,
            max_page_age_seconds=self._config.max_page_age_seconds,
            telling=bool(self._config.webhook.url),
            alerts=state.read_alerts(self._store),
            hosts=samples.read_hosts(self._store),
        )
        judge.remember(samples.read_judged(self._store, self._position))
        self._judge = judge
        return judge

    async def _tidy(self) -> None:
        if self._clock.monotonic() - self._tidied >= TIDY_SECONDS:
            await durable(self._store.change(state.tidying(self._clock.now())))
            self._tidied = self._clock.monotonic()

    async def _show(self, changes: Changes, now: int) -> None:
        if self._producer is None or self._judge is None:
            return
        shown: dict[tuple[str, str], Alert] = {
            (entry.rule, entry.host): changes.alerts[entry.rule, entry.host]
            for entry in changes.history
        }
        if self._clock.monotonic() - self._shown >= SHOWN_SECONDS:
            shown |= self._judge.alerts
            self._shown = self._clock.monotonic()
        rows = alert_rows(shown.values(), self._judge.rules, now)
        if rows:
            await durable(self._producer.append(rows))
