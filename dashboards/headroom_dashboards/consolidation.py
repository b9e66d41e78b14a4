"""The dashboard "Consolidation headroom": how many hosts there are, are needed, and can go."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.answers import ANSWERS
from headroom_dashboards.bands.clusters import CLUSTERS
from headroom_dashboards.bands.trust import TRUST
from headroom_dashboards.bands.utilisation import utilisation
from headroom_dashboards.bands.waste import POWER, WASTE
from headroom_dashboards.frame import (
    Page,
    datasource_variable,
    event_marks,
    label_variable,
)
from headroom_dashboards.query import here, metric

UID = "headroom-consolidation"
PRESENT = "headroom_cluster_hosts_present"
SITES = f"label_values({metric(PRESENT)}, site)"
CLUSTERS_OF_SITES = "label_values({}, cluster)".format(metric(PRESENT, 'site=~"$site"'))


def consolidation(ceiling: Ceiling, rule: Rule) -> Page:
    """Return the dashboard; thresholds are those of ``ceiling`` and ``rule``."""
    return Page(
        uid=UID,
        title="Consolidation headroom",
        description="How many hosts there are, how many the measured work needs at least under the"
        " ceiling, and what stands in the way.",
        variables=[
            datasource_variable(),
            label_variable("site", "Site", SITES),
            label_variable("cluster", "Cluster", CLUSTERS_OF_SITES),
        ],
        marks=[
            event_marks(
                "Alerts", f"{here('headroom_alert_firing')} == 1", "{{alertname}}: {{host}}"
            )
        ],
        bands=[ANSWERS, CLUSTERS, utilisation(ceiling, rule), WASTE, POWER, TRUST],
    )
