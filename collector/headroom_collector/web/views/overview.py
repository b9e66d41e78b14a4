"""The estate at a glance: how many hosts are needed, how sure that is, what it costs, what is wrong."""

from datetime import datetime
from typing import Any

from headroom_collector.web.asked import Asked
from headroom_collector.web.model import Bound, Overview, Totals
from headroom_collector.web.tongue import Tongue, foreign

HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400
BUSIEST = 12
ALERTS = 8
NAMED = 3
"""Alerts that are named when they are read out."""


def limit(t: Tongue, totals: Totals) -> str:
    """Say the ceiling, or the lowest and the highest."""
    return t.ceilings(totals.ceiling_low_ratio, totals.ceiling_high_ratio)


def _seconds(since: datetime | None, at: datetime) -> float:
    return 0.0 if since is None else (at - since).total_seconds()


def sentence(t: Tongue, totals: Totals) -> str:
    """Say in one sentence how many hosts are needed."""
    if not totals.hosts_present:
        return t.say("nobody")
    hosts, bound = t.count("host", totals.hosts_present), totals.bound
    if bound is None:
        return t.say("run", hosts=hosts)
    key = "bound" if bound.hosts_freeable else "bound_none_free"
    if bound.hosts_needed > bound.hosts_present:
        key = "bound_short"
    return t.say(
        key,
        hosts=hosts,
        needed=t.number(bound.hosts_needed),
        freeable=t.number(bound.hosts_freeable),
        ceiling=limit(t, totals),
    )


def _rests(t: Tongue, bound: Bound) -> str:
    history = bound.history_seconds
    if history is None:
        return t.say("rests_unknown")
    longest = bound.history_longest_seconds or history
    if history < WEEK <= longest:
        return t.say("rests_span", age=t.age(history), longest=t.age(longest))
    shortness = (("rests_hour", HOUR), ("rests_day", DAY), ("rests_week", WEEK))
    key = next((key for key, enough in shortness if longest < enough), "rests_long")
    ages = list(dict.fromkeys(t.age(seconds) for seconds in (history, longest)))
    return t.say(key, age=t.say("ages", low=ages[0], high=ages[1]) if ages[1:] else ages[0])


def sure(t: Tongue, overview: Overview) -> str:
    """Say how far the sentence can be relied on."""
    totals, bound = overview.totals, overview.totals.bound
    if not totals.hosts_present:
        return t.say("nobody_hint", grpc=overview.grpc)
    if bound is None:
        return t.say("no_bound", age=t.age(_seconds(totals.measuring_since, overview.at)))
    parts = [t.say("is_bound"), _rests(t, bound)]
    if bound.clusters_short and bound.clusters > 1:
        clusters = t.count("cluster", bound.clusters)
        parts.append(t.say("short", short=bound.clusters_short, clusters=clusters))
    if bound.hosts_present != totals.hosts_present:
        hosts = t.count("host", totals.hosts_present)
        parts.append(t.say("partly", covered=t.number(bound.hosts_present), hosts=hosts))
    return " ".join(parts)


def simulated(t: Tongue, some: int, present: int) -> str:
    """Say that hosts are simulated; empty where none is."""
    if not some:
        return ""
    if some == present:
        return t.say("simulated_all")
    return t.say("simulated", some=t.number(some), hosts=t.count("host", present))


def announce(t: Tongue, overview: Overview) -> str:
    """Return what a screen reader says when the alerts change."""
    alerts = overview.alerts
    if not alerts:
        return t.say("no_alert")
    names = ", ".join(foreign(alert.host) for alert in alerts[:NAMED])
    if len(alerts) > NAMED:
        names = t.say("and_more", names=names, more=len(alerts) - NAMED)
    return t.say("announce", count=t.count("alert", len(alerts)), names=names)


def histogram_note(t: Tongue, totals: Totals) -> str:
    """Say how many hosts are far below the ceiling."""
    bins = totals.utilisation_histogram
    if not bins:
        return ""
    half = totals.ceiling_low_ratio / 2
    under = sum(count for n, count in enumerate(bins) if (n + 1) / len(bins) <= half + 1e-9)
    return t.say("histogram_note", under=t.number(under), known=t.count("host", sum(bins)))


def figures(t: Tongue, found: Overview) -> dict[str, Any]:
    """Return what the template shows of an overview."""
    totals, bound = found.totals, found.totals.bound
    share = None
    if bound is not None and bound.hosts_present:
        share = 1 - bound.hosts_freeable / bound.hosts_present
    return {
        "at": found.at,
        "overview": found,
        "totals": totals,
        "bound": bound,
        "share": share,
        "headline": sentence(t, totals),
        "sure": sure(t, found),
        "limit": limit(t, totals),
        "simulated": simulated(t, totals.hosts_simulated, totals.hosts_present),
        "announce": announce(t, found),
        "alerts": found.alerts[:ALERTS],
        "hosts": found.hosts[:BUSIEST],
        "histogram_note": histogram_note(t, totals),
    }


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the view; raises StoreError."""
    return figures(asked.site.tongue, asked.overview())
