"""Variables and marks that dashboards share."""

from headroom_core.ceiling import Ceiling
from headroom_dashboards.flavour import Choice, Mark
from headroom_dashboards.frame import Custom
from headroom_dashboards.query import HERE, here

PRESENT = "headroom_cluster_hosts_present"
BUSY = "headroom_host_cpu_utilisation_ratio"
HOST = 'host=~"$host"'
VM = 'vm=~"$vm"'
CEILINGS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def place_variables() -> list[Choice | Custom]:
    """Return site and cluster."""
    return [
        Choice("site", "Site", PRESENT),
        Choice("cluster", "Cluster", PRESENT, ['site=~"$site"']),
    ]


def host_variables() -> list[Choice | Custom]:
    """Return site, cluster and host."""
    return [*place_variables(), Choice("host", "Host", BUSY, [HERE])]


def vm_variables() -> list[Choice | Custom]:
    """Return site, cluster, host and virtual machine."""
    return [*host_variables(), Choice("vm", "Virtual machine", "headroom_vm_vcpus", [HERE, HOST])]


def what_if_variable(ceiling: Ceiling) -> Custom:
    """Return the ceiling to ask about, at first the one that holds."""
    values = sorted({*CEILINGS, ceiling.ratio})
    options = [(f"{value:.2f}", f"{value:.0%}") for value in values]
    return Custom("ceiling", "What if the ceiling were", f"{ceiling.ratio:.2f}", options)


def alert_marks() -> list[Mark]:
    """Return a mark wherever an alert fires, where plans were made and where machines moved."""
    plan = here("headroom_plan_age_seconds")
    arrived = here("headroom_vm_vcpus")
    return [
        Mark("Alerts", "headroom_alert_firing", [HERE], "== 1", ["alertname", "host"], "red"),
        Mark(
            "Plan runs",
            "headroom_plan_age_seconds",
            [HERE],
            "< 60",
            ["site", "cluster"],
            "blue",
            # A plan that is younger than the step was made since the last one.
            f"{plan} < 60",
        ),
        Mark(
            "Migrations",
            "headroom_vm_vcpus",
            [HERE],
            "> 0",
            ["vm", "host"],
            "purple",
            # A machine that was on another host 10 minutes ago and is here now.
            f"({arrived} unless on (uuid, host) {arrived} offset 10m)"
            f" and on (uuid) {arrived} offset 10m",
            promql_only=True,
        ),
    ]
