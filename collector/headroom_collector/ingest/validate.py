"""Rules that a batch has to keep before the store sees it; pure, and driven by the catalogue."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from sys import float_info
from typing import Any

from headroom_collector.ingest.decode import Row, parts
from headroom_collector.ingest.settings import SECOND, Limits
from headroom_collector.store.api import Refusal, Rows, Thing, Value
from headroom_proto.catalogue import Column, Kind
from headroom_proto.v1 import telemetry_pb2

DAY = 86_400 * SECOND
INTEGER_MAX = 2**63 - 1
"""What the store's integer columns hold; the contract's uint64 goes twice as far."""

# Control characters (C0, C1, line and paragraph separator) and those that turn the direction of
# text (Unicode Annex 9): in a name they are an attack on whoever reads it.
ODD = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a batch, and what was refused of it."""

    rows: Sequence[Rows]
    facts: Mapping[str, Any] | None
    refused: Sequence[Refusal]


def check_whole(cycle: telemetry_pb2.Cycle, now: int, limits: Limits) -> Refusal | None:
    """
    Return why a cycle is refused as a whole, None where it is not.

    ``now`` is the collector's time in UTC nanoseconds. Looks at counts and time only.
    """
    for part in parts():
        count, most = len(part.messages(cycle)), limits.of(part.field)
        if part.repeated and count > most:
            return Refusal(
                "too_many", f"{count} samples of kind {part.kind.name}, at most {most}", count
            )
    ahead = cycle.time_unix_nano - now
    if ahead > limits.future_seconds * SECOND:
        return Refusal(
            "future_time", f"sampled {ahead / SECOND:.0f} s ahead of the collector's clock"
        )
    if -ahead > limits.oldest_seconds * SECOND:
        age, kept = -ahead / DAY, limits.oldest_seconds * SECOND / DAY
        return Refusal("old_time", f"sampled {age:.1f} days ago, kept are {kept:g} days")
    return None


def _range(column: Column, limits: Limits) -> tuple[float, float]:
    top = INTEGER_MAX if column.integer else float_info.max
    if column.type == "counter":
        return 0, top
    if column.metric is not None and column.metric.endswith("_ratio"):
        return 0, limits.ratio
    return -top, top


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind's values have to keep: least and greatest of each column."""

    kind: Kind
    ranges: tuple[tuple[float, float], ...]


@cache
def rules(limits: Limits) -> Mapping[str, Rule]:
    """Return the rule of each kind that an agent sends, by the kind's name."""
    kinds = [part.kind for part in parts()]
    return {
        kind.name: Rule(kind, tuple(_range(column, limits) for column in kind.columns))
        for kind in kinds
    }


def _reason(column: Column, value: float) -> str:
    if not isfinite(value):
        return "not_finite"
    if column.integer and value > INTEGER_MAX:
        return "too_large"
    return "negative_counter" if column.type == "counter" else "ratio_range"


def is_text(text: str, limits: Limits) -> bool:
    """Whether a string is one that people and files can be given."""
    return len(text) <= limits.string and not ODD.search(text)


class Checker:
    """Checks the contents of one batch and collects what it refuses."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._refused: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}

    def refusals(self) -> list[Refusal]:
        """Return what was refused: one a rule and field, with the first value as an example."""
        return [
            Refusal(place[0], place[1] + self._examples.get(place, ""), values)
            for place, values in self._refused.items()
        ]

    def rows(self, rule: Rule, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with refused values as None, and without rows about nothing known."""
        kept: list[Row] = []
        seen: set[str] = set()
        for time, unchecked, values in rows:
            thing = self._thing(rule.kind, unchecked, seen, values)
            if thing is not None:
                kept.append((time, thing, self._values(rule, values)))
        return kept

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts without the strings and numbers that are refused."""
        return {name: value for name, value in facts.items() if self._fact(name, value)}

    def _refuse(self, reason: str, where: str, values: int = 1, example: str = "") -> None:
        self._refused[reason, where] += values
        self._examples.setdefault((reason, where), example)

    def _fact(self, name: str, value: Any) -> bool:
        if isinstance(value, str) and not is_text(value, self._limits):
            self._refuse("bad_string", f"facts.{name}")
            return False
        if isinstance(value, float) and not isfinite(value):
            self._refuse("not_finite", f"facts.{name}", example=f" = {value!r}")
            return False
        return True

    def _thing(
        self, kind: Kind, thing: Thing, seen: set[str], values: Sequence[Value]
    ) -> Thing | None:
        if not kind.labels:
            return thing
        count = sum(value is not None for value in values)
        bad = [
            label for label in kind.labels if not is_text(thing.labels[label.name], self._limits)
        ]
        for label in bad:
            self._refuse("bad_string", f"{kind.name}.{label.field}", count if label.key else 1)
        if any(label.key for label in bad):
            return None
        if thing.key in seen:
            self._refuse("repeated", f"{kind.name}: two samples of one thing", count)
            return None
        seen.add(thing.key)
        if not bad:
            return thing
        return Thing(thing.key, {**thing.labels, **{label.name: "" for label in bad}})

    def _values(self, rule: Rule, values: Sequence[Value]) -> Sequence[Value]:
        bad = [
            place
            for place, (value, (low, high)) in enumerate(zip(values, rule.ranges, strict=True))
            # A value that is not a number compares false and so is refused too.
            if value is not None and not low <= value <= high
        ]
        if not bad:
            return values
        kept = list(values)
        for place in bad:
            column, value = rule.kind.columns[place], kept[place]
            where = f"{rule.kind.name}.{column.field}"
            self._refuse(_reason(column, value or 0), where, example=f" = {value!r}")
            kept[place] = None
        return kept


def check(rows: Sequence[Rows], facts: Mapping[str, Any] | None, limits: Limits) -> Checked:
    """Check every value and string; what is good stays. Never raises."""
    checker = Checker(limits)
    known = rules(limits)
    kept = [Rows(group.kind, checker.rows(known[group.kind], group.rows)) for group in rows]
    told = None if facts is None else checker.facts(facts)
    return Checked([group for group in kept if group.rows], told, checker.refusals())
