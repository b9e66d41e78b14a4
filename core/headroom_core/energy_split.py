"""
Split of a host's energy among its virtual machines, in whole microjoules that add up to it.

What lies above the idle floor goes by CPU time, the host's own work among it; the idle floor goes
by reserved vCPUs, and what none reserved is a share of its own. The two are never mixed: a machine
that moves away takes its dynamic part along, and the idle part is saved only with the whole host.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Policy = Literal["cpu_time+reserved_vcpus"]
POLICY: Policy = "cpu_time+reserved_vcpus"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one virtual machine used and reserved: CPU seconds of the interval, and vCPUs."""

    uuid: str
    cpu_seconds: float
    vcpus: int


@dataclass(frozen=True, slots=True)
class Share:
    """Microjoules above and below the idle floor."""

    dynamic: int
    idle: int


@dataclass(frozen=True, slots=True)
class Split:
    """Shares by UUID; ``host`` has only a dynamic part, ``unallocated`` only an idle one."""

    vms: dict[str, Share]
    host: int
    unallocated: int

    def total(self) -> int:
        """Return what all shares add up to: the host's energy, to the microjoule."""
        parts = sum(share.dynamic + share.idle for share in self.vms.values())
        return parts + self.host + self.unallocated


def apportion(total: int, weights: Sequence[float]) -> Iterator[int]:
    """
    Yield parts of ``total`` in proportion to the weights, none negative, that add up to it.

    The sums so far are rounded and not the parts, so nothing is left over. Without any weight all
    of it goes to the last.
    """
    whole, so_far, given = sum(weights), 0.0, 0
    for place, weight in enumerate(weights):
        so_far += weight
        last = place == len(weights) - 1
        upto = total if last else min(total, int(total * (so_far / whole))) if whole > 0 else 0
        yield max(0, upto - given)
        given = max(given, upto)


def split(energy: int, floor: int, busy: float, threads: int, claims: Sequence[Claim]) -> Split:
    """
    Split ``energy`` microjoules of an interval.

    ``floor`` is the microjoules of the idle floor over the interval, ``busy`` the CPU seconds that
    the host was busy, guests included, ``threads`` its logical CPUs. Raises ValueError where the
    energy is negative.
    """
    if energy < 0:
        raise ValueError(f"energy of {energy} microjoules: expected 0 or more")
    idle = min(energy, max(0, floor))
    used = [max(0.0, claim.cpu_seconds) for claim in claims]
    reserved = [float(max(0, claim.vcpus)) for claim in claims]
    own = max(0.0, busy - sum(used))
    free = max(0.0, threads - sum(reserved))
    dynamic = list(apportion(energy - idle, [*used, own]))
    resting = list(apportion(idle, [*reserved, free]))
    vms: dict[str, Share] = {}
    for place, claim in enumerate(claims):
        vms[claim.uuid] = Share(dynamic[place], resting[place])
    return Split(vms, dynamic[-1], resting[-1])
