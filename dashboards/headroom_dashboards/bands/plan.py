"""The newest plans: what they free and save, what another ceiling would give, how they went."""

from headroom_dashboards.bands.shared import CLUSTER, DAY, PLACE
from headroom_dashboards.bands.waste import RUNNING
from headroom_dashboards.frame import Band, Custom
from headroom_dashboards.panels import (
    BarGauge,
    Column,
    Panel,
    Stat,
    Table,
    Thresholds,
    TimeSeries,
)
from headroom_dashboards.query import Query, here

MODE = 'mode="repack"'
HOURS_A_YEAR = 8766
KILO = 1000
CARBON = Custom(
    "carbon",
    "Carbon of the grid",
    "0.328",
    [(f"{value:.3f}", f"{value:.3f} kg/kWh") for value in (0.05, 0.1, 0.2, 0.328, 0.5, 0.7)],
)
"""kg CO2e a kWh; the default is that of the estate's own figures."""
SAVED = f"sum({here('headroom_plan_power_saved_watts', MODE)})"
CEILING_LEFT = f"max by (site, cluster) ({here('headroom_cluster_level_ratio')})"


def _figure(
    title: str, text: str, unit: str, expr: str, decimals: int | None = 0, colour: str = "green"
) -> Stat:
    thresholds = Thresholds("text", [(1, colour)])
    return Stat(Panel(title, text, [Query(expr)], unit, thresholds, decimals=decimals))


