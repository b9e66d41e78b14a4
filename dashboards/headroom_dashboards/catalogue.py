"""All dashboards, by the name of their file."""

from collections.abc import Mapping

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.consolidation import consolidation
from headroom_dashboards.frame import Page
from headroom_dashboards.pages.alerts import alerts
from headroom_dashboards.pages.energy import energy
from headroom_dashboards.pages.estate import estate
from headroom_dashboards.pages.host import host
from headroom_dashboards.pages.itself import itself
from headroom_dashboards.pages.vm import vm


def pages(ceiling: Ceiling, rule: Rule) -> Mapping[str, Page]:
    """Return the dashboards; thresholds are those of ``ceiling`` and ``rule``."""
    return {
        "consolidation-headroom": consolidation(ceiling, rule),
        "estate": estate(ceiling, rule),
        "host": host(ceiling, rule),
        "virtual-machine": vm(),
        "energy": energy(),
        "alerts": alerts(ceiling, rule),
        "headroom-itself": itself(),
    }
