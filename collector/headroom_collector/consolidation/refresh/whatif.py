"""
What-if: empty and power off what is not needed, then replace the hosts older than so many years.

In that order, because the first costs no purchase: what refresh saves is only what it saves on top.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headroom_collector.consolidation.cluster import RELIABLE_SECONDS, span
from headroom_collector.consolidation.headroom import Measured, gather
from headroom_collector.consolidation.money.assets import Held, read_held
from headroom_collector.consolidation.money.carbon import Carbon, carbon
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.money.savings import (
    Choice,
    Line,
    lines,
    unknown,
    waterfall,
)
from headroom_collector.consolidation.money.tco import staged
from headroom_collector.consolidation.money.worth import Worth, with_price, worth
from headroom_collector.consolidation.refresh.cluster import Answer, Pieces, State, answer
from headroom_collector.consolidation.refresh.factors import Factors
from headroom_collector.consolidation.refresh.models import Server
from headroom_collector.consolidation.refresh.states import state_of
from headroom_collector.consolidation.waste.findings import Thresholds
from headroom_collector.consolidation.waste.hosts import idle_host
from headroom_collector.consolidation.waste.read import read_host_peaks
from headroom_collector.store.api import Reader
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Estate

OLDEST_YEARS = 10
"""Hosts of so many years and above are counted together."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: hosts of ``older_than`` years and above give way to ``new``."""

    new: Server
    older_than: float = 5.0
    reserve: int = 0
    pieces: Pieces = field(default_factory=Pieces)


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes of one cluster; ``answer`` is None where nothing of its use is known."""

    site: str
    cluster: str
    hosts: int
    old: int
    unknown_age: int
    retired: int
    history_seconds: float
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Direct:
    """
    The old hosts replaced without emptying any first; None where none is old.

    ``low``, ``likely`` and ``high`` hosts to buy by what packing may cost; factors by ``likely``.
    """

    old: int
    low: int
    likely: int
    high: int
    factors: Factors
    by_memory: bool


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    The whole answer. ``in_place`` and ``refresh``: worth of the two steps, which add up.

    ``by_age``: see :func:`by_age`.
    """

    question: Question
    parts: Sequence[Part]
    direct: Direct | None
    lines: Sequence[Line]
    in_place: Worth
    refresh: Worth
    carbon: Carbon
    prices: Prices
    not_counted: Sequence[str]
    notes: Sequence[str]
    simulated: int
    by_age: Mapping[int | None, int]


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A cluster between reading and answering."""

    measured: Measured
    hosts: Sequence[Held]
    retired: frozenset[str]
    state: State | None

    def answer(self, question: Question, pieces: float) -> Answer | None:
        """Return what becomes of it."""
        if self.state is None:
            return None
        return answer(
            self.state, question.new, pieces, skip=self.retired, reserve=question.reserve
        )


def by_age(ages: Iterable[float | None]) -> Mapping[int | None, int]:
    """Return hosts by age in whole years, 0 to OLDEST_YEARS (and above); None: age unknown."""
    found = Counter(None if age is None else min(max(int(age), 0), OLDEST_YEARS) for age in ages)
    return {years: found[years] for years in (*range(OLDEST_YEARS + 1), None)}


def idle_names(reader: Reader, hosts: Sequence[Held], prices: Prices, now: int) -> frozenset[str]:
    """Return the hosts that do nothing and carry no virtual machine; raises StoreError."""
    first, peaks = read_host_peaks(reader, hosts, now)
    limits = Thresholds()
    return frozenset(
        held.name
        for held in hosts
        if not held.vms and idle_host(held, peaks[held.name], first, prices, limits)
    )


def direct(clusters: Sequence[_Cluster], question: Question) -> Direct | None:
    """Return what replacing the old hosts takes by itself, and the three factors behind it."""
    states = [one.state for one in clusters if one.state is not None and one.state.old.any()]
    if not states:
        return None
    pieces = question.pieces
    counts = {
        loss: [answer(one, question.new, loss, reserve=question.reserve) for one in states]
        for loss in (pieces.low, pieces.likely, pieces.high)
    }
    low, likely, high = (sum(one.direct for one in counts[loss]) for loss in counts)
    old = int(sum(state.old.sum() for state in states))
    ops = float(sum(state.ops[state.old].sum() for state in states))
    limit = float(sum(state.limit[state.old].sum() for state in states))
    mean = max(1e-9 * ops, float(sum(state.mean[state.old].sum() for state in states)))
    ratio, gain = question.new.ops / (ops / old), limit / mean
    loss = max(1.0, likely * ratio * gain / old)
    by_memory = any(one.by_memory for one in counts[pieces.likely])
    return Direct(old, low, likely, high, Factors(ratio, gain, loss), by_memory)


def _bought(cluster: _Cluster, found: Answer, new: Server) -> list[Asset]:
    if not found.bought:
        return []
    classes = Counter(one.asset.host_class for one in cluster.hosts if one.name in found.replaced)
    use = found.work / (found.bought * new.ops)
    return [new.asset(use, classes.most_common(1)[0][0])] * found.bought


def _choice(clusters: Sequence[_Cluster], answers: Sequence[Answer | None], new: Server) -> Choice:
    pairs = [(one, found) for one, found in zip(clusters, answers, strict=True) if found]
    vms = {held.name: held.vms or 0 for one in clusters for held in one.hosts}
    emptied = frozenset(name for _, found in pairs for name in found.emptied)
    replaced = frozenset(name for _, found in pairs for name in found.replaced)
    work = float(sum(np.nansum(one.state.mean) for one, _ in pairs if one.state))
    again = sum(found.work for _, found in pairs) / work if work else 0.0
    moved = sum(vms[name] for name in emptied)
    return Choice(
        retire=frozenset(name for one in clusters for name in one.retired),
        empty=emptied,
        replace=replaced,
        new=[asset for one, found in pairs for asset in _bought(one, found, new)],
        vms=moved,
        refresh_vms=sum(vms[name] for name in replaced) + round(moved * again),
        again=again,
    )


def _part(cluster: _Cluster, found: Answer | None, older_than: float) -> Part:
    ages = [held.asset.age_years for held in cluster.hosts]
    return Part(
        site=cluster.measured.place.site,
        cluster=cluster.measured.place.cluster,
        hosts=len(cluster.hosts),
        old=sum(age is not None and age >= older_than for age in ages),
        unknown_age=sum(age is None for age in ages),
        retired=len(cluster.retired),
        history_seconds=cluster.measured.demand.history_seconds,
        answer=found,
    )


def _notes(
    parts: Sequence[Part], clusters: Sequence[_Cluster], new: Server, pieces: Pieces
) -> list[str]:
    first = (
        f"Volumes times {pieces.likely:.2f} for packing whole machines, {pieces.source}; which"
        " machine goes where is the plan's answer."
    )
    notes = [first]
    young = [part for part in parts if part.history_seconds < RELIABLE_SECONDS]
    if young:
        shortest = min(part.history_seconds for part in young)
        notes.append(
            f"{len(young)} of {len(parts)} clusters have less than {span(RELIABLE_SECONDS)} of history"
            f" (shortest: {span(shortest)}): no host of theirs should be powered off on this."
        )
    missing = sum(part.unknown_age for part in parts)
    if missing:
        notes.append(f"Hosts of unknown age, not counted as old: {missing}; state purchase_date.")
    bare = sum(held.vms is None for one in clusters for held in one.hosts)
    if bare:
        notes.append(
            f"Hosts without a hypervisor: {bare}; emptying them means virtualising their work."
        )
    if new.memory is None:
        notes.append(f"Memory of {new.name} is not known: the hosts to buy are by CPU alone.")
    return notes


def _clusters(
    reader: Reader, estate: Estate, ceiling: Ceiling, prices: Prices, question: Question, now: int
) -> list[_Cluster]:
    hosts = {held.name: held for held in read_held(reader, estate, now)}
    idle = idle_names(reader, list(hosts.values()), prices, now)
    found = []
    for measured in gather(reader, estate, now):
        own = [hosts[machine.name] for machine in measured.machines if machine.name in hosts]
        if len(own) == len(measured.machines):  # else one came in between the two readings
            retired = frozenset(held.name for held in own) & idle
            state = state_of(measured, hosts, ceiling, question.older_than)
            found.append(_Cluster(measured, own, retired, state))
    return found


def what_if(
    reader: Reader, estate: Estate, ceiling: Ceiling, prices: Prices, question: Question, now: int
) -> WhatIf:
    """Answer the question for the estate at ``now`` (UTC nanoseconds); raises StoreError."""
    clusters = _clusters(reader, estate, ceiling, prices, question, now)
    answers = [one.answer(question, question.pieces.likely) for one in clusters]
    priced = with_price(prices, question.new.price)
    return _put_together(clusters, answers, priced, question)


def _put_together(
    clusters: Sequence[_Cluster],
    answers: Sequence[Answer | None],
    prices: Prices,
    question: Question,
) -> WhatIf:
    parts = [
        _part(one, found, question.older_than)
        for one, found in zip(clusters, answers, strict=True)
    ]
    assets = [held.asset for one in clusters for held in one.hosts]
    choice = _choice(clusters, answers, question.new)
    steps = waterfall(assets, choice, prices)
    rates: Mapping[str, float] = prices.rates()
    in_place, refresh = (worth(stage, prices) for stage in staged(assets, choice, prices))
    return WhatIf(
        question=question,
        parts=parts,
        direct=direct(clusters, question),
        lines=lines(steps, rates, prices),
        in_place=in_place,
        refresh=refresh,
        carbon=carbon(steps.today.kwh - steps.end.kwh, len(choice.new), rates),
        prices=prices,
        not_counted=unknown(steps, prices),
        notes=_notes(parts, clusters, question.new, question.pieces),
        simulated=sum(held.machine.simulated for one in clusters for held in one.hosts),
        by_age=by_age(asset.age_years for asset in assets),
    )
