"""The dashboard "Alerts": what fires, since when and how often."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.shared import BAD_FROM_ONE
from headroom_dashboards.bands.trust import FIRING
from headroom_dashboards.bands.utilisation import against
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure
from headroom_dashboards.pages.variables import HOST, alert_marks, host_variables
from headroom_dashboards.panels import (
    Column,
    Panel,
    Stat,
    StateTimeline,
    Table,
    Thresholds,
    TimeSeries,
)
from headroom_dashboards.query import Query, here, metric

UID = "headroom-alerts"
FIRES = here("headroom_alert_firing", HOST)
NAMES = "{{alertname}}: {{host}}"

NOW = Band(
    4,
    [
        (6, figure("Firing", "Alerts that fire now.", "short", f"sum({FIRES}) or vector(0)",
            BAD_FROM_ONE, 0)),
        (6, figure("Hosts with an alert", "Hosts about which an alert fires now.", "short",
            f"count(count by (host) ({FIRES} == 1)) or vector(0)", BAD_FROM_ONE, 0)),
        (6, figure("Notifications that wait", "Notifications that no receiver has accepted yet.",
            "short", f"max({metric('headroom_collector_notifications_waiting')}) or vector(0)",
            BAD_FROM_ONE, 0)),
        (6, Stat(Panel("Failed attempts", "Attempts to notify that failed over the last day.",
            [Query(f"sum(increase({metric('headroom_collector_notifications_failed_total')}[1d]))"
                " or vector(0)", instant=True)], "short", BAD_FROM_ONE, decimals=0))),
    ],
)  # fmt: skip


def alerts(ceiling: Ceiling, rule: Rule) -> Page:
    """Return the dashboard; thresholds are those of ``ceiling`` and ``rule``."""
    timeline = Panel(
        "Alerts over time",
        "When each alert fired; red is firing.",
        [Query(FIRES, NAMES)],
        "short",
        Thresholds("green", [(1, "red")]),
        decimals=0,
    )
    values = Panel(
        "Values that rules look at",
        "The value that the rule looked at last, of the alerts whose value is a ratio.",
        [Query(here("headroom_alert_value_ratio", HOST), NAMES)],
        "percentunit",
        against(ceiling, rule),
        minimum=0,
    )
    labels = {"host": "Host", "alertname": "Alert", "severity": "Severity"}
    return Page(
        uid=UID,
        title="Alerts",
        description="What fires now, about which host, since when, and whether people are told.",
        variables=host_variables(),
        marks=alert_marks(),
        bands=[
            NOW,
            Band(9, [(14, StateTimeline(timeline)), (10, Table(FIRING, labels, [Column("Value")]))]),
            Band(9, [
                (14, TimeSeries(values, line=True)),
                (10, chart("Firing by rule", "Alerts that fire, by rule.", "short",
                    Query(f"sum by (alertname) ({FIRES})", "{{alertname}}"))),
            ]),
        ],
    )  # fmt: skip
