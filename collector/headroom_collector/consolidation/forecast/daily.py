"""Daily 95th percentile of what a cluster's hosts needed together, out of the 5-minute roll-ups."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.forecast.trend import Row
from headroom_collector.consolidation.machines import Place
from headroom_collector.store.api import HostRow, Reader
from headroom_core.estate import Estate

DAY_NS = 86_400 * 1_000_000_000
HISTORY_DAYS = 180
STEP_DAYS = 7
KNOWN = 0.5
"""Share of the day's capacity that a moment must know, and of its moments that a day must have."""
MOMENTS = 288

_DAILY = """
    WITH member AS (SELECT unnest(?) AS host_id, unnest(?) AS cluster, unnest(?) AS capacity),
    used AS (
        SELECT member.cluster, host_id, capacity, time, time // ? AS day,
               cpu_utilisation_ratio_mean AS ratio
        FROM host_5m JOIN member USING (host_id)
        WHERE time >= ? AND time < ? AND cpu_utilisation_ratio_mean IS NOT NULL),
    there AS (
        SELECT cluster, day, sum(capacity) AS total
        FROM (SELECT DISTINCT cluster, day, host_id, capacity FROM used) GROUP BY ALL),
    moment AS (
        SELECT cluster, day, time, sum(ratio * capacity) AS demand, sum(capacity) AS known
        FROM used GROUP BY ALL)
    SELECT cluster, day, quantile_cont(demand * total / known, 0.95) AS p95, count(*) AS moments
    FROM moment JOIN there USING (cluster, day) WHERE known >= ? * total
    GROUP BY ALL ORDER BY day"""


@dataclass(frozen=True, slots=True)
class Daily:
    """
    Whole days since 1970, in order, and the 95th percentile of each, in units of capacity.

    ``sizes``: capacity by host id, in physical cores where all hosts of the cluster told them,
    otherwise in logical CPUs; hosts that told neither are missing.
    """

    days: Row
    values: Row
    sizes: Mapping[int, float]


def _fact(row: HostRow, key: str) -> float | None:
    value = row.facts.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    return None


def sizes_of(rows: Iterable[HostRow], estate: Estate) -> dict[Place, dict[int, float]]:
    """Return the capacity of every host that ever was there: work of the retired went on there."""
    by_place: dict[Place, list[HostRow]] = defaultdict(list)
    for row in rows:
        where = estate.member(row.name).placement
        by_place[Place(where.site, where.cluster)].append(row)
    found = {}
    for place, members in by_place.items():
        key = "threads" if any(_fact(row, "cores") is None for row in members) else "cores"
        known = {row.id: _fact(row, key) for row in members}
        found[place] = {host_id: size for host_id, size in known.items() if size is not None}
    return found


def read_daily(
    reader: Reader, estate: Estate, now: int, history: int = HISTORY_DAYS
) -> Mapping[Place, Daily]:
    """
    Return each cluster's days before today (UTC), newest last; raises StoreError.

    At each moment the demand of the hosts that are known stands for those of that day that are not.
    """
    places = sizes_of(reader.hosts(), estate)
    order = list(places)
    flat = [
        (host_id, number, size)
        for number, place in enumerate(order)
        for host_id, size in places[place].items()
    ]
    ids, clusters, sizes = ([one[column] for one in flat] for column in range(3))
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    today = now // DAY_NS
    for day in range(today - history, today, STEP_DAYS):
        span = [day * DAY_NS, min(day + STEP_DAYS, today) * DAY_NS]
        parameters = [ids, clusters, sizes, DAY_NS, *span, KNOWN]
        for row in reader.query(_DAILY, parameters).to_pylist() if flat else ():
            if row["moments"] >= KNOWN * MOMENTS:
                found[row["cluster"]].append((row["day"], row["p95"]))
    return {place: _daily(found[number], places[place]) for number, place in enumerate(order)}


def _daily(pairs: list[tuple[int, float]], sizes: Mapping[int, float]) -> Daily:
    table = np.array(sorted(pairs), float).reshape(-1, 2)
    return Daily(table[:, 0], table[:, 1], sizes)
