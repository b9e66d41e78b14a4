"""Waste: thinly packed hypervisors, idle hosts, and the power that all of them take."""

from headroom_dashboards.bands.shared import (
    ATTENTION_FROM_ONE,
    CLUSTER,
    DAY,
    DENSE,
    IDLE_RATIO,
    PLACE,
)
from headroom_dashboards.frame import Band
from headroom_dashboards.panels import (
    BarGauge,
    Column,
    Panel,
    Stat,
    Table,
    Thresholds,
    TimeSeries,
)
from headroom_dashboards.query import READING, Query, here, once

RUNNING = here("headroom_host_domains", 'state="running"')

DENSITY = Panel(
    "VMs per hypervisor",
    f"Running virtual machines per hypervisor, by cluster; below {DENSE} is thinly packed.",
    [
        Query(
            f"max by (site, cluster) ({here('headroom_cluster_vms_per_host')})",
            CLUSTER,
            instant=True,
        )
    ],
    "short",
    Thresholds("orange", [(DENSE, "green")]),
    decimals=1,
    minimum=0,
)
THIN = Panel(
    f"Hypervisors with fewer than {DENSE} VMs",
    f"Hypervisors that run fewer than {DENSE} virtual machines now.",
    [Query(f"sum(sum by (site, cluster, host) ({RUNNING}) < bool {DENSE})")],
    "short",
    ATTENTION_FROM_ONE,
    decimals=0,
)
IDLE = Panel(
    "Idle hosts",
    f"Hosts with less than {IDLE_RATIO:.0%} CPU on average over the last day.",
    [Query(f"sum({DAY} < bool {IDLE_RATIO})")],
    "short",
    ATTENTION_FROM_ONE,
    decimals=0,
)
IDLE_NAMES = Panel(
    "Idle hosts by name",
    f"Hosts with less than {IDLE_RATIO:.0%} CPU on average over the last day: the first to ask"
    " about.",
    [Query(f"avg by (site, cluster, host) ({DAY}) < {IDLE_RATIO}", instant=True, table=True)],
    "percentunit",
    decimals=1,
)
SITES = Panel(
    "Power by site",
    "Power of the hosts whose power is known, one figure a host: its input where that is known,"
    " otherwise its components.",
    [Query(f"sum by (site) ({here('headroom_cluster_power_watts')})", "{{site}}")],
    "watt",
    minimum=0,
)
SOURCES = Panel(
    "Power by source",
    "Every reading, by what it measures and how it is known. Wall and component overlap: do not add"
    " them.",
    [
        Query(
            f"sum by (quantity, kind, source) ({once(here('headroom_energy_power_watts'), *READING)})",
            "{{quantity}}, {{kind}} ({{source}})",
        )
    ],
    "watt",
    minimum=0,
)

WASTE = Band(
    8,
    [
        (8, BarGauge(DENSITY)),
        (4, Stat(THIN)),
        (4, Stat(IDLE)),
        (8, Table(IDLE_NAMES, PLACE, [Column("Mean CPU")])),
    ],
    "Density and idle hosts",
)
POWER = Band(8, [(12, TimeSeries(SITES, stack=True)), (12, TimeSeries(SOURCES))], "Power")
