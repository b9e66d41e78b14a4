"""Utilisation of the hosts against the ceiling."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.shared import CLUSTER, UTILISATION
from headroom_dashboards.frame import Band
from headroom_dashboards.panels import Panel, Thresholds, TimeSeries
from headroom_dashboards.query import Query

ABOVE = 1e-9
"""Grafana colours from a threshold on, and a host at its ceiling is not above it yet."""


def against(ceiling: Ceiling, rule: Rule) -> Thresholds:
    """Colour a utilisation: orange from where an alert clears, red from the ceiling on."""
    clears = round(ceiling.ratio * rule.clear_factor, 6)
    return Thresholds("green", [(clears, "orange"), (ceiling.ratio + ABOVE, "red")])


def utilisation(ceiling: Ceiling, rule: Rule) -> Band:
    """Return the strip with lines at that ceiling and at where the rule's alert clears."""
    colours = against(ceiling, rule)
    busiest = Panel(
        "Utilisation of the busiest hosts against the ceiling",
        "CPU utilisation, mean over 5 minutes, of the 20 busiest hosts at each moment; the red line"
        " is the ceiling of <ceiling>.",
        [Query(f"topk(20, {UTILISATION})", "{{host}}")],
        "percentunit",
        colours,
        minimum=0,
    )
    spread = Panel(
        "Utilisation across all hosts",
        "Half of the hosts are below the median, 95 % below the upper line, by cluster.",
        [
            Query(f"quantile by (site, cluster) (0.5, {UTILISATION})", f"median {CLUSTER}"),
            Query(f"quantile by (site, cluster) (0.95, {UTILISATION})", f"95 % {CLUSTER}"),
        ],
        "percentunit",
        colours,
        minimum=0,
    )
    panels = [(12, TimeSeries(panel, line=True)) for panel in (busiest, spread)]
    return Band(9, panels, "Utilisation")
