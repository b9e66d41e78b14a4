"""Variables and marks that dashboards share."""

from headroom_dashboards.frame import datasource_variable, event_marks, label_variable
from headroom_dashboards.panels import Json
from headroom_dashboards.query import here, metric

PRESENT = "headroom_cluster_hosts_present"
BUSY = "headroom_host_cpu_utilisation_ratio"
HOST = 'host=~"$host"'
VM = 'vm=~"$vm"'


def place_variables() -> list[Json]:
    """Return data source, site and cluster."""
    of_sites = metric(PRESENT, 'site=~"$site"')
    return [
        datasource_variable(),
        label_variable("site", "Site", f"label_values({metric(PRESENT)}, site)"),
        label_variable("cluster", "Cluster", f"label_values({of_sites}, cluster)"),
    ]


def host_variables() -> list[Json]:
    """Return data source, site, cluster and host."""
    return [
        *place_variables(),
        label_variable("host", "Host", f"label_values({here(BUSY)}, host)"),
    ]


def vm_variables() -> list[Json]:
    """Return data source, site, cluster, host and virtual machine."""
    vms = here("headroom_vm_vcpus", HOST)
    return [*host_variables(), label_variable("vm", "Virtual machine", f"label_values({vms}, vm)")]


def alert_marks() -> list[Json]:
    """Return a mark wherever an alert fires."""
    expr = f"{here('headroom_alert_firing')} == 1"
    return [event_marks("Alerts", expr, "{{alertname}}: {{host}}")]
