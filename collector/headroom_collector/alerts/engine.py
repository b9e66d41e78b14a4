"""Alerting as a whole: the evaluator and, where somebody is to be told, the sender."""

import asyncio
import random
from collections.abc import Callable, Mapping

from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.own_samples import Producer
from headroom_collector.alerts.webhook import Sender, http_client
from headroom_collector.config import Alerts
from headroom_collector.store.api import Store
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate

NOTHING_SENT = {
    "notifications_total": 0.0,
    "notifications_failed_total": 0.0,
    "notifications_waiting": 0.0,
}


class AlertEngine:
    """
    From samples in the store to a page on on-call's phone.

    ``jitter`` returns 0..1 and spreads the sender's attempts.
    """

    def __init__(
        self,
        store: Store,
        estate: Estate,
        ceiling: Ceiling,
        config: Alerts,
        clock: Clock,
        producer: Producer | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._jitter = jitter
        self._evaluator = Evaluator(store, estate, ceiling, config, clock, producer)
        self._sender: Sender | None = None

    async def run(self) -> None:
        """Evaluate and send until cancelled."""
        if not self._config.webhook.url:
            await self._evaluator.run()
            return
        async with http_client() as client, asyncio.TaskGroup() as tasks:
            self._sender = Sender(
                self._store, self._config.webhook, client, self._clock, self._jitter
            )
            tasks.create_task(self._evaluator.run())
            tasks.create_task(self._sender.run())

    def statistics(self) -> Mapping[str, float]:
        """Return the counters since the start by the field names of CollectorSample."""
        return self._sender.statistics() if self._sender else NOTHING_SENT
