"""A small fleet as Prometheus text, its figures chosen so that each panel's answer is known."""

from dataclasses import dataclass, field
from itertools import count

from headroom_proto.catalogue import catalogue


@dataclass(frozen=True)
class Host:
    name: str
    site: str
    cluster: str
    utilisation: float
    vms: int | None = None
    watts: float = 200.0
    spooled: int = 0


@dataclass(frozen=True)
class Cluster:
    site: str
    cluster: str
    ceiling: float
    present: int
    needed: int
    history: float


HOSTS = (
    Host("p1", "paris", "web", 0.02, vms=2),
    Host("p2", "paris", "web", 0.10, vms=8),
    Host("p3", "paris", "web", 0.30, vms=12),
    Host("p4", "paris", "web", 0.41, vms=9, spooled=3),
    Host("p5", "paris", "web", 0.55, vms=1, watts=350.0),
    Host("p6", "paris", "web", 0.40, vms=8),
    Host("l1", "lyon", "db", 0.03, watts=100.0),
    Host("l2", "lyon", "db", 0.50, watts=120.0),
    Host("u1", "", "", 0.20, watts=90.0),  # the inventory does not know it
)
CLUSTERS = (
    Cluster("paris", "web", 0.4, present=7, needed=5, history=86_400.0),  # one of them is silent
    Cluster("lyon", "db", 0.6, present=2, needed=1, history=2_000_000.0),
    Cluster("", "", 0.4, present=1, needed=1, history=600.0),
)
FIRING = ("p5",)


@dataclass
class Page:
    """Lines of an exposition; each metric must be one of the catalogue's."""

    lines: dict = field(default_factory=dict)

    def add(self, name, value, **labels):
        kind = {column.metric: column.type for _, column in catalogue().metrics()}[name]
        shown = ",".join(f'{label}="{text}"' for label, text in labels.items())
        family = self.lines.setdefault(name, [f"# TYPE {name} {kind}"])
        family.append(f"{name}{{{shown}}} {value}")

    def text(self):
        return "\n".join(line for family in self.lines.values() for line in family) + "\n"


def fleet_page():
    """Return what serves the hosts' latest values; a counter grows by 5 with each request."""
    failures = count(step=5)

    def page():
        made = Page()
        failed = next(failures)
        for host in HOSTS:
            place = {"host": host.name, "site": host.site, "cluster": host.cluster}
            made.add("headroom_host_cpu_utilisation_ratio", host.utilisation, **place)
            made.add("headroom_agent_spool_batches", host.spooled, **place)
            made.add("headroom_sampler_failures_total", failed, **place, sampler="cpu")
            power = {"domain": "host", "quantity": "wall", "source": "model", "kind": "modelled"}
            made.add("headroom_energy_power_watts", host.watts, **place, **power)
            if host.vms is not None:
                made.add("headroom_host_domains", host.vms, **place, state="running")
                made.add("headroom_host_domains", 99, **place, state="shutoff")
        return made.text()

    return page


def collector_page():
    """Return the collector's own metrics: clusters and alerts."""
    made = Page()
    for host in HOSTS:
        labels = {"alertname": "HostAboveCeiling", "host": host.name, "severity": "warning"}
        labels |= {"site": host.site, "cluster": host.cluster}
        made.add("headroom_alert_firing", int(host.name in FIRING), **labels)
        made.add("headroom_alert_value_ratio", host.utilisation, **labels)
    for cluster in CLUSTERS:
        place = {"site": cluster.site, "cluster": cluster.cluster}
        mine = [host for host in HOSTS if (host.site, host.cluster) == tuple(place.values())]
        values = {
            "ceiling_ratio": cluster.ceiling,
            "hosts_present": cluster.present,
            "hosts_needed": cluster.needed,
            "hosts_freeable": cluster.present - cluster.needed,
            "cpu_demand_ratio": 0.3,
            "memory_demand_bytes": 2e11,
            "vms_per_host": sum(host.vms or 0 for host in mine) / len(mine),
            "power_watts": sum(host.watts for host in mine),
            "history_seconds": cluster.history,
        }
        for name, value in values.items():
            made.add(f"headroom_cluster_{name}", value, **place)
    return made.text()
