"""Machines that count: the hosts that are present, by cluster, whatever names they had."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from headroom_collector.store.api import HostRow
from headroom_core.estate import Estate, Status

SILENT_NS = 86_400 * 1_000_000_000
"""A host that the collector has not heard of for a day is not counted as present."""


class Place(NamedTuple):
    """A cluster within its site; both empty for hosts that the inventory does not assign."""

    site: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Machine:
    """
    One host that is present.

    ``ids`` are its rows in the store: several after a rename. Times in UTC nanoseconds; ``cores``
    are physical, ``cpus`` logical, each None where the agent could not tell.
    """

    name: str
    host_class: str
    ids: tuple[int, ...]
    simulated: bool
    first_seen: int
    interval_seconds: float | None
    cores: float | None
    cpus: float | None
    memory_bytes: float | None


def _positive(facts: Mapping[str, Any], key: str) -> float | None:
    value = facts.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        return None
    return float(value)


def _machine(name: str, host_class: str, rows: list[HostRow]) -> Machine:
    newest = max(rows, key=lambda row: row.received)
    return Machine(
        name=name,
        host_class=host_class,
        ids=tuple(row.id for row in rows),
        simulated=newest.simulated,
        first_seen=min(row.first_seen for row in rows),
        interval_seconds=newest.interval_seconds,
        cores=_positive(newest.facts, "cores"),
        cpus=_positive(newest.facts, "threads"),
        memory_bytes=_positive(newest.facts, "memory_bytes"),
    )


def present(
    rows: Iterable[HostRow],
    estate: Estate,
    now: int,
    hypervisors: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> dict[Place, list[Machine]]:
    """
    Return the machines that count at ``now`` (UTC nanoseconds), by place, both in order.

    Left out: the retired, those silent for more than a day, and guests of a host that counts
    itself: ``hypervisors`` (see ``nested``) has the hosts that a guest may be of.
    """
    by_name: dict[str, list[HostRow]] = defaultdict(list)
    for row in rows:
        by_name[estate.member(row.name).host].append(row)
    heard = {
        name: found
        for name, found in by_name.items()
        if estate.member(name).status is not Status.RETIRED
        and now - max(row.received for row in found) <= SILENT_NS
    }
    there = {row.id for found in heard.values() for row in found}
    found: dict[Place, list[Machine]] = defaultdict(list)
    for name in sorted(heard):
        if any(hypervisors.get(row.id, frozenset()) & there for row in heard[name]):
            continue
        placement = estate.member(name).placement
        place = Place(placement.site, placement.cluster)
        found[place].append(_machine(name, placement.host_class, heard[name]))
    return {place: found[place] for place in sorted(found)}
