"""Trust: alerts by host, and whether the figures are fresh, long and complete enough."""

from headroom_dashboards.bands.shared import RELIABLE_SECONDS
from headroom_dashboards.frame import Band
from headroom_dashboards.panels import Column, Panel, Stat, Table, Thresholds, TimeSeries
from headroom_dashboards.query import Query, here

FIRING_INFLUX = (
    'SELECT sum("v") AS "Value" FROM (SELECT "v" FROM (SELECT last("value") AS "v", last("firing")'
    ' AS "f" FROM "headroom_alert" WHERE time > ${__to}ms - 300s AND time <= ${__to}ms AND'
    ' "site" =~ /^($site)$/ AND "cluster" =~ /^($cluster)$/ GROUP BY *) WHERE time > ${__to}ms - 300s'
    ' AND time <= ${__to}ms AND "f" = 1 GROUP BY *) WHERE time > ${__to}ms - 300s AND'
    ' time <= ${__to}ms GROUP BY "alertname", "host", "severity"'
)
AGE_INFLUX = (
    'SELECT elapsed("v", 1s) FROM (SELECT count("cpu_utilisation_ratio") AS "v" FROM "headroom_host"'
    ' WHERE $timeFilter AND "site" =~ /^($site)$/ AND "cluster" =~ /^($cluster)$/'
    " GROUP BY time(10s) fill(none)) WHERE $timeFilter"
)

FIRING = Panel(
    "Alerts firing by host",
    "Alerts that fire now, with the value that the rule looked at.",
    [
        Query(
            f"max by (alertname, host, severity) ({here('headroom_alert_value_ratio')})"
            " and on (alertname, host, severity)"
            f" ({here('headroom_alert_firing')} == 1)",
            instant=True,
            table=True,
            raw=FIRING_INFLUX,
        )
    ],
    "percentunit",
    decimals=1,
)
AGE = Panel(
    "Age of the newest sample",
    "Time since this data source last got a utilisation from any host.",
    [
        Query(
            f"time() - max(timestamp({here('headroom_host_cpu_utilisation_ratio')}))",
            raw=AGE_INFLUX,
            note="InfluxQL does not know the time of day: here it is the time between the newest two, to"
            " 10 s.",
        )
    ],
    "s",
    Thresholds("green", [(120, "orange"), (300, "red")]),
    decimals=0,
)
HISTORY = Panel(
    "Shortest history",
    "History that the weakest cluster's bound rests on; three weeks are needed to rely on it.",
    [Query(f"min({here('headroom_cluster_history_seconds')})")],
    "s",
    Thresholds("orange", [(RELIABLE_SECONDS, "green")]),
)
BACKLOG = Panel(
    "Batches waiting in spools",
    "Batches that agents hold because the collector has not acknowledged them.",
    [Query(f"sum by (site) ({here('headroom_agent_spool_batches')})", "{{site}}")],
    "short",
    minimum=0,
)
FAILURES = Panel(
    "Failures of samplers",
    "Failures a second, by sampler; what failed is missing, not 0.",
    [
        Query(
            f"sum by (sampler) (rate({here('headroom_sampler_failures_total')}[$__rate_interval]))",
            "{{sampler}}",
        )
    ],
    "ops",
    minimum=0,
)

TRUST = Band(
    7,
    [
        (
            7,
            Table(
                FIRING,
                {"host": "Host", "alertname": "Alert", "severity": "Severity"},
                [Column("CPU")],
            ),
        ),
        (3, Stat(AGE)),
        (3, Stat(HISTORY)),
        (5, TimeSeries(BACKLOG)),
        (6, TimeSeries(FAILURES)),
    ],
    "Alerts and freshness of the data",
)
