"""The mirror's tables: those that readers know, in memory, filled from an engine's series."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from headroom_collector.store.remote.client import Series
from headroom_collector.store.rollup import FIVE_MINUTES, HOUR, rollup_columns
from headroom_collector.store.tables import listed, sample_columns
from headroom_proto.catalogue import Column, Kind

NAME = "engine"
"""Of the database in memory; a reader looks there first, and in the store's own tables then."""
FIRST_ID = 1_000_000_000
"""Beyond the numbers of the store's own hosts and things, which are seen beside."""
JOINT = "\x1f"
LONG = pa.schema(
    [
        ("time", pa.int64()),
        ("host_id", pa.int32()),
        ("thing_id", pa.int32()),
        ("place", pa.int16()),
        ("value", pa.float64()),
    ]
)
OWN = """
CREATE TABLE engine.hosts_found AS SELECT * FROM headroom.main.hosts WHERE false;
CREATE TABLE engine.things_found AS SELECT * FROM headroom.main.things WHERE false;
CREATE VIEW engine.hosts AS SELECT * FROM engine.hosts_found
    UNION ALL SELECT * FROM headroom.main.hosts WHERE name = '_collector';
CREATE VIEW engine.things AS SELECT * FROM engine.things_found
    UNION ALL SELECT * FROM headroom.main.things WHERE host_id IN
        (SELECT id FROM headroom.main.hosts WHERE name = '_collector');
"""


def make(cursor: duckdb.DuckDBPyConnection, kinds: Iterable[Kind]) -> None:
    """Make the mirror, empty; nothing where it is there."""
    there = cursor.execute(
        "SELECT count(*) FROM duckdb_databases() WHERE database_name = ?", [NAME]
    ).fetchone()
    if there and there[0]:
        return
    cursor.execute(f"ATTACH ':memory:' AS {NAME} (COMPRESS)")
    cursor.execute(OWN)
    for kind in kinds:
        tables = {f"{kind.name}_sample": sample_columns(kind)}
        if kind.rolled_up:
            for tier in (FIVE_MINUTES, HOUR):
                tables[tier.name(kind.name)] = rollup_columns(kind, tier)
        for table, columns in tables.items():
            body = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
            cursor.execute(f"CREATE TABLE {NAME}.{table} ({body})")


@dataclass(slots=True)
class Names:
    """Numbers of hosts and things by what their series' labels say of them."""

    hosts: dict[str, int] = field(default_factory=dict)
    things: dict[tuple[int, str, str], int] = field(default_factory=dict)
    labels: dict[int, Mapping[str, str]] = field(default_factory=dict)
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    """First and last time of a host or a thing, by its number."""

    def thing(self, kind: Kind, series: Series) -> tuple[int, int] | None:
        """Return (host, thing) of a series with points; None where it is about no host."""
        name = series.labels.get("host", "")
        if not name or not series.times:
            return None
        host = self.hosts.setdefault(name, FIRST_ID + len(self.hosts) + len(self.things))
        own = {label.name: series.labels.get(label.name, "") for label in kind.labels}
        key = JOINT.join(own[label.name] for label in kind.labels if label.key)
        place = (host, kind.name, key)
        thing = self.things.setdefault(place, FIRST_ID + len(self.hosts) + len(self.things))
        self.labels[thing] = own
        for number in (host, thing):
            first, last = self.seen.get(number, (series.times[0], 0))
            self.seen[number] = (min(first, series.times[0]), max(last, series.times[-1]))
        return host, thing


class Long:
    """Values as rows of (time, host, thing, place of the column, value), on their way in."""

    def __init__(self, names: Names, kind: Kind) -> None:
        self._names, self._kind = names, kind
        self._columns: tuple[list[int], list[int], list[int], list[int], list[float]] = (
            [],
            [],
            [],
            [],
            [],
        )

    def add(self, place: int, series: Series, scale: float = 1.0, shift: int = 0) -> None:
        """Add a series' points, values over ``scale``, times earlier by ``shift`` nanoseconds."""
        found = self._names.thing(self._kind, series)
        if found is None:
            return
        times, hosts, things, places, values = self._columns
        count = len(series.times)
        times += [time - shift for time in series.times]
        hosts += [found[0]] * count
        things += [found[1]] * count
        places += [place] * count
        values += [value / scale for value in series.values] if scale != 1 else series.values

    def table(self) -> pa.Table:
        """Return the rows."""
        arrays = [pa.array(c, f.type) for c, f in zip(self._columns, LONG, strict=True)]
        return pa.table(arrays, schema=LONG)


def wide(names: Iterable[str], table: str, constants: Mapping[str, str]) -> str:
    """Return the statement that makes wide rows of ``incoming``, a column a place."""
    found = [*constants, *names]
    values = [
        *constants.values(),
        *(
            f"max(value) FILTER (WHERE place = {place})"
            for place, _ in enumerate(found, -len(constants))
            if place >= 0
        ),
    ]
    return (
        f"INSERT INTO {NAME}.{table} ({listed(found)}) "  # noqa: S608 - names are the catalogue's
        f"SELECT {', '.join(values)} FROM incoming GROUP BY time, host_id, thing_id"
    )


def metrics(kind: Kind) -> list[Column]:
    """Return the columns of a kind that are metrics."""
    return [column for column in kind.columns if column.metric is not None]
