"""View of the overview: every text and every drawing that the page shows, ready to be filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headroom_collector.web import draw, figures
from headroom_collector.web.model import Alert, Cluster, Group, Host, Power
from headroom_collector.web.words import count, say

HIDDEN = "hidden"
NAMED = 3
"""Alerts that are named when they are read out."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """Texts by the name that the templates ask for, and the rows of each list."""

    texts: Row
    lists: dict[str, list[Row]]


def stamp(time: datetime) -> str:
    """Return a time as the machine-readable UTC text, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(time: datetime) -> str:
    """Return a time as people read it where no script puts it into their own zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def ceiling(low: float, high: float) -> str:
    """Return one ceiling, or the lowest and the highest."""
    if low == high:
        return figures.ceiling(low)
    return say("ceilings", low=figures.ceiling(low), high=figures.ceiling(high))


def power_kind(power: Power) -> str:
    """Say how a power is known, with its stated interval."""
    kind = say(power.kind)
    if 0.005 < power.measured_share < 0.995:
        kind = say("partly_measured", share=figures.percent(power.measured_share, 0))
    if power.quantity == "component":
        kind = say("components", kind=kind)
    if power.low_watts is None or power.high_watts is None:
        return kind
    return f"{kind}, {figures.span(power.low_watts, power.high_watts)}"


def place(site: str, cluster: str) -> str:
    """Return where hosts stand."""
    parts = [figures.foreign(part) for part in (site, cluster) if part]
    return " / ".join(parts) or say("unassigned")


def mark(simulated: bool) -> str:
    """Return the mark of what is simulated."""
    return say("simulated_mark") if simulated else ""


def host_row(host: Host, at: datetime) -> Row:
    """Return a host's row."""
    ratio = figures.percent(host.cpu_utilisation_ratio)
    window = host.cpu_window_seconds
    basis = say("mean", age=figures.age(window)) if window else say("latest")
    limit = figures.ceiling(host.ceiling_ratio)
    memory = say(
        "of",
        used=figures.gibibytes(host.memory_used_bytes).removesuffix(f"{figures.NBSP}GiB"),
        total=figures.gibibytes(host.memory_total_bytes),
    )
    known = host.memory_used_bytes is not None and host.memory_total_bytes is not None
    return {
        "key": host.name,
        "css": f"is-{host.state}",
        "name": figures.foreign(host.name),
        "simulated": mark(host.simulated),
        "place": place(host.site, host.cluster),
        "ratio": ratio,
        "ratio_title": say("bar_title", ratio=ratio, basis=basis, ceiling=limit),
        "bar": draw.width(host.cpu_utilisation_ratio),
        "mark": draw.mark(host.ceiling_ratio),
        "spark": draw.spark(host.last_hour),
        "level": draw.level(host.ceiling_ratio),
        "vms": "" if host.vms_running is None else count("vm", host.vms_running),
        "memory": memory if known else "",
        "watts": figures.watts(host.power.watts) if host.power else "",
        "watts_kind": power_kind(host.power) if host.power else "",
        "seen": say("ago", age=figures.age((at - host.last_seen).total_seconds())),
        "seen_title": clock(host.last_seen),
        "state": say(f"state_{host.state}"),
    }


def cluster_row(cluster: Cluster) -> Row:
    """Return a cluster's row."""
    bound = cluster.bound
    history = bound.history_seconds if bound else None
    return {
        "key": f"{cluster.site}\x1f{cluster.cluster}",
        "css": "is-over" if _over(cluster) else "is-ok",
        "name": place(cluster.site, cluster.cluster),
        "simulated": _simulated(cluster),
        "present": count("host", cluster.hosts_present),
        "needed": say("at_least", n=f"{bound.hosts_needed:,}") if bound else say("not_yet"),
        "too_few": say("too_few") if bound and bound.hosts_needed > bound.hosts_present else "",
        "freeable": say("up_to", n=f"{bound.hosts_freeable:,}") if bound else say("not_yet"),
        "ratio": figures.percent(cluster.cpu_utilisation_ratio),
        "bar": draw.width(cluster.cpu_utilisation_ratio),
        "mark": draw.mark(cluster.ceiling_ratio),
        "density": figures.number(cluster.vms_per_host, 1),
        "watts": figures.watts(cluster.power.watts) if cluster.power else "",
        "watts_kind": power_kind(cluster.power) if cluster.power else "",
        "history": figures.NONE if history is None else figures.age(history),
    }


def _over(cluster: Cluster) -> bool:
    ratio = cluster.cpu_utilisation_ratio
    return ratio is not None and ratio > cluster.ceiling_ratio


def _simulated(group: Group) -> str:
    if not group.hosts_simulated:
        return ""
    if group.hosts_simulated == group.hosts_present:
        return mark(simulated=True)
    return f"{group.hosts_simulated:,} {mark(simulated=True)}"


def alert_row(alert: Alert) -> Row:
    """Return an alert's row."""
    limit = alert.ceiling_ratio
    return {
        "key": f"{alert.rule}\x1f{alert.host}",
        "host": figures.foreign(alert.host),
        "simulated": mark(alert.simulated),
        "rule": figures.foreign(alert.rule),
        "ratio": figures.percent(alert.value),
        "bar": draw.width(alert.value),
        "mark": draw.mark(limit),
        "since": stamp(alert.since) if alert.since else "",
        "since_text": clock(alert.since) if alert.since else figures.NONE,
    }


def announce(alerts: Sequence[Alert]) -> str:
    """Return what a screen reader says when the alerts change."""
    if not alerts:
        return say("no_alert")
    names = ", ".join(figures.foreign(alert.host) for alert in alerts[:NAMED])
    if len(alerts) > NAMED:
        names = say("and_more", names=names, more=len(alerts) - NAMED)
    return say("announce", count=count("alert", len(alerts)), names=names)
