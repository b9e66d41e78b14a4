"""The dashboard "Energy": watts by source and quantity, the idle floor, and who takes them."""

from headroom_dashboards.bands.waste import POWER
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure, rate
from headroom_dashboards.pages.variables import place_variables
from headroom_dashboards.panels import Column, Panel, Table
from headroom_dashboards.query import Query, here

UID = "headroom-energy"
POWER_NOW = f"sum({here('headroom_cluster_power_watts')})"
WATTS = here("headroom_energy_power_watts")
KINDS = "{{quantity}}, {{kind}} ({{source}})"
HOURS_A_YEAR = 8766
KILO = 1000

NOW = Band(
    4,
    [
        (6, figure("Power", "Power of the hosts whose power is known, one figure a host.", "watt",
            POWER_NOW)),
        (6, figure("A year at this power", "Energy of a year if the power stays as it is now.",
            "kwatth", f"{POWER_NOW} * {HOURS_A_YEAR} / {KILO}", decimals=0)),
        (6, figure("Power a host", "Power by host, of the hosts present.", "watt",
            f"{POWER_NOW} / sum({here('headroom_cluster_hosts_present')})")),
        (6, figure("Power by running VM", "Power by running virtual machine, the whole estate's.",
            "watt", f"{POWER_NOW} / sum({here('headroom_cluster_vms_running')})")),
    ],
)  # fmt: skip
BAND = Band(
    8,
    [
        (12, chart("Power and how sure it is", "Sum of the readings with their stated intervals, by"
            " what is measured; wall and component overlap.", "watt",
            Query(f"sum by (quantity) ({WATTS})", "{{quantity}}"),
            Query(f"sum by (quantity) ({here('headroom_energy_power_low_watts')})", "{{quantity}}, low"),
            Query(f"sum by (quantity) ({here('headroom_energy_power_high_watts')})",
                "{{quantity}}, high"))),
        (12, chart("Power from the counters", "Growth of the energy counters: what a gap loses in the"
            " power readings is here still.", "watt",
            Query(f"sum by (quantity, kind, source) ({rate('headroom_energy_joules_total')})", KINDS))),
    ],
    "Uncertainty",
)  # fmt: skip
FLOOR = Band(
    8,
    [
        (12, chart("Idle floor", "Power that hosts would take doing nothing, measured or modelled.",
            "watt", Query(f"sum by (site) ({here('headroom_energy_idle_floor_watts')})", "{{site}}"))),
        (12, chart("Power of virtual machines", "Attributed power by share: idle is what the host"
            " takes anyway.", "watt",
            Query(f"sum by (quantity, share) ({here('headroom_vm_energy_power_watts')})",
                "{{quantity}}, {{share}}"))),
    ],
    "Idle floor and virtual machines",
)  # fmt: skip
HOSTS = Panel(
    "Power by host",
    "Every reading now, by host; wall and component overlap.",
    [Query(f"sum by (host, site, cluster, quantity, kind, source) ({WATTS})", instant=True, table=True)],
    "watt",
)  # fmt: skip
LABELS = {
    "host": "Host",
    "site": "Site",
    "cluster": "Cluster",
    "quantity": "What",
    "kind": "How it is known",
    "source": "Source",
}


def energy() -> Page:
    """Return the dashboard."""
    return Page(
        uid=UID,
        title="Energy",
        description="Watts by source and quantity, how sure they are, the idle floor, and who takes"
        " them.",
        variables=place_variables(),
        marks=[],
        bands=[NOW, POWER, BAND, FLOOR, Band(9, [(24, Table(HOSTS, LABELS, [Column("Power")]))])],
    )
