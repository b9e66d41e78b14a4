"""Waste: what does no useful work, since when, by which evidence, and what it costs."""

from collections import Counter
from datetime import datetime
from typing import Any

from headroom_collector.api.waste import FindingOut, waste
from headroom_collector.web.asked import Asked
from headroom_collector.web.evidence import told
from headroom_collector.web.queries import moment
from headroom_collector.web.tables import cut, order_of, page_of
from headroom_collector.web.tongue import Tongue

KEYS = {
    "cost": lambda found: found.cost_per_year,
    "kind": lambda found: found.kind,
    "name": lambda found: found.name,
    "since": lambda found: found.since,
}


def kind(t: Tongue, text: str) -> str:
    """Say a kind of finding in the reader's language; as it is where nobody translated it."""
    key = f"waste_{text.replace(' ', '_').lower()}"
    return t.say(key) if t.known(key) else text


def _place(found: FindingOut) -> str:
    return f"{found.site}/{found.cluster}"


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the view; raises StoreError, HTTPException."""
    given, query, t = asked.given, asked.site.query, asked.site.tongue
    report = asked.long("waste", lambda: waste(given))
    order = order_of(query.get("sort", ""), tuple(KEYS), "-cost")
    wanted = [
        found
        for found in report.findings
        if query.get("kind", "") in {"", found.kind}
        and query.get("place", "") in {"", _place(found)}
        and query.get("q", "").casefold() in f"{found.name} {found.host}".casefold()
    ]
    counts = Counter(found.kind for found in report.findings)
    costs = {
        name: sum(f.cost_per_year or 0.0 for f in report.findings if f.kind == name and f.counted)
        for name in counts
    }
    return {
        "at": moment(asked.now),
        "simulated": t.say("waste_simulated", some=t.count("host", report.hosts_simulated))
        if report.hosts_simulated
        else "",
        "report": report,
        "order": order,
        "slice": cut(wanted, order, KEYS[order.column], page_of(query)),
        "kinds": [
            (name, counts[name], costs[name])
            for name in sorted(counts, key=costs.__getitem__, reverse=True)
        ],
        "kind_of": lambda text: kind(t, text),
        "told": lambda text: told(t, text),
        "parsed": datetime.fromisoformat,
        "places": sorted({(found.site, found.cluster) for found in report.findings}),
        "most": max(costs.values(), default=0.0),
    }
