"""Short forms for panels that dashboards have many of."""

from headroom_dashboards.panels import Panel, Stat, Thresholds, TimeSeries
from headroom_dashboards.query import Query, here

INTERVAL = "$__rate_interval"


def chart(
    title: str, description: str, unit: str, *queries: Query, stack: bool = False
) -> TimeSeries:
    """Return lines over time from 0 up."""
    return TimeSeries(Panel(title, description, queries, unit, minimum=0), stack=stack)


def figure(
    title: str,
    description: str,
    unit: str,
    expr: str,
    thresholds: Thresholds | None = None,
    decimals: int | None = None,
) -> Stat:
    """Return one big figure."""
    colours = thresholds or Thresholds()
    return Stat(Panel(title, description, [Query(expr)], unit, colours, decimals=decimals))


def rate(name: str, *matchers: str) -> str:
    """Return a counter's growth a second in the chosen sites and clusters."""
    return f"rate({here(name, *matchers)}[{INTERVAL}])"
