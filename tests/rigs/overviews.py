"""Overviews of estates that the page is drawn from in tests: empty, one host, a simulated fleet."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from headroom_collector.web.model import (
    Alert,
    Bound,
    Cluster,
    Group,
    Host,
    Overview,
    Power,
    State,
    Totals,
)

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
GIB = 1024**3

Tell = Callable[..., None]
Look = Callable[[], Overview]
Get = Callable[..., httpx.Response]


def power(watts: float = 142.0, kind: Any = "modelled", hosts: int = 1) -> Power:
    modelled = kind == "modelled"
    return Power(
        watts=watts,
        low_watts=watts * 0.8 if modelled else None,
        high_watts=watts * 1.2 if modelled else None,
        kind=kind,
        quantity="wall" if modelled else "component",
        source="model" if modelled else "rapl",
        hosts=hosts,
        measured_share=0.0 if modelled else 1.0,
    )


def host(name: str = "metal-1", **changes: Any) -> Host:
    values: dict[str, Any] = {
        "site": "",
        "cluster": "",
        "assigned": False,
        "simulated": False,
        "state": "ok",
        "cpu_utilisation_ratio": 0.123,
        "cpu_window_seconds": 0.0,
        "ceiling_ratio": 0.4,
        "cpus": 4,
        "last_hour": [None] * 58 + [0.12, 0.13],
        "vms_running": None,
        "vcpus_running": None,
        "memory_used_bytes": 3 * GIB,
        "memory_total_bytes": 8 * GIB,
        "power": None,
        "last_seen": AT - timedelta(seconds=3),
    }
    return Host(name=name, **(values | changes))


def group(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "hosts_present": 1,
        "hosts_simulated": 0,
        "hosts_silent": 0,
        "cpu_utilisation_ratio": 0.123,
        "vms_running": None,
        "hypervisors": 0,
        "vms_per_host": None,
        "power": None,
        "bound": None,
    }
    assert set(values) == set(Group.model_fields)
    return values | changes


def totals(**changes: Any) -> Totals:
    values = group() | {
        "ceiling_low_ratio": 0.4,
        "ceiling_high_ratio": 0.4,
        "hosts_over_ceiling": 0,
        "hosts_unassigned": 1,
        "alerts_firing": 0,
        "alert_hold_seconds": 600.0,
        "measuring_since": AT - timedelta(seconds=12),
    }
    return Totals.model_validate(values | changes)


def overview(**changes: Any) -> Overview:
    """One host that began to report 12 s ago, without VMs, power or history."""
    values: dict[str, Any] = {
        "at": AT,
        "version": "0.1.0",
        "grpc": "127.0.0.1:9440",
        "totals": totals(),
        "alerts": [],
        "clusters": [cluster()],
        "hosts": [host()],
        "hosts_left_out": 0,
        "newest_sample": AT - timedelta(seconds=3),
    }
    return Overview(**(values | changes))


def cluster(site: str = "", name: str = "", ceiling: float = 0.4, **changes: Any) -> Cluster:
    values = group(**changes) | {"site": site, "cluster": name, "ceiling_ratio": ceiling}
    return Cluster.model_validate(values)


def alert(name: str, value: float | None = 0.53, simulated: bool = False) -> Alert:
    return Alert(
        rule="HostAboveCeiling",
        host=name,
        simulated=simulated,
        since=AT - timedelta(minutes=17),
        value=value,
        ceiling_ratio=0.4,
    )


def empty() -> Overview:
    none = {"hosts_present": 0, "cpu_utilisation_ratio": None, "hosts_unassigned": 0}
    return overview(
        totals=totals(measuring_since=None, **none), clusters=[], hosts=[], newest_sample=None
    )


def bound(present: int, needed: int, days: float = 9.0) -> Bound:
    return Bound(
        hosts_present=present,
        hosts_needed=needed,
        hosts_freeable=max(0, present - needed),
        history_seconds=days * 86_400,
        history_longest_seconds=days * 86_400,
        at=AT,
    )


PLACES = (("dc-north", "batch"), ("dc-north", "web"), ("dc-south", "db"))


def _busy(number: int, minute: int) -> float:
    level = 0.06 + 0.42 * (number * 37 % 101 / 101) ** 2
    return level * (1 + 0.25 * math.sin(minute / 9 + number)) + 0.01 * (minute * 7 % 5) / 5


def _simulated(number: int) -> Host:
    site, cluster = PLACES[number % 3]
    hour = [_busy(number, minute) for minute in range(60)]
    ratio = sum(hour[-5:]) / 5
    state: State = "over" if ratio > 0.4 else "ok"
    return host(
        f"sim-{number:04}",
        site=site,
        cluster=cluster,
        assigned=True,
        simulated=True,
        state="silent" if number == 2 else state,
        cpu_utilisation_ratio=None if number == 2 else ratio,
        cpu_window_seconds=300.0,
        cpus=32,
        last_hour=hour,
        vms_running=3 + number % 9,
        memory_used_bytes=(40 + number % 160) * GIB,
        memory_total_bytes=256 * GIB,
        power=power(120 + 260 * ratio),
        last_seen=AT - timedelta(seconds=900 if number == 2 else number % 5),
    )


def _cluster(site: str, name: str, hosts: list[Host], needed: int) -> Cluster:
    vms = sum(one.vms_running or 0 for one in hosts)
    watts = sum(one.power.watts for one in hosts if one.power)
    ratios = [one.cpu_utilisation_ratio or 0.0 for one in hosts]
    return cluster(
        site,
        name,
        hosts_present=len(hosts),
        hosts_simulated=len(hosts),
        cpu_utilisation_ratio=sum(ratios) / len(ratios),
        vms_running=vms,
        hypervisors=len(hosts),
        vms_per_host=vms / len(hosts),
        power=power(watts, hosts=len(hosts)),
        bound=bound(len(hosts), needed),
    )


def fleet(count: int = 50, shown: int = 200) -> Overview:
    """A fleet of simulated hosts in three clusters, one silent, the busiest with an alert."""
    hosts = sorted(
        (_simulated(number) for number in range(count)),
        key=lambda one: -(one.cpu_utilisation_ratio or -1.0),
    )
    hosts[0] = hosts[0].model_copy(update={"state": "alert"})
    clusters = [
        _cluster(*place, mine, max(1, len(mine) // 3))
        for place in PLACES
        if (mine := [one for one in hosts if (one.site, one.cluster) == place])
    ]
    needed = sum(one.bound.hosts_needed for one in clusters if one.bound)
    vms = sum(one.vms_running or 0 for one in hosts)
    return overview(
        totals=totals(
            hosts_present=count,
            hosts_simulated=count,
            hosts_silent=1,
            cpu_utilisation_ratio=0.21,
            vms_running=vms,
            hypervisors=count,
            vms_per_host=vms / count,
            power=power(sum(one.power.watts for one in hosts if one.power), hosts=count),
            bound=bound(count, needed),
            hosts_over_ceiling=sum(one.state in {"over", "alert"} for one in hosts),
            hosts_unassigned=0,
            alerts_firing=1,
            measuring_since=AT - timedelta(days=9),
        ),
        alerts=[alert(hosts[0].name, hosts[0].cpu_utilisation_ratio, simulated=True)],
        clusters=clusters,
        hosts=hosts[:shown],
        hosts_left_out=max(0, count - shown),
    )
