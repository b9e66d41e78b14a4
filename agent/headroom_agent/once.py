"""One cycle for people and scripts: every value with its unit, its type and who read it."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from google.protobuf.message import Message

from headroom_agent.config import AgentConfig
from headroom_agent.notices import Notices
from headroom_agent.sampler import take_moment
from headroom_agent.samplers import registry
from headroom_agent.schedule import Merger, Part, Schedule
from headroom_proto.catalogue import Column, Kind, catalogue
from headroom_proto.v1 import telemetry_pb2

PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Value:
    """One value in its base unit; ``source`` is the sampler that read it."""

    name: str
    labels: Mapping[str, str]
    value: float
    unit: str
    type: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read; ``time`` in ISO 8601, UTC, ``facts`` by the names of HostFacts."""

    time: str
    interval_seconds: float
    facts: Mapping[str, object]
    values: Sequence[Value]


def _messages(cycle: telemetry_pb2.Cycle) -> Iterator[Message]:
    for _, value in cycle.ListFields():
        if isinstance(value, Message):
            yield value
        elif not isinstance(value, int):
            yield from value


def _value(message: Message, kind: Kind, column: Column, source: str) -> Value:
    labels = dict(column.labels)
    for label in kind.labels:
        if text := str(getattr(message, label.field)):
            labels[label.name] = text
    raw = getattr(message, column.field)
    scaled = raw if column.scale == 1.0 else raw * column.scale
    return Value(column.metric or "", labels, scaled, column.unit, column.type, source)


def values_of(part: Part) -> Iterator[Value]:
    """Every value that a part has; what is absent is left out."""
    kinds = {kind.message: kind for kind in catalogue().kinds}
    for message in _messages(part.cycle):
        kind = kinds.get(message.DESCRIPTOR.name)
        if kind is None:
            continue  # facts: no metrics
        for column in kind.columns:
            if column.metric is not None and message.HasField(column.field):
                yield _value(message, kind, column, part.sampler)


def take(config: AgentConfig, notices: Notices, pause_seconds: float = PAUSE_SECONDS) -> Reading:
    """Read twice, so that there are ratios; the later reading counts."""
    own = registry.Self(lambda: None, lambda: None)
    samplers = registry.build(config, notices, own)
    schedule, merger = Schedule(samplers, config.deadline_seconds, notices), Merger()
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Value] = {}
    try:
        for pause in (0.0, pause_seconds):
            time.sleep(pause)
            now = take_moment()
            parts = schedule.run(now)
            merger.merge(now, parts)
            for part in parts:
                for value in values_of(part):
                    found[value.name, tuple(sorted(value.labels.items()))] = value
    finally:
        schedule.close()
        registry.close(samplers)
    return Reading(
        time=datetime.fromtimestamp(now.time_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        interval_seconds=pause_seconds,
        facts={field.name: value for field, value in merger.facts.ListFields()},
        values=[found[key] for key in sorted(found)],
    )


def to_json(reading: Reading) -> str:
    """Return one JSON object."""
    return json.dumps(asdict(reading), indent=2, allow_nan=False)


def _row(value: Value) -> tuple[str, str, str]:
    labels = ", ".join(f"{name}={text}" for name, text in value.labels.items())
    name = f"{value.name}{{{labels}}}" if labels else value.name
    return name, f"{value.value:.10g} {value.unit}", value.source


def to_table(reading: Reading) -> str:
    """Return a plain table: facts, then values with unit and source."""
    rows = [_row(value) for value in reading.values]
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    lines = [f"{name}: {fact}" for name, fact in reading.facts.items()]
    lines.append("")
    lines += [f"{name:<{widths[0]}}  {value:>{widths[1]}}  {by}" for name, value, by in rows]
    return "\n".join(lines)
