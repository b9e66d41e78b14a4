"""Headroom by cluster: as bars, and in full with what it rests on."""

from headroom_dashboards.bands.shared import CLUSTER
from headroom_dashboards.frame import Band
from headroom_dashboards.panels import BarGauge, Column, Panel, Table, Thresholds
from headroom_dashboards.query import Query, here

COLUMNS = (
    ("headroom_cluster_hosts_present", Column("Present", decimals=0)),
    ("headroom_cluster_hosts_needed", Column("Needed at least", decimals=0)),
    ("headroom_cluster_hosts_freeable", Column("Freeable at most", decimals=0)),
    ("headroom_cluster_ceiling_ratio", Column("Ceiling", "percentunit", 0)),
    ("headroom_cluster_cpu_demand_ratio", Column("Peak CPU demand", "percentunit", 1)),
    ("headroom_cluster_memory_demand_bytes", Column("Memory demand", "bytes")),
    ("headroom_cluster_vms_per_host", Column("VMs per hypervisor", decimals=1)),
    ("headroom_cluster_power_watts", Column("Power", "watt")),
    ("headroom_cluster_history_seconds", Column("History", "s")),
)

SHARE = Panel(
    "Share of hosts that can be freed at most",
    "Hosts freeable of the hosts present, by cluster; an upper limit, not a plan.",
    [
        Query(
            f"sum by (site, cluster) ({here('headroom_cluster_hosts_freeable')})"
            f" / sum by (site, cluster) ({here('headroom_cluster_hosts_present')})",
            CLUSTER,
            instant=True,
        )
    ],
    "percentunit",
    Thresholds("text", [(0.01, "green")]),
    decimals=0,
    minimum=0,
    maximum=1,
)
FULL = Panel(
    "Headroom by cluster",
    "Each cluster's bound and what it rests on; three weeks of history are needed to rely on it."
    " Power is the sum of the hosts whose power is known.",
    [
        Query(f"max by (site, cluster) ({here(name)})", instant=True, table=True)
        for name, _ in COLUMNS
    ],
    "short",
)

CLUSTERS = Band(
    8,
    [
        (8, BarGauge(SHARE)),
        (16, Table(FULL, {"site": "Site", "cluster": "Cluster"}, [made for _, made in COLUMNS])),
    ],
    "Headroom by cluster",
)
