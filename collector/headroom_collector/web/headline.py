"""Headline of the page: how many hosts are needed, how sure that is, and the tiles below it."""

from datetime import datetime

from headroom_collector.web import draw, figures, view
from headroom_collector.web.model import Bound, Overview, Totals
from headroom_collector.web.view import HIDDEN, Row, View
from headroom_collector.web.words import count, say

HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400


def _limit(totals: Totals) -> str:
    return view.ceiling(totals.ceiling_low_ratio, totals.ceiling_high_ratio)


def _seconds(since: datetime | None, at: datetime) -> float:
    return 0.0 if since is None else (at - since).total_seconds()


def _sentence(totals: Totals) -> str:
    hosts = count("host", totals.hosts_present)
    bound = totals.bound
    if bound is None:
        return say("run", hosts=hosts)
    key = "bound" if bound.hosts_freeable else "bound_none_free"
    if bound.hosts_needed > bound.hosts_present:
        key = "bound_short"
    return say(
        key,
        hosts=hosts,
        needed=f"{bound.hosts_needed:,}",
        freeable=f"{bound.hosts_freeable:,}",
        ceiling=_limit(totals),
    )


def _rests(bound: Bound) -> str:
    history = bound.history_seconds
    if history is None:
        return say("rests_unknown")
    longest = bound.history_longest_seconds or history
    if history < WEEK <= longest:
        return say("rests_span", age=figures.age(history), longest=figures.age(longest))
    shortness = (("rests_hour", HOUR), ("rests_day", DAY), ("rests_week", WEEK))
    key = next((key for key, enough in shortness if longest < enough), "rests_long")
    ages = list(dict.fromkeys(figures.age(seconds) for seconds in (history, longest)))
    return say(key, age=say("ages", low=ages[0], high=ages[1]) if ages[1:] else ages[0])


def _sure(overview: Overview) -> str:
    totals, bound = overview.totals, overview.totals.bound
    if not totals.hosts_present:
        return say("nobody_hint", grpc=overview.grpc)
    if bound is None:
        return say("no_bound", age=figures.age(_seconds(totals.measuring_since, overview.at)))
    parts = [say("is_bound"), _rests(bound)]
    if bound.clusters_short and bound.clusters > 1:
        clusters = count("cluster", bound.clusters)
        parts.append(say("short", short=bound.clusters_short, clusters=clusters))
    if bound.hosts_present != totals.hosts_present:
        hosts = count("host", totals.hosts_present)
        parts.append(say("partly", covered=bound.hosts_present, hosts=hosts))
    return " ".join(parts)


def _simulated(totals: Totals) -> str:
    if not totals.hosts_simulated:
        return ""
    if totals.hosts_simulated == totals.hosts_present:
        return say("simulated_all")
    hosts = count("host", totals.hosts_present)
    return say("simulated", some=f"{totals.hosts_simulated:,}", hosts=hosts)


def _trio(totals: Totals) -> Row:
    bound = totals.bound
    share = (
        1 - bound.hosts_freeable / bound.hosts_present if bound and bound.hosts_present else None
    )
    return {
        "present": f"{totals.hosts_present:,}",
        "needed": f"{bound.hosts_needed:,}" if bound else figures.NONE,
        "freeable": f"{bound.hosts_freeable:,}" if bound else figures.NONE,
        "share": "" if share is None else f"{share * 100:.4g}",
        "share_hidden": HIDDEN if share is None else "",
    }


def _tiles(totals: Totals) -> Row:
    limit = _limit(totals)
    ratio = totals.cpu_utilisation_ratio
    over = count("host", totals.hosts_over_ceiling)
    hold = figures.age(totals.alert_hold_seconds)
    density = say("tile_density_none")
    if totals.vms_running is not None:
        density = say(
            "tile_density_note",
            vms=count("vm", totals.vms_running),
            hosts=count("host", totals.hypervisors),
            reference=totals.vms_per_host_reference,
        )
    power = say("tile_power_none")
    if totals.power is not None:
        power = say(
            "tile_power_note",
            kind=view.power_kind(totals.power),
            covered=totals.power.hosts,
            hosts=count("host", totals.hosts_present),
        )
    return {
        "cpu": figures.percent(ratio),
        "cpu_css": "tile is-over"
        if ratio is not None and ratio > totals.ceiling_high_ratio
        else "tile",
        "cpu_note": say("tile_cpu_note", ceiling=limit, over=over),
        "cpu_bar": draw.width(ratio),
        "cpu_mark": draw.mark(totals.ceiling_low_ratio),
        "density": figures.number(totals.vms_per_host, 1),
        "density_note": density,
        "power": figures.watts(totals.power.watts if totals.power else None),
        "power_note": power,
        "firing": f"{totals.alerts_firing:,}",
        "firing_css": "tile is-alert" if totals.alerts_firing else "tile is-calm",
        "firing_note": say("tile_alerts_note", ceiling=limit, hold=hold),
        "silent": f"{totals.hosts_silent:,}",
        "silent_css": "tile is-silent" if totals.hosts_silent else "tile is-calm",
        "silent_note": say("tile_silent_note", unassigned=f"{totals.hosts_unassigned:,}"),
    }


def make(overview: Overview) -> View:
    """Make the whole view."""
    totals = overview.totals
    simulated = _simulated(totals)
    left = overview.hosts_left_out
    nobody = not totals.hosts_present
    texts = {
        "at": view.stamp(overview.at),
        "at_text": view.clock(overview.at),
        "version": overview.version,
        "headline": say("nobody") if nobody else _sentence(totals),
        "sure": _sure(overview),
        "simulated": simulated,
        "simulated_hidden": "" if simulated else HIDDEN,
        "figures_hidden": HIDDEN if nobody else "",
        "announce": view.announce(overview.alerts),
        "no_alert_hidden": HIDDEN if overview.alerts else "",
        "alerts_hidden": "" if overview.alerts else HIDDEN,
        "left_out": say("left_out", count=f"{left:,}") if left else "",
    }
    return View(
        texts=texts | _trio(totals) | _tiles(totals),
        lists={
            "alerts": [view.alert_row(alert) for alert in overview.alerts],
            "clusters": [view.cluster_row(cluster) for cluster in overview.clusters],
            "hosts": [view.host_row(host, overview.at) for host in overview.hosts],
        },
    )
