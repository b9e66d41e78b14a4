"""Series of the embedded store: names, labels and scale off the catalogue."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from headroom_collector.promql.columns import Rows, as_series, summed_up, together
from headroom_collector.promql.errors import LimitError
from headroom_collector.promql.matching import Matcher, passing
from headroom_collector.promql.model import NAME, Floats, Ints, Labels, Samples
from headroom_collector.promql.rollups import BUCKET_MS, rolled
from headroom_collector.promql.source import Hints
from headroom_collector.promql.statements import rollup_sql, sample_sql
from headroom_collector.store.api import Reader
from headroom_proto.catalogue import Catalogue, Column, Kind

LabelsById = Mapping[int, Mapping[str, str]]
THINGS = "SELECT id, host_id, CAST(labels AS VARCHAR) AS labels FROM things WHERE kind = ? AND first_seen <= ? AND last_seen >= ?"
Seen = tuple[int, int]
"""Things are wanted that were first seen up to, and last seen from, these UTC nanoseconds."""
EVER = (1 << 62, 0)


@dataclass(frozen=True, slots=True)
class Naming:
    """
    Labels beside a thing's own.

    ``hosts``: those of each host's id. ``place``: those of the host that a thing names itself, as
    an alert does.
    """

    hosts: LabelsById
    place: Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Most series and samples that one selector reads."""

    series: int = 200_000
    samples: int = 12_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """Series of one column: the number of each thing's series among all."""

    kind: Kind
    column: Column
    series: Mapping[int, int]


@dataclass(slots=True)
class Store:
    """
    Reads one query's samples; what the asker should know of them is in ``infos``.

    ``floor``: milliseconds before which samples are dropped and only roll-ups are left.
    """

    reader: Reader
    catalogue: Catalogue
    naming: Naming
    floor: int = 0
    limits: Limits = field(default_factory=Limits)
    infos: list[str] = field(default_factory=list)

    def select(self, matchers: Sequence[Matcher], hints: Hints) -> Samples:
        """Return the series that all matchers let pass; raises PromqlError, StoreError."""
        labels, found = self.find(matchers)
        chosen = [rolled(each.kind, each.column, hints, self.floor) for each in found]
        part = chosen[0] if len(set(chosen)) == 1 else None
        kinds = {each.kind.name: [one for one in found if one.kind == each.kind] for each in found}
        rows = [self._read(columns, part, hints) for columns in kinds.values()]
        samples = as_series(labels, together(rows))
        return summed_up(samples, BUCKET_MS) if part == "delta" else samples

    def find(
        self, matchers: Sequence[Matcher], seen: Seen = EVER
    ) -> tuple[list[Labels], list[Found]]:
        """Return all label sets that the matchers let pass, and where their samples are."""
        numbers: dict[Labels, int] = {}
        found = []
        for kind, columns in self._columns(matchers).items():
            things = list(self._things(self.catalogue.kind(kind), seen))
            for column in columns:
                series = dict(_series(things, column, matchers, numbers))
                if series:
                    found.append(Found(self.catalogue.kind(kind), column, series))
            if len(numbers) > self.limits.series:
                raise LimitError(
                    f"more than {self.limits.series} series: choose fewer by their labels"
                )
        return list(numbers), found

    def _columns(self, matchers: Sequence[Matcher]) -> Mapping[str, list[Column]]:
        """Return the columns by kind whose metric's name passes."""
        names = self.catalogue.names()
        for matcher in matchers:
            if matcher.name == NAME:
                names = names & matcher.chosen(names)
        columns: dict[str, list[Column]] = {}
        for kind, column in self.catalogue.metrics():
            if column.metric in names:
                columns.setdefault(kind.name, []).append(column)
        return columns

    def _things(self, kind: Kind, seen: Seen) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Yield the id and labels of each thing of a kind, its host's among them."""
        hosts, place = self.naming.hosts, self.naming.place
        table = self.reader.query(THINGS, [kind.name, *seen])
        columns = [table.column(name).to_pylist() for name in ("id", "host_id", "labels")]
        for thing, host, text in zip(*columns, strict=True):
            own = kind.series(json.loads(text)) if text != "{}" else {}
            around = hosts.get(host, {}) if "host" not in own else place(own["host"])
            yield thing, {**around, **own}

    def _read(self, group: Sequence[Found], part: str | None, hints: Hints) -> Rows:
        """Read columns of one kind, from the samples or from a part of the roll-ups."""
        kind, fields = group[0].kind, [each.column.field for each in group]
        things = sorted({thing for each in group for thing in each.series})
        span = (hints.start - hints.window, hints.end)
        sparse = (hints.step, hints.window) if hints.step > hints.window else None
        if part is None:
            sql, parameters = sample_sql(kind, fields, span, sparse)
        else:
            sql, parameters = rollup_sql(kind, fields, part, span, sparse)
            self._inform(f"{kind.name}: answered from 5-minute {WORDS[part]}, not from samples")
        table = self.reader.query(
            f"{sql} LIMIT {self.limits.samples + 1}", parameters
        )  # a number of ours
        if len(table) * len(fields) > self.limits.samples:
            raise LimitError(
                f"more than {self.limits.samples} samples: choose fewer series, a shorter time,"
                f" or a step of {BUCKET_MS // 1000} s or more, which roll-ups can answer"
            )
        return together([_rows(table, each, things) for each in group])

    def _inform(self, line: str) -> None:
        if line not in self.infos:
            self.infos.append(line)


WORDS = {"mean": "means", "max": "maxima", "delta": "growth"}


def _series(
    things: Sequence[tuple[int, Mapping[str, str]]],
    column: Column,
    matchers: Sequence[Matcher],
    numbers: dict[Labels, int],
) -> Iterator[tuple[int, int]]:
    """Yield thing and number of each series of a column that passes; new ones get a number."""
    fixed = {**dict(column.labels), NAME: column.metric or ""}

    def values(name: str) -> set[str]:
        if name in fixed:
            return {fixed[name]}
        return {labels.get(name, "") for _, labels in things}

    test = passing(matchers, values)
    for thing, own in things:
        labels = {**own, **fixed}
        if test(lambda name, known=labels: known.get(name, "")):  # type: ignore[misc]  # bound now
            key = tuple(sorted((name, value) for name, value in labels.items() if value))
            yield thing, numbers.setdefault(key, len(numbers))


def _rows(table: pa.Table, found: Found, things: Sequence[int]) -> Rows:
    """Return one column's rows that are known and asked for, scaled to its unit."""
    lookup = np.full(max(things[-1], *_bounds(table)) + 1, -1, dtype=np.int64)
    lookup[list(found.series)] = list(found.series.values())
    series: Ints = lookup[table.column("thing_id").to_numpy()]
    values: Floats = table.column(found.column.field).to_numpy()
    kept = (series >= 0) & ~np.isnan(values)
    times: Ints = table.column("ms").to_numpy()
    if not kept.all():
        series, times, values = series[kept], times[kept], values[kept]
    scale = found.column.scale
    return Rows(series, times, values * scale if scale != 1 else values)


def _bounds(table: pa.Table) -> tuple[int]:
    ids = table.column("thing_id").to_numpy()
    return (int(ids.max()) if len(ids) else 0,)
