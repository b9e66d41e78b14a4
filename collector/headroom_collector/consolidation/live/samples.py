"""
Plans and ceilings as samples, so that dashboards and alerts read them like anything else.

The newest finished plan of each aim, cluster by cluster, and what each ceiling from 30 to 90 % would
need at least, are stored every minute: whoever draws or alerts looks a few minutes back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.consolidation.headroom import Producer, gather
from headroom_collector.consolidation.live.book import Kept, PlanBook, mode_of
from headroom_collector.consolidation.machines import present
from headroom_collector.consolidation.planner.outlook import CEILINGS
from headroom_collector.store.api import Reader, Rows, StoreError, Thing, Value
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate
from headroom_proto.catalogue import catalogue

LOG = logging.getLogger(__name__)
FIRST_SECONDS = 20.0
PERIOD_SECONDS = 60.0
CEILINGS_SECONDS = 1800.0
"""Between two looks at what other ceilings would need: it reads a month of history."""
SEPARATOR = "\x1f"
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Needed:
    """Lower bound on the hosts of one cluster under one ceiling; None where nothing was measured."""

    site: str
    cluster: str
    ceiling: float
    hosts: int | None


def needed(reader: Reader, estate: Estate, now: int) -> list[Needed]:
    """Return the bound of each cluster under each ceiling; raises StoreError."""
    clusters = gather(reader, estate, now)
    found = []
    for ratio in CEILINGS:
        for one in clusters:
            judged = one.under(Ceiling(ratio))
            found.append(Needed(judged.site, judged.cluster, ratio, judged.hosts_needed))
    return found


def _values(kind: str, known: Mapping[str, Value]) -> list[Value]:
    return [known.get(column.field) for column in catalogue().kind(kind).columns]


def _thing(**labels: str) -> Thing:
    return Thing(SEPARATOR.join(labels.values()), labels)


def plan_rows(plans: Sequence[Kept], there: frozenset[str], now: int) -> Rows:
    """Return plans as samples at ``now`` (UTC nanoseconds); ``there``: hosts that still report."""
    rows = []
    for kept in plans:
        for row in kept.result["clusters"]:
            known = _plan_values(kept, row, now)
            known["hosts_freed_now"] = sum(name not in there for name in row["freed"])
            thing = _thing(site=row["site"], cluster=row["cluster"], mode=mode_of(kept.asked))
            rows.append((now, thing, _values("plan", known)))
    return Rows("plan", rows)


def _plan_values(kept: Kept, row: Mapping[str, Any], now: int) -> dict[str, Value]:
    sure = kept.result["confidence"]
    saved = row["power_watts_before"] - row["power_watts_after"]
    return {
        "ceiling_ratio": row["ceiling_ratio"],
        "hosts_present": row["hosts"],
        "hosts_kept": row["hosts_kept"],
        "hosts_freed": row["hosts_freed"],
        "hosts_needed": row["lower_bound"],
        "moves": row["moves"],
        "vms_cannot_comply": row["cannot_comply"],
        "power_saved_watts": saved,
        "power_forecast_watts": row["power_watts_after"],
        "money_saved_per_year": row["money_per_year"],
        "history_seconds": sure["history_days"] * DAY_SECONDS,
        "power_off_recommended": int(sure["power_off_recommended"]),
        "age_seconds": max(0.0, (now - (kept.finished or now)) / 1e9),
    }


def ceiling_rows(found: Sequence[Needed], plans: Sequence[Kept], now: int) -> Rows:
    """Return ceilings as samples, with the hosts that the newest repack would keep under each."""
    kept = _kept_under(plans)
    rows = []
    for one in found:
        values: dict[str, Value] = {
            "hosts_needed": one.hosts,
            "hosts_kept": kept.get((one.site, one.cluster, f"{one.ceiling:.2f}")),
        }
        thing = _thing(site=one.site, cluster=one.cluster, ceiling=f"{one.ceiling:.2f}")
        rows.append((now, thing, _values("ceiling", values)))
    return Rows("ceiling", rows)


def _kept_under(plans: Sequence[Kept]) -> dict[tuple[str, str, str], int]:
    """Return hosts kept by cluster and ceiling, where the plan's curve tells clusters apart."""
    found = {}
    for plan in plans:
        if mode_of(plan.asked) != "repack":
            continue
        for point in plan.result.get("ceiling_curve", ()):
            for row in point.get("clusters", ()):
                key = row["site"], row["cluster"], f"{point['ceiling_ratio']:.2f}"
                found[key] = row["hosts_kept"]
    return found


class PlanSamples:
    """Stores plans and ceilings as samples of a producer of their own."""

    def __init__(
        self,
        store: Reader,
        book: PlanBook,
        producer: Producer,
        estate: Estate,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._book, self._producer = store, book, producer
        self._estate, self._clock, self._sleep = estate, clock, sleep
        self._needed: Sequence[Needed] = ()
        self._due = 0.0

    def _read(self) -> list[Rows]:
        now = self._clock.now()
        if self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + CEILINGS_SECONDS
            self._needed = needed(self._store, self._estate, now)
        plans = self._book.newest()
        machines = present(self._store.hosts(), self._estate, now)
        there = frozenset(one.name for some in machines.values() for one in some)
        rows = [plan_rows(plans, there, now), ceiling_rows(self._needed, plans, now)]
        return [one for one in rows if one.rows]

    async def once(self) -> None:
        """Store what is newest; returns when it is durable. Raises StoreError."""
        rows = await asyncio.to_thread(self._read)
        if rows:
            await asyncio.wrap_future(self._producer.append(rows))

    async def run(self) -> None:
        """Go on until cancelled; a store that fails costs one round and is logged in one line."""
        await self._sleep(FIRST_SECONDS)
        while True:
            try:
                await self.once()
            except StoreError as error:
                LOG.warning("plans were not stored as samples: %s", error)
            await self._sleep(PERIOD_SECONDS)
