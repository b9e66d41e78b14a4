"""
Outlook of the estate, its forecast and its waste: computed once an hour, stored every minute.

Stored so often because whoever draws or alerts looks a few minutes back and no further; computed so
seldom because both are about days.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from headroom_collector.consolidation.forecast.daily import DAY_NS
from headroom_collector.consolidation.forecast.forecast import ClusterForecast, forecast
from headroom_collector.consolidation.headroom import Producer
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.waste.findings import Finding
from headroom_collector.consolidation.waste.waste import find_waste
from headroom_collector.store.api import Reader, Rows, StoreError, Thing, Value
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate
from headroom_core.settings import SettingsError
from headroom_proto.catalogue import catalogue

LOG = logging.getLogger(__name__)
FIRST_SECONDS = 30.0
PERIOD_SECONDS = 60.0
RECOMPUTE_SECONDS = 3600.0
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was computed; ``time`` in UTC nanoseconds."""

    time: int
    clusters: Sequence[ClusterForecast]
    findings: Sequence[Finding]


def compute(reader: Reader, estate: Estate, ceiling: Ceiling, prices: Prices, now: int) -> Outlook:
    """Return the outlook at ``now`` (UTC nanoseconds); raises StoreError."""
    found = find_waste(reader, estate, prices, now)
    return Outlook(now, forecast(reader, estate, ceiling, now), found.findings)


def _values(kind: str, known: Mapping[str, Value]) -> list[Value]:
    return [known.get(column.field) for column in catalogue().kind(kind).columns]


def _thing(**labels: str) -> Thing:
    return Thing(SEPARATOR.join(labels.values()), labels)


def _ahead(found: ClusterForecast, days: float | None, now: int) -> float | None:
    """Return the seconds from ``now`` to so many days after the newest that is known."""
    if days is None or found.newest is None:
        return None
    return max(0.0, (found.newest + days * DAY_NS - now) / 1e9) if days > 0 else 0.0


def forecast_rows(clusters: Sequence[ClusterForecast], now: int) -> Rows:
    """Return the clusters as samples of the kind ``forecast``, all at ``now`` (UTC nanoseconds)."""
    rows = []
    for found in clusters:
        crossing, fits = found.crossing, found.fit
        known: dict[str, Value] = {
            "level_ratio": found.trend.level,
            "trend_per_day_ratio": found.trend.slope,
            "trend_low_per_day_ratio": found.trend.low,
            "trend_high_per_day_ratio": found.trend.high,
            "ceiling_in_seconds": _ahead(found, crossing.likely if crossing else None, now),
            "ceiling_earliest_seconds": _ahead(
                found, crossing.earliest if crossing else None, now
            ),
            "vms_fit_least": fits.at_least if fits else None,
            "vms_fit_most": fits.at_most if fits else None,
        }
        thing = _thing(site=found.site, cluster=found.cluster)
        rows.append((now, thing, _values("forecast", known)))
    return Rows("forecast", rows)


def waste_rows(findings: Sequence[Finding], now: int) -> Rows:
    """Return the findings by cluster and kind as samples of the kind ``waste``, all at ``now``."""
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        groups[one.site, one.cluster, one.kind].append(one)
    rows = []
    for (site, cluster, kind), group in sorted(groups.items()):
        costs = [one.cost_per_year for one in group if one.counted]
        known = [cost for cost in costs if cost is not None]
        cost = sum(known) if known else None
        thing = _thing(site=site, cluster=cluster, finding=kind)
        values = _values("waste", {"findings": len(group), "cost_per_year": cost})
        rows.append((now, thing, values))
    return Rows("waste", rows)


class OutlookTask:
    """Computes the outlook in a thread, and stores it as the collector's own samples."""

    def __init__(
        self,
        store: Reader,
        producer: Producer,
        estate: Estate,
        ceiling: Ceiling,
        prices: Callable[[], Prices],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._producer = producer
        self._estate = estate
        self._ceiling = ceiling
        self._prices = prices
        self._clock = clock
        self._sleep = sleep
        self._last: Outlook | None = None
        self._due = 0.0

    def _compute(self) -> Outlook:
        prices = self._prices()
        return compute(self._store, self._estate, self._ceiling, prices, self._clock.now())

    async def once(self) -> None:
        """Compute where it is due, then store; raises StoreError, SettingsError."""
        if self._clock.monotonic() >= self._due:
            # Due again in an hour whatever comes of it: what fails is not tried every minute.
            self._due = self._clock.monotonic() + RECOMPUTE_SECONDS
            self._last = None
            self._last = await asyncio.to_thread(self._compute)
        if self._last is None:
            return
        now = self._clock.now()
        rows = [forecast_rows(self._last.clusters, now), waste_rows(self._last.findings, now)]
        some = [one for one in rows if one.rows]
        if some:
            await asyncio.wrap_future(self._producer.append(some))

    async def run(self) -> None:
        """Go on until cancelled; what fails is logged in one line and tried again in an hour."""
        await self._sleep(FIRST_SECONDS)
        while True:
            try:
                await self.once()
            except (StoreError, SettingsError) as error:
                said = "; ".join(str(error).splitlines())
                LOG.warning("forecast and waste were not computed or stored: %s", said)
            await self._sleep(PERIOD_SECONDS)
