"""Energy, carbon and money of hosts and virtual machines over some days, each with its low and high."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom_collector.consolidation.money.figures import Figure
from headroom_collector.store.api import Reader
from headroom_core.energy import Estimate
from headroom_core.power import KINDS, SOURCES, Kind

BUCKET_SECONDS = 300
JOULES_A_KWH = 3.6e6
# Of the sources of one host and 5 minutes the best counts, so that none counts twice.
HOSTS = """
    WITH ranked AS (
        SELECT e.host_id, e.power_watts_mean AS watts, e.power_low_watts_mean AS low,
            e.power_high_watts_mean AS high,
            list_position(['measured', 'derived', 'modelled'],
                json_extract_string(t.labels, '$.kind')) AS kind,
            row_number() OVER (PARTITION BY e.host_id, e.time ORDER BY kind,
                list_position($sources, json_extract_string(t.labels, '$.source'))) AS place
        FROM energy_5m e JOIN things t ON t.id = e.thing_id
        WHERE e.time >= ? AND e.time < ? AND e.power_watts_mean IS NOT NULL
          AND json_extract_string(t.labels, '$.quantity') = 'wall'
          AND json_extract_string(t.labels, '$.domain') = 'host')
    SELECT host_id, sum(watts) AS watts, sum(coalesce(low, watts)) AS low,
        sum(coalesce(high, watts)) AS high, count(*) AS buckets, max(kind) AS kind
    FROM ranked WHERE place = 1 AND kind IS NOT NULL GROUP BY host_id""".replace(
    "$sources", str(list(SOURCES))
)
VMS = """
    SELECT e.host_id, json_extract_string(any_value(t.labels), '$.part') AS part,
        json_extract_string(any_value(t.labels), '$.uuid') AS uuid,
        json_extract_string(any_value(t.labels), '$.vm') AS name,
        coalesce(sum(e.dynamic_power_watts_mean), 0) AS dynamic,
        coalesce(sum(e.idle_power_watts_mean), 0) AS idle, count(*) AS buckets
    FROM vm_energy_5m e JOIN things t ON t.id = e.thing_id
    WHERE e.time >= ? AND e.time < ? GROUP BY e.host_id, e.thing_id"""


@dataclass(frozen=True, slots=True)
class Used:
    """Energy at one server's input: kWh over ``hours`` that are known, by the weakest kind in it."""

    kwh: Estimate
    hours: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class VmUsed:
    """Energy of one share of a host; ``part`` is vm, host or unallocated."""

    part: str
    uuid: str
    name: str
    dynamic_kwh: float
    idle_kwh: float
    hours: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """
    What energy at a server's input comes to, the data centre's overhead included.

    None where the price or the grid's factor is not known.
    """

    carbon_kg: Estimate | None
    money: Estimate | None


def _kwh(watts: float) -> float:
    """Return kWh of a sum of 5-minute means."""
    return watts * BUCKET_SECONDS / JOULES_A_KWH


def _product(kwh: Estimate, *figures: Figure | None) -> Estimate | None:
    found = kwh
    for figure in figures:
        if figure is None:
            return None
        found = Estimate(
            found.value * figure.value, found.low * figure.low, found.high * figure.high
        )
    return found


def footprint(kwh: Estimate, figures: Mapping[str, Figure | None]) -> Footprint:
    """Return carbon and money; the ends are those of every input together, so they are wide."""
    pue = figures.get("energy.pue")
    return Footprint(
        _product(kwh, pue, figures.get("energy.grid_kg_per_kwh")),
        _product(kwh, pue, figures.get("energy.price_per_kwh")),
    )


def hosts_used(reader: Reader, begin: int, end: int) -> dict[int, Used]:
    """Return what each host used, by its id; times in UTC nanoseconds. Raises StoreError."""
    return {
        row["host_id"]: Used(
            Estimate(_kwh(row["watts"]), _kwh(row["low"]), _kwh(row["high"])),
            row["buckets"] * BUCKET_SECONDS / 3600,
            KINDS[row["kind"] - 1],
        )
        for row in reader.query(HOSTS, [begin, end]).to_pylist()
    }


def vms_used(reader: Reader, begin: int, end: int) -> Mapping[int, Sequence[VmUsed]]:
    """Return the shares of each host's energy, by its id. Raises StoreError."""
    found: dict[int, list[VmUsed]] = {}
    for row in reader.query(VMS, [begin, end]).to_pylist():
        share = VmUsed(
            row["part"],
            row["uuid"] or "",
            row["name"] or "",
            _kwh(row["dynamic"]),
            _kwh(row["idle"]),
            row["buckets"] * BUCKET_SECONDS / 3600,
        )
        found.setdefault(row["host_id"], []).append(share)
    return found
