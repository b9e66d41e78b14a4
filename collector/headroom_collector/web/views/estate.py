"""Hosts as a table: sorted, filtered and cut into pages before anything of it is drawn."""

from collections.abc import Callable
from typing import Any, get_args

from headroom_collector.web import queries
from headroom_collector.web.asked import Asked
from headroom_collector.web.model import Host, State
from headroom_collector.web.overview import Seen, Survey, host_out
from headroom_collector.web.tables import Slice, cut, order_of, page_of
from headroom_collector.web.views.overview import simulated

STATES: tuple[str, ...] = get_args(State)
KEYS: dict[str, Callable[[Seen], Any]] = {
    "name": lambda seen: seen.name,
    "cpu": lambda seen: seen.ratio,
    "vms": lambda seen: seen.now.vms,
    "memory": lambda seen: _share(seen.now.memory_used, seen.now.memory_total),
    "watts": lambda seen: seen.power.watts if seen.power else None,
    "state": lambda seen: STATES.index(seen.state),
    "seen": lambda seen: seen.row.last_seen,
}


def _share(used: int | None, total: int | None) -> float | None:
    return used / total if used is not None and total else None


def places(survey: Survey) -> list[tuple[str, str]]:
    """Return the sites and clusters that hosts stand in."""
    return sorted({seen.place for seen in survey.hosts})


def fits(seen: Seen, query: dict[str, str]) -> bool:
    """Whether a host is one of those asked for."""
    place = query.get("place", "")
    return (
        query.get("q", "").casefold() in seen.name.casefold()
        and query.get("state", "") in {"", seen.state}
        and (not place or place == "/".join(seen.place))
    )


def rows(asked: Asked, chosen: Slice[Seen]) -> list[Host]:
    """Return the hosts of a page, with their last hour."""
    now = asked.survey().now
    ids = [seen.row.id for seen in chosen.rows]
    hours = queries.last_hour(asked.given.store, now, ids) if ids else {}
    return [host_out(seen, hours.get(seen.row.id, [])) for seen in chosen.rows]


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the table."""
    survey, query = asked.survey(), dict(asked.site.query)
    order = order_of(query.get("sort", ""), tuple(KEYS), "-cpu")
    wanted = [seen for seen in survey.hosts if fits(seen, query)]
    chosen = cut(wanted, order, KEYS[order.column], page_of(query))
    hosts, made_up = len(survey.hosts), sum(seen.row.simulated for seen in survey.hosts)
    return {
        "at": queries.moment(survey.now),
        "simulated": simulated(asked.site.tongue, made_up, hosts),
        "order": order,
        "slice": chosen,
        "hosts": rows(asked, chosen),
        "places": places(survey),
        "states": STATES,
        "nobody": not survey.hosts,
    }
