"""Model of an estate to be planned: its hosts, its virtual machines, what they asked for over time."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Demand = NDArray[np.signedinteger[Any]]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Mode = Literal["repack", "empty"]
Objective = Literal["hosts", "energy"]
Status = Literal["active", "maintenance", "excluded", "bare"]

STEP_SECONDS = 300
"""The time grid: samples are aligned down to it."""
NOWHERE = -1
"""Index of the host of a VM that has none."""
DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS

BY_CLOCK = "CPU of hosts compared by cores x base clock; a VM's MHz cost the same on each"
AS_PROVISIONED = "memory as provisioned, never overcommitted"


class PlanError(ValueError):
    """What is wrong with an estate or an option, in one line for its user."""


@dataclass(frozen=True, slots=True)
class Host:
    """
    One host: ``cores`` physical, ``core_mhz`` base clock, memory in MiB.

    Whatever is None or empty is unknown. ``status`` maintenance: nothing may be put there and what
    is there moves away if it can; excluded: left as it is, with all that runs there; bare: without a
    hypervisor, so that nothing else may be put there.
    ``overhead_mhz`` is what the hypervisor itself uses; ``ceiling`` its own, None for the plan's.
    """

    name: str
    cores: int
    core_mhz: int
    memory_mib: int
    site: str = ""
    cluster: str = ""
    cpu_vendor: str = ""
    cpu_level: int | None = None
    idle_watts: float | None = None
    max_watts: float | None = None
    age_years: float | None = None
    overhead_mhz: int = 0
    status: Status = "active"
    licence_pools: frozenset[str] = frozenset()
    ceiling: float | None = None

    @property
    def capacity_mhz(self) -> int:
        """What all cores give at base clock, in MHz."""
        return self.cores * self.core_mhz


@dataclass(frozen=True, slots=True)
class Vm:
    """
    One virtual machine; ``host`` is the index of the host it runs on, NOWHERE for a new one.

    ``affinity``: all of a group on one host; ``anti_affinity``: no two of a group on one host.
    ``pinned`` names its only host; ``local``: a local disk or a passed-through device holds it
    where it is. ``site``, ``cluster``, ``cpu_vendor``, ``cpu_level`` bind a new VM; one that runs
    is bound by the host it runs on. ``bare``: all that a host without a hypervisor does, as a
    candidate for virtualisation.
    """

    name: str
    vcpus: int
    memory_mib: int
    host: int = NOWHERE
    affinity: str = ""
    anti_affinity: str = ""
    pinned: str = ""
    local: bool = False
    licence_pool: str = ""
    site: str = ""
    cluster: str = ""
    cpu_vendor: str = ""
    cpu_level: int | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """
    An estate and its measured demand.

    ``demand`` has shape (VMs, samples): whole MHz, every gap filled; ``known`` is the share of its
    samples that were measured, by VM (0: nothing is known, the VM stays where it is). ``start`` is
    the first sample's time in Unix seconds, a multiple of the step. ``speed_basis`` and
    ``memory_basis`` say in sentences how hosts were compared and which memory counts.
    """

    hosts: tuple[Host, ...]
    vms: tuple[Vm, ...]
    demand: Demand
    known: NDArray[np.float64]
    start: int = 0
    notes: tuple[str, ...] = ()
    speed_basis: str = BY_CLOCK
    memory_basis: str = AS_PROVISIONED

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together; raises PlanError."""
        if self.demand.ndim != 2 or self.demand.shape[0] != len(self.vms):
            raise PlanError(
                f"demand has shape {self.demand.shape}: expected ({len(self.vms)}, samples)"
            )
        if self.known.shape != (len(self.vms),):
            raise PlanError(f"known has shape {self.known.shape}: expected ({len(self.vms)},)")

    @property
    def samples(self) -> int:
        """Samples on the time grid."""
        return int(self.demand.shape[1])

    @property
    def history_seconds(self) -> int:
        """Length of the history in seconds."""
        return self.samples * STEP_SECONDS


@dataclass(frozen=True, slots=True)
class Options:
    """
    What is asked of a plan; ratios in (0, 1], times in seconds.

    ``objective`` of a repack: fewest hosts, or least energy.
    ``quantile``: share of samples that must be under ``ceiling``; in the others ``hard_cap`` holds.
    ``reserve``: hosts of each cluster that may fail at once, the rest staying under
    ``reserve_cap``. ``moves_a_night`` 0: all moves in one night.
    """

    mode: Mode = "repack"
    objective: Objective = "hosts"
    ceiling: float = 0.40
    quantile: float = 1.0
    hard_cap: float = 1.0
    reserve: int = 0
    reserve_cap: float = 0.80
    time_limit: float = 10.0
    moves_a_night: int = 0
    curve: bool = False
    holdout: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; raises PlanError naming the option."""
        if self.mode not in {"repack", "empty"}:
            raise PlanError(f"--mode {self.mode}: expected repack or empty")
        if self.objective not in {"hosts", "energy"}:
            raise PlanError(f"--objective {self.objective}: expected hosts or energy")
        for name in ("ceiling", "quantile", "hard_cap", "reserve_cap"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                hint = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
                raise PlanError(
                    f"--{name.replace('_', '-')} {value:g}: "
                    f"expected a ratio above 0 and up to 1{hint}"
                )
        for name in ("reserve", "time_limit", "moves_a_night"):
            if not getattr(self, name) >= 0:
                raise PlanError(f"--{name.replace('_', '-')}: expected 0 or more")

    def violations_allowed(self, samples: int) -> int:
        """Count the samples of one host that may be above the ceiling, of so many."""
        return int((1 - self.quantile) * samples + 1e-9)
