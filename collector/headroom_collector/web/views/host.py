"""One host: what it is, what it did, what runs on it."""

from datetime import date
from typing import Any

from headroom_collector.alerts import queries as alert_queries
from headroom_collector.api.alerts import alert_out
from headroom_collector.api.estate import find, standings
from headroom_collector.api.host_models import HostOut, host_out, read_figures
from headroom_collector.web import overview
from headroom_collector.web.asked import Asked
from headroom_collector.web.queries import last_hour, moment
from headroom_collector.web.tables import page_of
from headroom_collector.web.tongue import NONE, Tongue, foreign
from headroom_collector.web.views import charts, vms

YEAR_DAYS = 365.25


def _joined(*parts: object) -> str:
    return " ".join(foreign(str(part)) for part in parts if part)


def _bought(t: Tongue, host: HostOut, today: date) -> str:
    if host.purchase_date is None:
        return NONE
    bought = date.fromisoformat(host.purchase_date)
    years = (today - bought).days / YEAR_DAYS
    return t.say("fact_age", day=t.day(bought), years=t.number(years, 1))


def facts(t: Tongue, host: HostOut, today: date) -> list[tuple[str, str]]:
    """Return what the host is, by the name of each text; what is unknown is left out."""
    known = host.facts
    cores = ""
    if known.get("cores"):
        cores = t.say(
            "fact_cores",
            sockets=known.get("sockets") or NONE,
            cores=known["cores"],
            threads=known.get("threads") or NONE,
        )
    found = [
        (
            "fact_place",
            _joined(host.site, "/" if host.site and host.cluster else "", host.cluster),
        ),
        ("fact_model", _joined(known.get("vendor"), known.get("model"))),
        ("fact_cpu", _joined(known.get("cpu_model"), f"({cores})" if cores else "")),
        (
            "fact_memory",
            t.gibibytes(known.get("memory_bytes")) if known.get("memory_bytes") else "",
        ),
        ("fact_os", _joined(known.get("os"), known.get("kernel"))),
        ("fact_hypervisor", _joined(known.get("hypervisor"))),
        ("fact_firmware", _joined(known.get("bios_version"), known.get("bios_date"))),
        ("fact_serial", _joined(known.get("serial"))),
        ("fact_owner", _joined(host.owner)),
        ("fact_bought", _bought(t, host, today) if host.purchase_date else ""),
        ("fact_agent", _joined(host.agent_version)),
        ("fact_former", ", ".join(foreign(name) for name in host.former_names)),
    ]
    return [(name, text) for name, text in found if text]


def view(asked: Asked, name: str) -> dict[str, Any]:
    """Return the figures of a host's page; raises NotFoundError, StoreError."""
    given, now = asked.given, asked.now
    standing = find(name, standings(given), given)
    shown = host_out(given, standing, read_figures(given))
    seen = asked.survey().named(standing.name)
    hours = last_hour(given.store, now, [seen.row.id]) if seen else {}
    host = overview.host_out(seen, hours.get(seen.row.id, [])) if seen else None
    range_ = charts.range_of(asked.site.query)
    drawn = [charts.host_chart(asked, standing.name, what, range_) for what in charts.HOST]
    mine = {seen.row.id: seen} if seen else {}
    found = [alert_out(given, each) for each in alert_queries.open_alerts(given.store)]
    page = page_of(asked.site.query)
    return {
        "at": moment(now),
        "name": standing.name,
        "shown": shown,
        "host": host,
        "facts": facts(asked.site.tongue, shown, moment(now).date()),
        "chosen": range_,
        "ranges": charts.RANGES,
        "charts": [chart for chart in drawn if not (chart.empty and chart.what != "cpu")],
        "slice": vms.read(given.store, now, mine, page=page),
        "alerts": [alert for alert in found if alert.host == standing.name],
    }
