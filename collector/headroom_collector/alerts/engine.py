"""Alerting as a whole: the evaluator and, where somebody is to be told, a sender for each."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping

from headroom_collector.alert_settings import Alerts
from headroom_collector.alerts.delivery import http_client
from headroom_collector.alerts.evaluator import Evaluator, no_statistics
from headroom_collector.alerts.heartbeat import Pulse
from headroom_collector.alerts.own_samples import Producer
from headroom_collector.alerts.sender import Room, Sender
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

    ``jitter`` returns 0..1 and spreads the senders' attempts; ``statistics`` gives the rest of the
    collector's own figures, by the field names of CollectorSample.
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
        statistics: Callable[[], Mapping[str, float]] = no_statistics,
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._jitter = jitter
        self._others = statistics
        self._evaluator = Evaluator(
            store, estate, ceiling, config, clock, producer, self._all_statistics
        )
        self._senders: list[Sender] = []

    async def run(self) -> None:
        """Evaluate and send until cancelled."""
        async with http_client() as client, asyncio.TaskGroup() as tasks:
            evaluator = self._evaluator
            room = Room(
                self._store,
                client,
                self._clock,
                self._jitter,
                evaluator.settled,
                self._config.language,
            )
            receivers = self._config.all_receivers()
            self._senders = [Sender(name, where, room) for name, where in receivers.items()]
            tasks.create_task(evaluator.run())
            for sender in self._senders:
                tasks.create_task(sender.run())
            if self._config.heartbeat.url:
                pulse = Pulse(self._config.heartbeat, client, evaluator.age)
                tasks.create_task(pulse.run())

    def statistics(self) -> Mapping[str, float]:
        """Return the counters since the start by the field names of CollectorSample."""
        found: Counter[str] = Counter()
        for sender in self._senders:
            found.update(sender.statistics())
        return {name: float(found[name]) for name in NOTHING_SENT}

    def _all_statistics(self) -> Mapping[str, float]:
        return {**self._store.statistics(), **self._others(), **self.statistics()}
