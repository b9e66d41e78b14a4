"""Waste of the estate: every finding, the dearest first, and what they cost together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from headroom_collector.consolidation.money.assets import read_held
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.waste.days import Row
from headroom_collector.consolidation.waste.findings import Finding, Thresholds
from headroom_collector.consolidation.waste.hosts import host_findings, low_density
from headroom_collector.consolidation.waste.read import read_host_peaks, read_vms
from headroom_collector.consolidation.waste.vms import Judge, vm_findings
from headroom_collector.store.api import Reader
from headroom_core.estate import Estate

IDLE = frozenset({"comatose host", "idle host"})


@dataclass(frozen=True, slots=True)
class Waste:
    """
    The findings of an estate and what they rest on.

    ``total_per_year``: the cost of what is counted, nothing twice, None where no cost is known.
    ``unknown_age`` and ``unknown_power`` count the hosts of which no verdict or cost could be had.
    """

    findings: Sequence[Finding]
    total_per_year: float | None
    currency: str
    hosts: int
    vms: int
    unknown_age: int
    unknown_power: int
    simulated: int
    history_days: int
    thresholds: Thresholds = field(default_factory=Thresholds)


def _order(finding: Finding) -> tuple[float, str, str]:
    return -(finding.cost_per_year or 0.0), finding.kind, finding.name


def total(findings: Sequence[Finding]) -> float | None:
    """Add up the costs that are counted; None where none is known."""
    known = [
        one.cost_per_year for one in findings if one.counted and one.cost_per_year is not None
    ]
    return sum(known) if known else None


def span_days(peaks: Row) -> int:
    """Return how many days ago the first known one was, today included."""
    known = np.flatnonzero(np.isfinite(peaks))
    return len(peaks) - int(known[0]) if known.size else 0


def find_waste(
    reader: Reader, estate: Estate, prices: Prices, now: int, limits: Thresholds | None = None
) -> Waste:
    """Look for waste at ``now`` (UTC nanoseconds); raises StoreError."""
    limits = limits or Thresholds()
    hosts = read_held(reader, estate, now)
    first, peaks = read_host_peaks(reader, hosts, now)
    of_hosts = host_findings(hosts, peaks, first, prices, limits)
    idle = frozenset(one.host for one in of_hosts if one.kind in IDLE)
    first_vm_day, vms = read_vms(reader, hosts, now)
    judge = Judge({held.name: held for held in hosts}, idle, first_vm_day, prices, limits)
    found = [*of_hosts, *vm_findings(vms, judge), *low_density(hosts, prices, limits)]
    return Waste(
        findings=sorted(found, key=_order),
        total_per_year=total(found),
        currency=prices.currency,
        hosts=len(hosts),
        vms=len(vms),
        unknown_age=sum(held.asset.age_years is None for held in hosts),
        unknown_power=sum(held.asset.watts is None for held in hosts),
        simulated=sum(held.machine.simulated for held in hosts),
        history_days=max(map(span_days, peaks.values()), default=0),
        thresholds=limits,
    )
