"""Virtual machines as a table, sorted, filtered and cut into pages by the store itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headroom_collector.store.api import Reader
from headroom_collector.web.asked import Asked
from headroom_collector.web.overview import Seen
from headroom_collector.web.queries import AHEAD, SECOND, moment
from headroom_collector.web.tables import ROWS, Slice, order_of, page_of
from headroom_collector.web.views.estate import places
from headroom_collector.web.views.overview import simulated

WINDOW = 180 * SECOND
"""How far back a virtual machine's last sample may lie, nanoseconds: three of the slow cycles."""
COLUMNS = {
    "name": "vm",
    "host": "host_name",
    "cpu": "cpu",
    "vcpus": "vcpus",
    "memory": "memory",
    "resident": "resident",
}
STATES = ("none", "running", "blocked", "paused", "closing", "off", "crashed", "suspended")
"""Texts of libvirt's states of a domain, by their numbers."""

SQL = """
WITH newest AS (
    SELECT host_id, thing_id, max(time) AS time,
           arg_max(state, time) AS state, arg_max(vcpus, time) AS vcpus,
           arg_max(cpu_utilisation_ratio, time) AS cpu,
           arg_max(memory_bytes, time) AS memory,
           arg_max(memory_resident_bytes, time) AS resident
    FROM vm_sample
    WHERE time > $1 AND time <= $2 AND host_id IN (SELECT unnest($3::INTEGER[]))
    GROUP BY host_id, thing_id
), named AS (
    SELECT newest.*, t.key AS uuid, t.labels->>'vm' AS vm, h.name AS host_name
    FROM newest JOIN things t ON t.id = thing_id JOIN hosts h ON h.id = newest.host_id
)
SELECT *, count(*) OVER () AS total FROM named
WHERE contains(lower(vm), lower($4)) OR uuid = $4
ORDER BY {column} {way} NULLS LAST, vm, uuid LIMIT $5 OFFSET $6
"""


@dataclass(frozen=True, slots=True)
class VmRow:
    """A virtual machine as its host last saw it; ratios 0..1, bytes. None: unknown."""

    uuid: str
    name: str
    host: str
    site: str
    cluster: str
    simulated: bool
    state: str
    vcpus: int | None
    cpu: float | None
    memory: int | None
    resident: int | None
    time: datetime


def row_of(found: Mapping[str, Any], seen: Seen) -> VmRow:
    """Return a row of the store as a virtual machine."""
    code = found["state"]
    known = code is not None and 0 <= code < len(STATES)
    return VmRow(
        uuid=found["uuid"],
        name=found["vm"] or found["uuid"],
        host=seen.name,
        site=seen.place[0],
        cluster=seen.place[1],
        simulated=seen.row.simulated,
        state=f"vm_state_{STATES[code]}" if known else "unknown",
        vcpus=found["vcpus"],
        cpu=found["cpu"],
        memory=found["memory"],
        resident=found["resident"],
        time=moment(found["time"]),
    )


def read(
    reader: Reader,
    now: int,
    hosts: Mapping[int, Seen],
    q: str = "",
    sort: str = "-cpu",
    page: int = 1,
) -> Slice[VmRow]:
    """Read one page of the virtual machines on these hosts; raises StoreError."""
    order = order_of(sort, tuple(COLUMNS), "-cpu")
    sql = SQL.format(column=COLUMNS[order.column], way="DESC" if order.down else "ASC")
    asked = [now - WINDOW, now + AHEAD, list(hosts), q, ROWS]
    found = reader.query(sql, [*asked, (page - 1) * ROWS]).to_pylist()
    if not found and page > 1:
        return read(reader, now, hosts, q, sort, 1)
    total = found[0]["total"] if found else 0
    rows = [row_of(each, hosts[each["host_id"]]) for each in found]
    return Slice(rows, page, max(1, -(-total // ROWS)), total)


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the table."""
    survey, query = asked.survey(), dict(asked.site.query)
    place, q, sort = query.get("place", ""), query.get("q", ""), query.get("sort", "")
    order = order_of(sort, tuple(COLUMNS), "-cpu")
    hosts = {s.row.id: s for s in survey.hosts if place in {"", "/".join(s.place)}}
    page = page_of(query)

    def make() -> Slice[VmRow]:
        return read(asked.given.store, survey.now, hosts, q[:253], order.text, page)

    made_up = sum(seen.row.simulated for seen in survey.hosts)
    return {
        "at": moment(survey.now),
        "simulated": simulated(asked.site.tongue, made_up, len(survey.hosts)),
        "order": order,
        "slice": asked.soon(("vms", place, q, order.text, page), make),
        "places": places(survey),
    }
