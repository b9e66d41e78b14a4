"""The dashboard "Energy": watts by source and quantity, the idle floor, and who takes them."""

from headroom_dashboards.bands.waste import POWER
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure, rate
from headroom_dashboards.pages.variables import place_variables
from headroom_dashboards.panels import Column, Panel, Table, TimeSeries
from headroom_dashboards.query import READING, SHARE, Query, here, once

UID = "headroom-energy"
POWER_NOW = f"sum({here('headroom_cluster_power_watts')})"
EACH = once(here("headroom_energy_power_watts"), "site", "cluster", *READING)
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
SURE = "wall"


def _sure(name: str) -> str:
    selector = here(name, f'quantity="{SURE}"')
    return f"sum({once(selector, 'host')})"


BAND = Band(
    8,
    [
        (12, TimeSeries(
            Panel("Power and how sure it is", "Power at the servers' input with the stated interval"
                " of each reading; what is measured is narrow, what is modelled wide.",
                [Query(_sure("headroom_energy_power_watts"), "power"),
                    Query(_sure("headroom_energy_power_low_watts"), "low"),
                    Query(_sure("headroom_energy_power_high_watts"), "high")],
                "watt", minimum=0), band=("low", "high"))),
        (12, chart("Power from the counters", "Growth of the energy counters: what a gap loses in the"
            " power readings is here still.", "watt",
            Query("sum by (quantity, kind, source) ("
                + once(rate("headroom_energy_joules_total"), *READING) + ")", KINDS))),
    ],
    "Uncertainty",
)  # fmt: skip
TRUST = Band(
    8,
    [
        (12, chart("Gaps in energy", "Seconds a second that no counter covered, by source.", "short",
            Query(f"sum by (source) ({rate('headroom_energy_gap_seconds_total')})", "{{source}}"))),
        (6, chart("Wraps and resets", "Wraps and resets of energy counters a second.", "ops",
            Query(f"sum({rate('headroom_energy_counter_wraps_total')})", "wraps"),
            Query(f"sum({rate('headroom_energy_counter_resets_total')})", "resets"))),
        (6, chart("Idle floors that were measured", "Readings whose idle floor was seen on that host;"
            " the others are modelled.", "short",
            Query(f"sum({here('headroom_energy_idle_floor_measured')})", "measured"))),
    ],
    "Can it be trusted?",
)  # fmt: skip
FLOOR = Band(
    8,
    [
        (12, chart("Idle floor", "Power that hosts would take doing nothing, measured or modelled.",
            "watt", Query("sum by (site) ("
                + once(here("headroom_energy_idle_floor_watts"), "site", "host") + ")", "{{site}}"))),
        (12, chart("Power of virtual machines", "Attributed power by share: idle is what the host"
            " takes anyway.", "watt",
            Query("sum by (quantity, share) ("
                + once(here("headroom_vm_energy_power_watts"), *SHARE) + ")",
                "{{quantity}}, {{share}}"))),
    ],
    "Idle floor and virtual machines",
)  # fmt: skip
HOSTS = Panel(
    "Power by host",
    "Every reading now, by host; wall and component overlap.",
    [Query(f"sum by (host, site, cluster, quantity, kind, source) ({EACH})", instant=True, table=True)],
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
        bands=[
            NOW,
            POWER,
            BAND,
            FLOOR,
            TRUST,
            Band(9, [(24, Table(HOSTS, LABELS, [Column("Power")]))]),
        ],
    )