PLANNED = Band(
    4,
    [
        (4, _figure("Hosts the plan frees",
            "Hosts that nothing runs on after the newest plan for fewest hosts, with the reserve for"
            " a host that fails (N+1) that its settings ask for.", "short",
            f"sum({here('headroom_plan_hosts_freed', MODE)})")),
        (4, _figure("Plan above the bound",
            "Hosts that the plan keeps beyond the lower bound: 0 is proof that no plan is better.",
            "short", f"sum({here('headroom_plan_hosts_kept', MODE)})"
            f" - sum({here('headroom_plan_hosts_needed', MODE)})", colour="orange")),
        (4, _figure("Migrations", "Moves of virtual machines that the plan needs.", "short",
            f"sum({here('headroom_plan_moves', MODE)})", colour="blue")),
        (4, _figure("Energy saved a year", "Energy of a year that the plan is forecast to save.",
            "kwatth", f"{SAVED} * {HOURS_A_YEAR} / {KILO}")),
        (4, _figure("Money saved a year",
            "What the plan is forecast to save a year, in the estate's currency.", "short",
            f"sum({here('headroom_plan_money_saved_per_year', MODE)})")),
        (4, _figure("Carbon saved a year",
            "Energy saved times the carbon of the grid that is chosen above, CO2 equivalent.",
            "masskg", f"{SAVED} * {HOURS_A_YEAR} / {KILO} * $carbon")),
    ],
    "The newest plan",
)  # fmt: skip
LEFT = Panel(
    "Capacity left under the ceiling",
    "Ceiling that is chosen above less the share of CPUs that the cluster's work takes.",
    [Query(f"$ceiling - {CEILING_LEFT}", CLUSTER, instant=True)],
    "percentunit",
    Thresholds("red", [(0, "orange"), (0.05, "green")]),
    decimals=1,
    minimum=0,
    maximum=1,
)
FORECAST = (
    ("headroom_cluster_level_ratio", (), Column("CPU demand", "percentunit", 1)),
    ("headroom_cluster_trend_per_day_ratio", (), Column("Trend a day", "percentunit", 3)),
    ("headroom_cluster_trend_low_per_day_ratio", (), Column("at least", "percentunit", 3)),
    ("headroom_cluster_trend_high_per_day_ratio", (), Column("at most", "percentunit", 3)),
    ("headroom_cluster_ceiling_in_seconds", (), Column("Full in", "s", 0)),
    ("headroom_cluster_ceiling_earliest_seconds", (), Column("Full at the earliest in", "s", 0)),
    ("headroom_cluster_vms_fit", ('bound="least"',), Column("VMs that fit, at least", decimals=0)),
    ("headroom_cluster_vms_fit", ('bound="most"',), Column("VMs that fit, at most", decimals=0)),
)
TIME_LEFT = Panel(
    "Capacity, machines and time left by cluster",
    "Level and trend of the CPU demand, when it reaches the ceiling, and how many more typical"
    " virtual machines fit until then. An empty cell: it never does at this trend.",
    [
        Query(f"max by (site, cluster) ({here(name, *more)})", instant=True, table=True)
        for name, more, _ in FORECAST
    ],
    "short",
)
REMAINING = Band(
    8,
    [
        (7, BarGauge(LEFT)),
        (
            17,
            Table(TIME_LEFT, {"site": "Site", "cluster": "Cluster"}, [c for _, _, c in FORECAST]),
        ),
    ],
    "What is left",
)
NEEDED = Panel(
    "Price of the ceiling",
    "Hosts needed at least under each ceiling: what a higher one would save, and a lower one cost.",
    [
        Query(
            f"sum by (ceiling) ({here('headroom_ceiling_hosts_needed')})",
            "{{ceiling}}",
            instant=True,
        )
    ],
    "short",
    Thresholds("blue"),
    decimals=0,
    minimum=0,
)
KEPT = Panel(
    "Hosts that plans keep, by ceiling",
    "Hosts that the newest plan under each ceiling keeps on.",
    [
        Query(
            f"sum by (ceiling) ({here('headroom_ceiling_hosts_kept')})",
            "{{ceiling}}",
            instant=True,
        )
    ],
    "short",
    Thresholds("purple"),
    decimals=0,
    minimum=0,
)
ASKED = 'ceiling="$ceiling"'
PRICE = Band(
    8,
    [
        (4, Stat(Panel(
            "Hosts needed under the chosen ceiling",
            "Lower bound under the ceiling that is chosen above.",
            [Query(f"sum({here('headroom_ceiling_hosts_needed', ASKED)})")],
            "short", Thresholds("blue"), decimals=0))),
        (4, Stat(Panel(
            "Hosts over the chosen ceiling",
            "Hosts above the ceiling that is chosen above, on average over the last 5 minutes.",
            [Query(f"sum(avg_over_time({here('headroom_host_cpu_utilisation_ratio')}[5m])"
                " > bool $ceiling)")],
            "short", Thresholds("green", [(1, "red")]), decimals=0))),
        (8, BarGauge(NEEDED)),
        (8, BarGauge(KEPT)),
    ],
    "What if",
)  # fmt: skip
CANDIDATE = Panel(
    "Candidates to free",
    "Hosts by their mean CPU over the last day, the least used first. Where their virtual machines"
    " would go: `headroom plan` lists each move in its order.",
    [
        Query(f"avg by (host, site, cluster) ({DAY})", instant=True, table=True),
        Query(f"max by (host, site, cluster) ({RUNNING})", instant=True, table=True),
        Query(
            f"max by (host, site, cluster) ({here('headroom_host_memory_used_bytes')})",
            instant=True,
            table=True,
        ),
    ],
    "short",
)
CANDIDATES = Band(
    9,
    [
        (
            24,
            Table(
                CANDIDATE,
                PLACE,
                [
                    Column("Mean CPU", "percentunit", 1),
                    Column("Running VMs", decimals=0),
                    Column("Memory used", "bytes"),
                ],
                ascending="Mean CPU",
            ),
        )
    ],
    "Candidates",
)
COURSE = Panel(
    "History of the plan",
    "Hosts present, kept by the plan of that time, needed at least, and freed by now.",
    [
        Query(f"sum({here('headroom_plan_hosts_present', MODE)})", "present"),
        Query(f"sum({here('headroom_plan_hosts_kept', MODE)})", "kept by the plan"),
        Query(f"sum({here('headroom_plan_hosts_needed', MODE)})", "needed at least"),
        Query(f"sum({here('headroom_plan_hosts_freed_now', MODE)})", "freed by now"),
    ],
    "short",
    decimals=0,
    minimum=0,
)
POWER_COURSE = Panel(
    "Power after the plan, as forecast",
    "Power of the clusters after the plan of that time, and what it saves.",
    [
        Query(f"sum({here('headroom_plan_power_forecast_watts', MODE)})", "after the plan"),
        Query(SAVED, "saved"),
    ],
    "watt",
    minimum=0,
)
STANDING = (
    ("headroom_plan_ceiling_ratio", Column("Ceiling", "percentunit", 0)),
    ("headroom_plan_hosts_freed", Column("Freed", decimals=0)),
    ("headroom_plan_vms_cannot_comply", Column("VMs no plan can serve", decimals=0)),
    ("headroom_plan_power_off_recommended", Column("Safe to power off", decimals=0)),
    ("headroom_plan_history_seconds", Column("History", "s")),
    ("headroom_plan_age_seconds", Column("Age", "s")),
)
PLANS = Panel(
    "Newest plans",
    "The newest plan of each cluster and aim: what it rests on and how old it is.",
    [
        Query(f"max by (site, cluster, mode) ({here(name)})", instant=True, table=True)
        for name, _ in STANDING
    ],
    "short",
)
HISTORY = Band(
    8,
    [
        (7, TimeSeries(COURSE)),
        (6, TimeSeries(POWER_COURSE)),
        (
            11,
            Table(
                PLANS,
                {"site": "Site", "cluster": "Cluster", "mode": "Aim"},
                [column for _, column in STANDING],
            ),
        ),
    ],
    "Plans over time",
)
