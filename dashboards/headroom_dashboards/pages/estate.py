"""The dashboard "Estate": how the hosts are used, packed and loaded."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.shared import (
    CHOSEN,
    CLUSTER,
    DAY,
    DENSE,
    IDLE_RATIO,
    PLACE,
    UTILISATION,
)
from headroom_dashboards.bands.utilisation import against, utilisation
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure, rate
from headroom_dashboards.pages.variables import alert_marks, place_variables, what_if_variable
from headroom_dashboards.panels import BarGauge, Column, Panel, StateTimeline, Table, Thresholds
from headroom_dashboards.query import Query, here

UID = "headroom-estate"
BUSY = here("headroom_host_cpu_utilisation_ratio")
CEILING = f"max by (site, cluster) ({here('headroom_cluster_ceiling_ratio')})"
STEAL = here("headroom_host_cpu_steal_ratio")
MEMORY = f"{here('headroom_host_memory_used_bytes')} / {here('headroom_host_memory_total_bytes')}"
RUNNING = here("headroom_host_domains", 'state="running"')

COUNTS = Band(
    4,
    [
        (4, figure("Hosts", "Hosts that send their utilisation now.", "short",
            f"count({BUSY})", decimals=0)),
        (4, figure("Logical CPUs", "Logical CPUs of the hosts that send now.", "short",
            f"sum({here('headroom_host_cpus')})", decimals=0)),
        (4, figure("Memory", "Memory of the hosts that send now.", "bytes",
            f"sum({here('headroom_host_memory_total_bytes')})")),
        (4, figure("CPUs in use", "Share of all logical CPUs that was busy, hosts weighted by size.",
            "percentunit",
            f"sum({BUSY} * {here('headroom_host_cpus')}) / sum({here('headroom_host_cpus')})",
            decimals=1)),
        (4, figure("Memory in use", "Memory used of the memory there is.", "percentunit",
            f"sum({here('headroom_host_memory_used_bytes')})"
            f" / sum({here('headroom_host_memory_total_bytes')})", decimals=1)),
        (4, figure("Virtual machines", "Virtual machines that run.", "short",
            f"sum({RUNNING})", decimals=0)),
    ],
)  # fmt: skip


def over(ceiling: Ceiling, rule: Rule) -> Band:
    """Return the strip of who is above the ceiling when."""
    timeline = Panel(
        "Above the ceiling over time",
        "CPU utilisation, mean over 5 minutes, of the 20 hosts that are busiest now; red is above"
        " the ceiling of <ceiling>.",
        [
            Query(
                f"{UTILISATION} and topk(20, avg_over_time({BUSY}[5m] @ end()))",
                "{{host}}",
                influx=f"topk(20, {UTILISATION})",
            )
        ],
        "percentunit",
        against(ceiling, rule),
        decimals=0,
    )
    share = Panel(
        "Share of hosts above their ceiling",
        "Hosts above their own cluster's ceiling, of the hosts that send, by cluster.",
        [
            Query(
                "avg by (site, cluster)"
                f" ({UTILISATION} > bool on (site, cluster) group_left () {CEILING})",
                CLUSTER,
                instant=True,
                influx=f"avg by (site, cluster) ({UTILISATION} > bool $ceiling)",
                note=CHOSEN,
            )
        ],
        "percentunit",
        Thresholds("green", [(0.01, "orange"), (0.1, "red")]),
        decimals=0,
        minimum=0,
        maximum=1,
    )
    return Band(
        9, [(16, StateTimeline(timeline)), (8, BarGauge(share))], "Over and under the ceiling"
    )


BUCKETS = ((0.0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.6), (0.6, 1.01))
SPREAD = Panel(
    "Hosts by utilisation",
    "Number of hosts by their mean CPU utilisation over the last day.",
    [
        Query(
            f"count({DAY} >= {low:g} < {high:g}) or vector(0)",
            f"{low:.0%} to {min(high, 1):.0%}",
            instant=True,
        )
        for low, high in BUCKETS
    ],
    "short",
    Thresholds("blue"),
    decimals=0,
    minimum=0,
)
DENSITY = Panel(
    "Density by host",
    f"Running virtual machines of each hypervisor; below {DENSE} is thinly packed.",
    [Query(f"sum by (site, cluster, host) ({RUNNING}) > 0", instant=True, table=True)],
    "short",
    Thresholds("orange", [(DENSE, "green")]),
    decimals=0,
)
PACKING = Band(
    9,
    [
        (10, BarGauge(SPREAD)),
        (14, Table(DENSITY, PLACE, [Column("Running VMs", decimals=0)])),
    ],
    "Distribution and density",
)
CONTENTION = Band(
    8,
    [
        (8, chart("Steal", "Share of CPUs that hypervisors took from guests, mean by cluster.",
            "percentunit", Query(f"avg by (site, cluster) ({STEAL})", CLUSTER))),
        (8, chart("Pressure on CPUs", "Share of time in which tasks waited for a CPU, by cluster.",
            "percentunit",
            Query("avg by (site, cluster) (" + rate("headroom_host_pressure_seconds_total",
                'resource="cpu"', 'kind="some"') + ")", CLUSTER))),
        (8, chart("Load per CPU", "Load average over 5 minutes by logical CPU, highest by cluster.",
            "short",
            Query(f"max by (site, cluster) ({here('headroom_host_load5')}"
                f" / {here('headroom_host_cpus')})", CLUSTER))),
    ],
    "Is packing already hurting?",
)  # fmt: skip
WASTE = Band(
    8,
    [
        (12, chart("Fullest memory by cluster", "Used of total memory, highest host by cluster.", "percentunit",
            Query(f"max by (site, cluster) ({MEMORY})", CLUSTER))),
        (12, chart("Idle hosts", f"Hosts below {IDLE_RATIO:.0%} CPU on average over the last day.",
            "short", Query(f"sum by (site, cluster) ({DAY} < bool {IDLE_RATIO})", CLUSTER))),
    ],
    "Memory and waste",
)  # fmt: skip
FINDINGS = Panel(
    "Waste by finding",
    "What is idle, too large or too old, by kind of finding; `headroom waste` names each with its"
    " evidence.",
    [Query(f"sum by (finding) ({here('headroom_waste_findings')})", "{{finding}}", instant=True)],
    "short",
    Thresholds("blue"),
    decimals=0,
    minimum=0,
)
COST = Panel(
    "Cost of waste a year",
    "What the findings cost a year by the prices in force, in the estate's currency.",
    [
        Query(
            f"sum by (finding) ({here('headroom_waste_cost_per_year')})",
            "{{finding}}",
            instant=True,
        )
    ],
    "short",
    Thresholds("orange"),
    decimals=0,
    minimum=0,
)
FOUND = Band(8, [(12, BarGauge(FINDINGS)), (12, BarGauge(COST))], "Waste, age and size")


def estate(ceiling: Ceiling, rule: Rule) -> Page:
    """Return the dashboard; thresholds are those of ``ceiling`` and ``rule``."""
    return Page(
        uid=UID,
        title="Estate",
        description="How the hosts are used, who is above the ceiling, how densely they are packed,"
        " and whether packing hurts.",
        variables=[*place_variables(), what_if_variable(ceiling)],
        marks=alert_marks(),
        ceiling=ceiling.ratio,
        bands=[
            COUNTS,
            over(ceiling, rule),
            utilisation(ceiling, rule),
            PACKING,
            CONTENTION,
            WASTE,
            FOUND,
        ],
    )
