"""Hosts as JSON, and how they are made of the estate and its latest figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from headroom_collector.api.estate import Standing
from headroom_collector.api.services import Services
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.web.power import of_host
from headroom_collector.web.queries import HostNow, hosts_now, power_now

UNKNOWN = HostNow()


class PowerOut(BaseModel):
    """Power of a host, and how it is known."""

    watts: float = Field(description="Watts now")
    low_watts: float | None = Field(description="Lower end, watts, where stated")
    high_watts: float | None = Field(description="Upper end, watts, where stated")
    kind: str = Field(description="measured, derived or modelled")
    quantity: str = Field(description="wall (server input) or component (CPUs and memory)")
    source: str = Field(description="Where the figure is from: rapl, model")


class HostOut(BaseModel):
    """A host. What is not known is null, never 0; figures of a host that is silent are null."""

    name: str
    site: str
    cluster: str
    host_class: str = Field(serialization_alias="class")
    owner: str
    purchase_date: str | None = Field(description="YYYY-MM-DD")
    assigned: bool = Field(description="The inventory gives it a site and a cluster")
    status: str = Field(description="present, maintenance or retired")
    status_since: Moment | None
    status_until: Moment | None = Field(description="When the status ends by itself")
    status_reason: str
    simulated: bool = Field(description="Its agent makes up what it sends")
    first_seen: Moment
    last_seen: Moment = Field(description="Time of its newest sample")
    silent: bool = Field(description="Nothing came from it for 5 minutes")
    goodbye: Moment | None = Field(description="When its agent stopped on purpose")
    agent_version: str
    interval_seconds: float | None = Field(description="Seconds between two samples")
    former_names: list[str] = Field(description="Names under which it reported before")
    facts: Mapping[str, Any] = Field(description="What the host is")
    cpu_utilisation_ratio: float | None = Field(
        description="Mean share of its CPUs that was busy over the last 5 minutes, 0 to 1"
    )
    ceiling_ratio: float = Field(description="Share of its CPUs that it may use, 0 to 1")
    cpus: int | None = Field(description="Logical CPUs")
    vms_running: int | None = Field(description="Running virtual machines")
    memory_total_bytes: int | None = Field(description="Bytes")
    memory_used_bytes: int | None = Field(description="Bytes, total less available")
    power: PowerOut | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The latest figures of hosts, by the store's host id."""

    hosts: Mapping[int, HostNow]
    power: Mapping[int, PowerOut]

    def of(self, standing: Standing) -> HostNow:
        """Return a host's figures of the last five minutes."""
        return self.hosts.get(standing.row.id, UNKNOWN)

    def power_of(self, standing: Standing) -> PowerOut | None:
        """Return a host's power."""
        return self.power.get(standing.row.id)


def read_figures(services: Services) -> Figures:
    """Read the latest figures of all hosts; raises StoreError."""
    now = services.clock.now()
    power = {}
    for host_id, readings in power_now(services.store, now).items():
        found = of_host(readings)
        if found is not None:
            power[host_id] = PowerOut(
                watts=found.watts,
                low_watts=found.low_watts,
                high_watts=found.high_watts,
                kind=found.kind,
                quantity=found.quantity,
                source=found.source,
            )
    return Figures(hosts_now(services.store, now), power)


def host_out(services: Services, standing: Standing, figures: Figures) -> HostOut:
    """Return a host as JSON."""
    member, row, now = standing.member, standing.row, figures.of(standing)
    place = member.placement
    return HostOut(
        name=member.host,
        site=place.site,
        cluster=place.cluster,
        host_class=place.host_class,
        owner=place.owner,
        purchase_date=place.purchase_date.isoformat() if place.purchase_date else None,
        assigned=place.assigned,
        status=member.status.value,
        status_since=moment_or_none(member.since),
        status_until=moment_or_none(member.until),
        status_reason=member.reason,
        simulated=row.simulated,
        first_seen=moment(standing.first_seen),
        last_seen=moment(row.last_seen),
        silent=standing.silent(services.clock.now()),
        goodbye=moment_or_none(row.goodbye),
        agent_version=row.agent_version,
        interval_seconds=row.interval_seconds,
        former_names=services.book.former_names(member.host),
        facts=row.facts,
        cpu_utilisation_ratio=now.mean,
        ceiling_ratio=services.config.ceiling.of(place.site, place.cluster, place.host_class),
        cpus=now.cpus,
        vms_running=now.vms,
        memory_total_bytes=now.memory_total,
        memory_used_bytes=now.memory_used,
        power=figures.power_of(standing),
    )


def hosts_out(services: Services, chosen: Sequence[Standing], figures: Figures) -> list[HostOut]:
    """Return hosts as JSON, in their order."""
    return [host_out(services, standing, figures) for standing in chosen]
