"""Overview of the estate as the page and its JSON document give it: units in each description."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DENSITY_REFERENCE = 8
"""Running VMs a hypervisor that the density is held against."""

PowerKind = Literal["measured", "derived", "modelled"]
State = Literal["ok", "over", "alert", "silent", "stopped", "waiting", "late", "maintenance"]


class Frozen(BaseModel):
    """A value that nobody changes once it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Power(Frozen):
    """Power of a host, or of all hosts whose power is known."""

    watts: float = Field(description="Watts now")
    low_watts: float | None = Field(default=None, description="Lower end, watts, where stated")
    high_watts: float | None = Field(default=None, description="Upper end, watts, where stated")
    kind: PowerKind = Field(description="The weakest kind that went into the figure")
    quantity: Literal["wall", "component"] = Field(
        description="wall: server input; component: CPU packages and memory for at least one host"
    )
    source: str = Field(description="Where the figure is from, such as rapl or model")
    hosts: int = Field(default=1, description="Hosts that the figure covers")
    measured_share: float = Field(description="Share of the watts that was measured, 0 to 1")


class Bound(Frozen):
    """Headroom: a lower bound, which no plan can go below."""

    hosts_present: int = Field(description="Hosts that the bound was computed for")
    hosts_needed: int = Field(description="At least so many hosts are needed under the ceiling")
    hosts_freeable: int = Field(description="At most so many hosts can be freed")
    history_seconds: float | None = Field(
        description="Seconds of history that it rests on; of several clusters the shortest"
    )
    history_longest_seconds: float | None = Field(description="Of several clusters the longest")
    clusters: int = Field(default=1, description="Clusters that it adds up")
    clusters_short: int = Field(
        default=0, description="Clusters that need more hosts than they have"
    )
    cpu_demand_ratio: float | None = Field(
        default=None, description="Greatest demand at one moment, share of all CPUs, 0 to 1"
    )
    at: datetime = Field(description="When it was computed")


class Group(Frozen):
    """Figures of a group of hosts."""

    hosts_present: int = Field(description="Hosts neither retired nor silent for a day")
    hosts_simulated: int = Field(description="Simulated ones among the hosts present")
    hosts_silent: int = Field(description="Hosts that should send and do not")
    cpu_utilisation_ratio: float | None = Field(
        description="Busy share of the CPUs of the hosts that report now, 0 to 1"
    )
    vms_running: int | None = Field(description="Running VMs; null where no hypervisor reports")
    hypervisors: int = Field(description="Hosts whose VMs are known")
    vms_per_host: float | None = Field(description="Running VMs a hypervisor")
    power: Power | None = Field(description="Power of the hosts whose power is known")
    bound: Bound | None = Field(description="Headroom; null while it is not computed")


class Totals(Group):
    """Figures of the whole estate."""

    ceiling_low_ratio: float = Field(description="Lowest ceiling of a host present, 0 to 1")
    ceiling_high_ratio: float = Field(description="Highest ceiling of a host present, 0 to 1")
    hosts_over_ceiling: int = Field(description="Hosts above their ceiling now")
    hosts_unassigned: int = Field(description="Hosts that the inventory does not know")
    alerts_firing: int = Field(description="Alerts that fire")
    alert_hold_seconds: float = Field(
        description="Seconds that a host has to stay above its ceiling before its alert fires"
    )
    vms_per_host_reference: int = Field(
        default=DENSITY_REFERENCE, description="VMs a hypervisor to compare with"
    )
    measuring_since: datetime | None = Field(description="First sample of a host present")
    utilisation_histogram: list[int] = Field(
        default_factory=list,
        description="Hosts by CPU utilisation now, in twenty steps of 0.05 from 0 to 1",
    )
    waste_cost_per_year: float | None = Field(
        default=None, description="Cost of the waste found, money a year; null: not (yet) known"
    )
    currency: str = Field(default="", description="Currency of that")


class Cluster(Group):
    """A cluster; site and cluster are empty for hosts without a place."""

    site: str
    cluster: str
    ceiling_ratio: float = Field(description="The cluster's ceiling, 0 to 1")


class Host(Frozen):
    """A host. What could not be read is null."""

    name: str
    site: str
    cluster: str
    assigned: bool = Field(description="Whether the inventory knows the host")
    simulated: bool
    state: State
    cpu_utilisation_ratio: float | None = Field(description="Busy share of all CPUs, 0 to 1")
    cpu_window_seconds: float | None = Field(
        description="Seconds that the share is a mean of; 0: the latest sample alone"
    )
    ceiling_ratio: float = Field(description="The host's ceiling, 0 to 1")
    cpus: int | None = Field(description="Logical CPUs")
    last_hour: list[float | None] = Field(
        description="Busy share a minute of the last hour, oldest first; null where unknown"
    )
    vms_running: int | None
    vcpus_running: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    power: Power | None
    last_seen: datetime = Field(description="Time of the newest sample")


class Alert(Frozen):
    """An alert that fires."""

    rule: str
    host: str
    simulated: bool
    since: datetime | None = Field(description="When it began")
    value: float | None = Field(description="Ratio that the rule looked at last, 0 to 1")
    ceiling_ratio: float | None = Field(description="Ceiling that it is above, 0 to 1")


class Overview(Frozen):
    """What there is to see now."""

    at: datetime = Field(description="The collector's time")
    version: str
    grpc: str = Field(description="HOST:PORT where agents send to")
    totals: Totals
    alerts: list[Alert]
    clusters: list[Cluster]
    hosts: list[Host] = Field(description="The busiest hosts first, at most 200")
    hosts_left_out: int = Field(description="Further hosts; /api/v1/hosts lists all")
    newest_sample: datetime | None = Field(description="Time of the newest sample of any host")
