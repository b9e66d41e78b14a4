"""Agents: versions, how far behind they are, what they lost, their clocks and certificates."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headroom_collector.store.api import Reader
from headroom_collector.web import queries
from headroom_collector.web.asked import Asked
from headroom_collector.web.certificates import expiries
from headroom_collector.web.overview import Seen
from headroom_collector.web.queries import SECOND, moment
from headroom_collector.web.tables import cut, order_of, page_of
from headroom_collector.web.views.estate import places
from headroom_collector.web.views.overview import simulated

AHEAD_SECONDS = 2.0
"""A sample from the future by more than this says that a clock is wrong; the network takes less."""
SOON_DAYS = 3.0
"""A certificate that ends sooner than this is marked: it should have been renewed before."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent as it is known now; None where unknown. Seconds, bytes, counts."""

    name: str
    site: str
    cluster: str
    simulated: bool
    state: str
    version: str
    interval: float | None
    heard: float
    """Seconds since something came from it."""
    lag: float
    """Seconds that its newest sample was old when it came; below 0 its clock is ahead."""
    gaps: int
    """Batches that are gone for good."""
    waiting: int | None
    """Batches in its spool."""
    dropped: int | None
    memory: int | None
    expires: datetime | None
    expires_in: float | None

    @property
    def skewed(self) -> bool:
        """Whether its clock is ahead by more than a network explains."""
        return self.lag < -AHEAD_SECONDS

    @property
    def ends_soon(self) -> bool:
        """Whether its certificate ends soon or has ended."""
        return self.expires_in is not None and self.expires_in < SOON_DAYS * 86_400


KEYS: Mapping[str, Callable[[AgentRow], Any]] = {
    "name": lambda row: row.name,
    "version": lambda row: row.version,
    "heard": lambda row: row.heard,
    "lag": lambda row: abs(row.lag),
    "gaps": lambda row: row.gaps,
    "waiting": lambda row: row.waiting,
    "expires": lambda row: row.expires_in,
}


def row_of(
    seen: Seen,
    now: int,
    gaps: Mapping[int, int],
    own: Mapping[int, Mapping[str, Any]],
    ends: Mapping[str, datetime],
) -> AgentRow:
    """Return a host's agent."""
    mine = own.get(seen.row.id, {})
    expires = ends.get(seen.row.name)
    return AgentRow(
        name=seen.name,
        site=seen.place[0],
        cluster=seen.place[1],
        simulated=seen.row.simulated,
        state=seen.state,
        version=seen.row.agent_version,
        interval=seen.row.interval_seconds,
        heard=(now - seen.row.received) / SECOND,
        lag=(seen.row.received - seen.row.last_seen) / SECOND,
        gaps=gaps.get(seen.row.id, 0),
        waiting=mine.get("spool"),
        dropped=mine.get("dropped"),
        memory=mine.get("memory"),
        expires=expires,
        expires_in=None if expires is None else expires.timestamp() - now / SECOND,
    )


def read(reader: Reader, now: int) -> tuple[Mapping[int, int], Mapping[int, Mapping[str, Any]]]:
    """Read lost batches and what agents say of themselves, by host id; raises StoreError."""
    return queries.gaps(reader), queries.agents_now(reader, now)


def fits(row: AgentRow, query: Mapping[str, str]) -> bool:
    """Whether an agent is one of those asked for."""
    return (
        query.get("q", "").casefold() in row.name.casefold()
        and query.get("version", "") in {"", row.version}
        and query.get("place", "") in {"", f"{row.site}/{row.cluster}"}
    )


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the view; raises StoreError."""
    survey, query, given = asked.survey(), asked.site.query, asked.given
    gaps, own = asked.soon("agents", lambda: read(given.store, survey.now))
    ends = asked.long("certificates", lambda: expiries(given))
    rows = [row_of(seen, survey.now, gaps, own, ends) for seen in survey.hosts]
    order = order_of(query.get("sort", ""), tuple(KEYS), "-heard")
    wanted = [row for row in rows if fits(row, query)]
    versions = Counter(row.version or "?" for row in rows)
    return {
        "at": moment(survey.now),
        "simulated": simulated(asked.site.tongue, sum(row.simulated for row in rows), len(rows)),
        "order": order,
        "slice": cut(wanted, order, KEYS[order.column], page_of(query)),
        "places": places(survey),
        "versions": sorted(versions.items()),
        "silent": sum(row.state == "silent" for row in rows),
        "skewed": sum(row.skewed for row in rows),
        "gone": sum(row.gaps for row in rows),
        "ending": sum(row.ends_soon for row in rows),
        "expiries_known": bool(ends),
        "present": len(rows),
    }
