"""Latest values as JSON: every one with its metric's name, labels, unit and time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from headroom_collector.api.estate import Standing
from headroom_collector.api.latest_rows import Latest, Value, metric_columns, read_latest
from headroom_collector.api.paging import Key, sort_key
from headroom_collector.api.services import Services
from headroom_collector.api.times import SECOND, Moment, moment
from headroom_proto.catalogue import Kind, catalogue


class ValueOut(BaseModel):
    """One value."""

    host: str
    kind: str = Field(description="Kind of sample: host, cpu, vm, energy, agent, sampler")
    metric: str = Field(description="Name in the catalogue")
    labels: dict[str, str] = Field(description="What it is about, beside the host")
    value: float
    unit: str = Field(description="seconds, bytes, ratio, watts, joules, hertz, count or code")
    type: str = Field(description="gauge or counter")
    time: Moment
    simulated: bool


def agent_kinds(only: str | None = None) -> list[Kind]:
    """Return the kinds that agents send, or the one of them that is named."""
    return [
        kind
        for kind in catalogue().kinds
        if kind.producer == "agent" and only in {None, kind.name}
    ]


def fresh(latest: Latest, host: Standing) -> bool:
    """
    Whether a thing is still there: a virtual machine that missed three cycles is gone.

    Other things count for the whole look-back, because some are read only every few cycles.
    """
    cycles = 3 * (host.row.interval_seconds or 10.0)
    return "uuid" not in latest.labels or latest.time >= host.row.last_seen - cycles * SECOND


def read_values(
    services: Services, hosts: Collection[Standing], kinds: Sequence[Kind]
) -> Iterator[tuple[Standing, Kind, Latest]]:
    """Read the newest samples of these hosts; raises StoreError."""
    by_id = {host.row.id: host for host in hosts}
    now = services.clock.now()
    for kind in kinds:
        for latest in read_latest(services.store, kind, now, list(by_id)):
            host = by_id[latest.host_id]
            if fresh(latest, host):
                yield host, kind, latest


@dataclass(frozen=True, slots=True)
class Reading:
    """One value before it is JSON: of all that there are, only a page becomes that."""

    host: Standing
    kind: Kind
    latest: Latest
    found: Value
    about: str

    @property
    def key(self) -> Key:
        """Return the key by host, kind, metric and labels."""
        column = self.found.column
        return sort_key(
            self.host.name, self.kind.name, column.metric or "", self.about, column.field
        )

    def out(self) -> ValueOut:
        """Return the value as JSON."""
        column = self.found.column
        return ValueOut(
            host=self.host.name,
            kind=self.kind.name,
            metric=column.metric or "",
            labels={**self.latest.labels, **dict(column.labels)},
            value=self.found.value,
            unit=column.unit,
            type=column.type,
            time=moment(self.latest.time),
            simulated=self.host.row.simulated,
        )


def readings(
    services: Services,
    hosts: Collection[Standing],
    kinds: Sequence[Kind],
    metric: str | None = None,
) -> Iterator[Reading]:
    """Return every latest value of these hosts, or of one metric; raises StoreError."""
    columns = {
        kind.name: [each for each in metric_columns(kind) if metric in {None, each.metric}]
        for kind in kinds
    }
    wanted = [kind for kind in kinds if columns[kind.name]]
    for host, kind, latest in read_values(services, hosts, wanted):
        about = "\x1f".join(f"{name}={latest.labels[name]}" for name in sorted(latest.labels))
        for found in latest.values(columns[kind.name]):
            yield Reading(host, kind, latest, found, about)


def host_values(services: Services, host: Standing) -> list[ValueOut]:
    """Return every latest value of one host; raises StoreError."""
    return [each.out() for each in readings(services, [host], agent_kinds())]
