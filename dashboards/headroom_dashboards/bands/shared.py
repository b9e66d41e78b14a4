"""Expressions, legends and colours that several strips use."""

from headroom_dashboards.panels import Thresholds
from headroom_dashboards.query import here

DENSE = 8
"""Virtual machines a hypervisor below which an estate is thinly packed, by the customer's rule of thumb."""
IDLE_RATIO = 0.05
"""Mean utilisation over a day below which a host does little but run itself."""
RELIABLE_SECONDS = 21 * 86_400
"""History from which a bound can be relied on."""

UTILISATION = f"avg_over_time({here('headroom_host_cpu_utilisation_ratio')}[5m])"
DAY = f"avg_over_time({here('headroom_host_cpu_utilisation_ratio')}[1d])"
PRESENT = f"sum({here('headroom_cluster_hosts_present')})"
CLUSTER = "{{site}} / {{cluster}}"
PLACE = {"host": "Host", "site": "Site", "cluster": "Cluster"}

BAD_FROM_ONE = Thresholds("green", [(1, "red")])
ATTENTION_FROM_ONE = Thresholds("green", [(1, "orange")])
CHOSEN = "InfluxQL cannot look up each cluster's ceiling: here it is the one that is chosen above."
