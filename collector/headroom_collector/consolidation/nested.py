"""Guests that have an agent of their own, on a hypervisor that has one too: counted once."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from headroom_collector.store.api import HostRow, Reader

RECENT_NS = 86_400 * 1_000_000_000
"""A virtual machine that its hypervisor last told of before that may be elsewhere by now."""

_OWNERS = """
    SELECT DISTINCT key, host_id FROM things
    WHERE kind = 'vm' AND last_seen >= ? AND list_contains(?, key)"""


def identities(facts: Mapping[str, object]) -> frozenset[str]:
    """
    Return the UUIDs by which a hypervisor may know this guest; none for what is no guest.

    Firmware older than SMBIOS 2.6 has the first three fields the other way round (DSP0134, 7.2.1).
    """
    if facts.get("virtual") is not True:
        return frozenset()
    try:
        told = UUID(str(facts.get("product_uuid") or ""))
    except ValueError:
        return frozenset()
    return frozenset({str(told), str(UUID(bytes=told.bytes_le))})


def hypervisors_of(reader: Reader, rows: Iterable[HostRow], now: int) -> dict[int, frozenset[int]]:
    """
    Return, by host id, the hosts whose virtual machine a host is; only those that are one.

    What such a guest uses is in its hypervisor's figures already. Raises StoreError.
    """
    named = {row.id: found for row in rows if (found := identities(row.facts))}
    if not named:
        return {}
    uuids = sorted({uuid for found in named.values() for uuid in found})
    owners: dict[str, set[int]] = {}
    for row in reader.query(_OWNERS, [now - RECENT_NS, uuids]).to_pylist():
        owners.setdefault(row["key"], set()).add(row["host_id"])
    linked = {
        guest: frozenset(one for uuid in uuids for one in owners.get(uuid, ()) if one != guest)
        for guest, uuids in named.items()
    }
    return {guest: hosts for guest, hosts in linked.items() if hosts}
