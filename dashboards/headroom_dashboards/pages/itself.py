"""The dashboard "Headroom itself": whether what is shown can be trusted, and what it costs."""

from headroom_dashboards.bands.shared import ATTENTION_FROM_ONE
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import INTERVAL, chart, figure, rate
from headroom_dashboards.pages.variables import place_variables
from headroom_dashboards.query import Query, here, metric

UID = "headroom-itself"


def of(name: str) -> str:
    """Return the collector's own metric: it stands at no site, so no choice of site hides it."""
    return metric(f"headroom_collector_{name}")


def grown(name: str) -> str:
    """Return the growth a second of a counter of the collector's own."""
    return f"rate({of(name)}[{INTERVAL}])"


WAITED = (
    'SELECT max("v") AS "v" FROM (SELECT elapsed("cpu_utilisation_ratio", 1s) AS "v" FROM'
    ' "headroom_host" WHERE $timeFilter AND "site" =~ /^($site)$/ AND "cluster" =~ /^($cluster)$/'
    ' GROUP BY *) WHERE $timeFilter GROUP BY time($__interval), "site" fill(none)'
)
NOW = Band(
    4,
    [
        (4, figure("Agents connected", "Streams of agents that are open.", "short",
            f"max({of('agents_connected')})", decimals=0)),
        (4, figure("Last commit", "Time that the last commit took until it was durable.", "s",
            f"max({of('commit_seconds')})")),
        (4, figure("Store", "Size of the store's files.", "bytes", f"max({of('store_bytes')})")),
        (4, figure("Values a second", "Values stored a second.", "short",
            f"sum({grown('values_total')})", decimals=0)),
        (4, figure("Hosts without a place", "Hosts that the inventory gives no site and cluster.",
            "short", f"max({of('hosts_unassigned')})", ATTENTION_FROM_ONE, 0)),
        (4, figure("Samplers that fail", "Samplers of agents that failed in their last cycle.",
            "short", f"sum({here('headroom_sampler_up')} < bool 1)", ATTENTION_FROM_ONE, 0)),
    ],
)  # fmt: skip
INGEST = Band(
    8,
    [
        (8, chart("Batches", "Batches a second: stored, dropped as duplicates, asked for again,"
            " refused.", "ops",
            Query(f"sum({grown('batches_total')})", "stored"),
            Query(f"sum({grown('batches_duplicate_total')})", "duplicate"),
            Query(f"sum({grown('batches_resend_total')})", "asked for again"),
            Query(f"sum({grown('batches_refused_total')})", "refused"),
            Query(f"sum({grown('streams_refused_total')})", "streams refused"),
            Query(f"sum({grown('identity_conflicts_total')})", "two agents with one name"))),
        (8, chart("Refused values", "Values a second that a named rule refused.", "ops",
            Query(f"sum({grown('values_refused_total')})", "refused"))),
        (8, chart("Commits", "Commits a second, and the time of the last one.", "short",
            Query(f"sum({grown('commits_total')})", "commits a second"),
            Query(f"max({of('commit_seconds')})", "seconds of the last"))),
    ],
    "Ingest",
)  # fmt: skip
SPOOLS = Band(
    8,
    [
        (8, chart("Spools", "Bytes that agents hold until the collector has them, the 10 largest.",
            "bytes", Query(f"topk(10, {here('headroom_agent_spool_bytes')})", "{{host}}"))),
        (8, chart("Lost batches", "Batches a second that full spools dropped.", "ops",
            Query(f"sum by (site) ({rate('headroom_agent_dropped_batches_total')})", "{{site}}"))),
        (8, chart("Age of the newest sample", "Time since the oldest of the hosts was heard.", "s",
            Query(f"max by (site) (time() - timestamp({here('headroom_host_cpu_utilisation_ratio')}))",
                "{{site}}", raw=WAITED,
                note="InfluxQL does not know the time of day: here it is the longest time between two"
                " samples of a host."))),
    ],
    "Spools and lag",
)  # fmt: skip
TOLD = Band(
    8,
    [
        (12, chart("Notifications", "Notifications a second that receivers accepted, and attempts that"
            " failed.", "ops",
            Query(f"sum({grown('notifications_total')})", "accepted"),
            Query(f"sum({grown('notifications_failed_total')})", "failed"))),
        (12, chart("Cycles of agents", "Time that a cycle of an agent takes, the slowest of each"
            " site.", "s",
            Query(f"max by (site) ({here('headroom_agent_cycle_seconds')})", "{{site}}"))),
    ],
    "Notifications and cycles",
)  # fmt: skip
COST = Band(
    8,
    [
        (8, chart("CPU of agents", "CPU time a second that agents take themselves.", "percentunit",
            Query(f"max({rate('headroom_agent_cpu_seconds_total')})", "highest"),
            Query(f"avg({rate('headroom_agent_cpu_seconds_total')})", "mean"))),
        (8, chart("Memory of agents", "Memory that agents hold themselves.", "bytes",
            Query(f"max({here('headroom_agent_memory_resident_bytes')})", "highest"),
            Query(f"avg({here('headroom_agent_memory_resident_bytes')})", "mean"))),
        (8, chart("Samplers", "Time that samplers take, the slowest host of each.", "s",
            Query(f"max by (sampler) ({here('headroom_sampler_duration_seconds')})",
                "{{sampler}}"))),
    ],
    "What agents cost",
)  # fmt: skip


def itself() -> Page:
    """Return the dashboard."""
    return Page(
        uid=UID,
        title="Headroom itself",
        description="Ingest, spools, lag and what the agents cost: whether to trust what is shown.",
        variables=place_variables(),
        marks=[],
        bands=[NOW, INGEST, SPOOLS, COST, TOLD],
    )
