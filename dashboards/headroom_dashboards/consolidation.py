"""The dashboard "Consolidation headroom": how many hosts there are, are needed, and can go."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.answers import ANSWERS
from headroom_dashboards.bands.clusters import CLUSTERS
from headroom_dashboards.bands.plan import CANDIDATES, CARBON, HISTORY, PLANNED, PRICE, REMAINING
from headroom_dashboards.bands.trust import TRUST
from headroom_dashboards.bands.utilisation import utilisation
from headroom_dashboards.bands.waste import POWER, WASTE
from headroom_dashboards.frame import Page
from headroom_dashboards.pages.variables import alert_marks, place_variables, what_if_variable

UID = "headroom-consolidation"


def consolidation(ceiling: Ceiling, rule: Rule) -> Page:
    """Return the dashboard; thresholds are those of ``ceiling`` and ``rule``."""
    return Page(
        uid=UID,
        title="Consolidation headroom",
        description="How many hosts there are, how many the measured work needs at least under the"
        " ceiling, and what stands in the way.",
        variables=[*place_variables(), what_if_variable(ceiling), CARBON],
        marks=alert_marks(),
        ceiling=ceiling.ratio,
        bands=[
            ANSWERS,
            PLANNED,
            CLUSTERS,
            REMAINING,
            PRICE,
            utilisation(ceiling, rule),
            CANDIDATES,
            HISTORY,
            WASTE,
            POWER,
            TRUST,
        ],
    )
