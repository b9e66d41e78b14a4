"""Energy: watts now by source, kWh, carbon and money over some days, and where they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from headroom_collector.api.energy import INPUTS
from headroom_collector.api.money import inputs_out, prices
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.energy.footprint import Footprint, Used, footprint, hosts_used
from headroom_collector.web import power
from headroom_collector.web.asked import Asked
from headroom_collector.web.model import Power
from headroom_collector.web.overview import Survey
from headroom_collector.web.queries import SECOND, moment
from headroom_collector.web.views.overview import simulated
from headroom_core.energy import Estimate
from headroom_core.power import KINDS

DAYS = (1, 7, 30)
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """Energy of a host, a cluster or the estate: kWh with low and high, what it comes to."""

    site: str
    cluster: str
    host: str
    simulated: bool
    hosts: int
    kwh: Estimate
    cost: Footprint
    kind: str


def days_of(query: Mapping[str, str]) -> int:
    """Return the days asked for; one where it is none of those offered."""
    text = query.get("days", "1")
    return int(text) if text in {str(days) for days in DAYS} else DAYS[0]


def lines(survey: Survey, used: Mapping[int, Used], known: Prices) -> list[Line]:
    """Return the hosts whose energy is known, the greatest first."""
    found = [
        Line(
            *seen.place,
            seen.name,
            seen.row.simulated,
            1,
            used[seen.row.id].kwh,
            footprint(used[seen.row.id].kwh, known.figures),
            used[seen.row.id].kind,
        )
        for seen in survey.hosts
        if seen.row.id in used
    ]
    return sorted(found, key=lambda line: -line.kwh.value)


def together(name: tuple[str, str], all_of: list[Line], known: Prices) -> Line:
    """Return lines added up."""
    kwh = reduce(Estimate.plus, (line.kwh for line in all_of))
    weakest = max((line.kind for line in all_of), key=KINDS.index)
    made_up = any(line.simulated for line in all_of)
    return Line(*name, "", made_up, len(all_of), kwh, footprint(kwh, known.figures), weakest)


def sources(survey: Survey) -> list[tuple[str, Power]]:
    """Return the watts of now by kind: measured, derived, modelled."""
    found: list[tuple[str, Power]] = []
    for kind in KINDS:
        total = power.of_hosts(s.power for s in survey.hosts if s.power and s.power.kind == kind)
        if total is not None:
            found.append((kind, total))
    return found


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the view; raises StoreError, HTTPException."""
    survey, days, given = asked.survey(), days_of(asked.site.query), asked.given
    now = survey.now
    known = prices(given.config)
    used = asked.long(
        ("energy", days), lambda: hosts_used(given.store, now - days * 86_400 * SECOND, now)
    )
    hosts = lines(survey, used, known)
    places: dict[tuple[str, str], list[Line]] = {}
    for line in hosts:
        places.setdefault((line.site, line.cluster), []).append(line)
    made_up = sum(seen.row.simulated for seen in survey.hosts)
    hours = [found.hours for found in used.values()]
    return {
        "at": moment(now),
        "simulated": simulated(asked.site.tongue, made_up, len(survey.hosts)),
        "days": days,
        "all_days": DAYS,
        "hours": max(hours, default=0.0),
        "total": together(("", ""), hosts, known) if hosts else None,
        "clusters": [together(name, found, known) for name, found in sorted(places.items())],
        "hosts": hosts[:SHOWN],
        "now_total": power.of_hosts(seen.power for seen in survey.hosts),
        "sources": sources(survey),
        "unknown": sum(seen.power is None for seen in survey.hosts),
        "present": len(survey.hosts),
        "currency": known.currency,
        "inputs": [one for one in inputs_out(known) if one.key in INPUTS],
    }
