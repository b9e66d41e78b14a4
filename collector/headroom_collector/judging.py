"""What goes by the rules and the ceiling: alerts, headroom, forecast and waste."""

from collections.abc import Callable, Mapping

from headroom_collector.alerts.engine import AlertEngine
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.headroom import HeadroomTask
from headroom_collector.consolidation.money.file import Prices, find_prices
from headroom_collector.consolidation.outlook import OutlookTask
from headroom_collector.inventory.book import Book
from headroom_collector.renew import Loop, Renewed
from headroom_collector.store.api import Store
from headroom_collector.store.producer import OwnProducer
from headroom_core.clock import Clock


class Judging:
    """
    These rooms, made anew where the configuration changes; ``others`` counts for the rest.

    ``seen`` is where the samples are read: ``store`` itself, or a larger engine behind it.
    """

    def __init__(
        self,
        store: Store,
        seen: Store,
        book: Book,
        clock: Clock,
        producer: OwnProducer,
        others: Callable[[], Mapping[str, float]],
        config: CollectorConfig,
    ) -> None:
        self._store, self._seen, self._book, self._clock = store, seen, book, clock
        self._producer, self._others, self._config = producer, others, config
        self._alerts: AlertEngine | None = None
        self._loops = Renewed(self._make)

    async def run(self) -> None:
        """Judge until cancelled."""
        await self._loops.run()

    def renew(self, config: CollectorConfig) -> None:
        """Go by this configuration from here on."""
        self._config = config
        self._loops.renew()

    def prices(self) -> Prices:
        """Return the estate's prices as they are now."""
        return find_prices(self._config.estate, self._config.data)

    def statistics(self) -> Mapping[str, float]:
        """Return what alerting counted since it was made, by the field names of CollectorSample."""
        return {} if self._alerts is None else self._alerts.statistics()

    def _make(self) -> list[Loop]:
        book, clock, producer = self._book, self._clock, self._producer
        config = self._config
        alerts = AlertEngine(
            self._store,
            book,
            config.ceiling,
            config.alerts,
            clock,
            producer,
            statistics=self._others,
        )
        self._alerts = alerts
        return [
            alerts.run,
            HeadroomTask(self._seen, producer, book, config.ceiling, clock).run,
            OutlookTask(self._seen, producer, book, config.ceiling, self.prices, clock).run,
        ]
