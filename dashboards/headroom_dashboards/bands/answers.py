"""First strip: hosts present, needed and freeable, and what is wrong."""

from headroom_dashboards.bands.shared import (
    ATTENTION_FROM_ONE,
    BAD_FROM_ONE,
    CHOSEN,
    PRESENT,
    UTILISATION,
)
from headroom_dashboards.frame import Band
from headroom_dashboards.panels import Panel, Stat, Thresholds
from headroom_dashboards.query import Query, here

CEILING = f"max by (site, cluster) ({here('headroom_cluster_ceiling_ratio')})"

HOSTS_PRESENT = Panel(
    "Hosts present",
    "Hosts that are neither retired nor silent for a day.",
    [Query(PRESENT)],
    "short",
    decimals=0,
)
HOSTS_NEEDED = Panel(
    "Hosts needed at least",
    "Lower bound under the ceiling, by demand added up at the same moment: no plan can use fewer"
    " hosts; a real plan may need more.",
    [Query(f"sum({here('headroom_cluster_hosts_needed')})")],
    "short",
    Thresholds("blue"),
    decimals=0,
)
HOSTS_FREEABLE = Panel(
    "Hosts freeable at most",
    "Hosts present less the lower bound: no plan can free more.",
    [Query(f"sum({here('headroom_cluster_hosts_freeable')})")],
    "short",
    Thresholds("text", [(1, "green")]),
    decimals=0,
)
HOSTS_OVER = Panel(
    "Hosts over the ceiling",
    "Hosts whose CPU was above their cluster's ceiling on average over the last 5 minutes.",
    [
        Query(
            f"sum({UTILISATION} > bool on (site, cluster) group_left () {CEILING})",
            influx=f"sum({UTILISATION} > bool $ceiling)",
            note=CHOSEN,
        )
    ],
    "short",
    BAD_FROM_ONE,
    decimals=0,
)
ALERTS = Panel(
    "Alerts firing",
    "Alerts that fire now.",
    [Query(f"sum({here('headroom_alert_firing')}) or vector(0)")],
    "short",
    BAD_FROM_ONE,
    decimals=0,
)
HOSTS_SILENT = Panel(
    "Silent hosts",
    "Hosts present that send no utilisation now: what is shown of them is old.",
    [
        Query(
            f"{PRESENT} - (count({here('headroom_host_cpu_utilisation_ratio')}) or 0 * {PRESENT})",
            influx=f"{PRESENT} - count({here('headroom_host_cpu_utilisation_ratio')})",
        )
    ],
    "short",
    ATTENTION_FROM_ONE,
    decimals=0,
)

ANSWERS = Band(
    4,
    [
        (4, Stat(panel))
        for panel in (
            HOSTS_PRESENT,
            HOSTS_NEEDED,
            HOSTS_FREEABLE,
            HOSTS_OVER,
            ALERTS,
            HOSTS_SILENT,
        )
    ],
)
