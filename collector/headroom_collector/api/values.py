"""Latest values as JSON: every one with its metric's name, labels, unit and time."""

from collections.abc import Collection, Iterator, Sequence

from pydantic import BaseModel, Field

from headroom_collector.api.estate import Standing
from headroom_collector.api.latest_rows import Latest, metric_columns, read_latest
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


def values_out(host: Standing, kind: Kind, latest: Latest) -> Iterator[ValueOut]:
    """Return the values of one sample."""
    for found in latest.values(metric_columns(kind)):
        yield ValueOut(
            host=host.name,
            kind=kind.name,
            metric=found.column.metric or "",
            labels={**latest.labels, **dict(found.column.labels)},
            value=found.value,
            unit=found.column.unit,
            type=found.column.type,
            time=moment(latest.time),
            simulated=host.row.simulated,
        )


def host_values(services: Services, host: Standing) -> list[ValueOut]:
    """Return every latest value of one host; raises StoreError."""
    return [
        value
        for found in read_values(services, [host], agent_kinds())
        for value in values_out(*found)
    ]
