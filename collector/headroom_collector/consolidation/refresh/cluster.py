"""
What-if of one cluster: which hosts stay when the others are emptied, and what replaces the old ones.

An estimate over volumes, not a placement: measured demand at the same moment is added up, made
greater by what whole machines cost in packing, and held against ceilings. The plan says which
machine goes where.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.refresh.factors import whole
from headroom_collector.consolidation.refresh.models import Server

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pieces:
    """
    What packing whole machines costs over the volume of their demand, a ratio.

    The best plans known for measured traces needed 1.27 to 1.89 times the volume bound where CPU
    binds, 1.39 in the middle, and exactly the bound where memory does. ``low``: the bound itself.
    ``source`` says where ``likely`` is from.
    """

    low: float = 1.0
    likely: float = 1.39
    high: float = 1.89
    source: str = "the middle of what plans for public traces needed"


@dataclass(frozen=True, slots=True)
class State:
    """
    A cluster now; arrays of (hosts,), NaN where unknown.

    ``ops``: what each host does at full load, ssj_ops; ``limit``: its ceiling times that;
    ``mean``: its mean demand, ssj_ops. ``memory`` in bytes. ``peak``: greatest demand of all hosts at
    one moment; ``old_peak``: the same of those in ``old``. ``memory_peak`` in bytes, None where
    unknown.
    """

    names: Sequence[str]
    ops: Floats
    limit: Floats
    mean: Floats
    memory: Floats
    age: Floats
    watts: Floats
    peak: float
    old: NDArray[np.bool_]
    old_peak: float
    memory_peak: float | None
    old_memory_peak: float | None

    @property
    def ceiling(self) -> float:
        """The ceiling of the cluster as a whole, a ratio."""
        return float(self.limit.sum() / self.ops.sum())


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What becomes of a cluster's hosts, by name, and how many are bought.

    ``direct``: hosts to buy if the old ones were replaced without emptying any first; ``by_memory``
    where memory decides that. ``work``: mean demand on the bought hosts, ssj_ops. ``beyond`` where
    the cluster's demand is more than its hosts may carry.
    """

    emptied: frozenset[str]
    replaced: frozenset[str]
    bought: int
    direct: int
    by_memory: bool
    work: float
    beyond: bool


def order(state: State, skip: Collection[str]) -> list[int]:
    """Return the hosts in the order in which they are worth keeping: young, then efficient."""
    known = state.watts[~np.isnan(state.watts)]
    usual = float(np.median(known)) if known.size else 1.0
    efficiency = state.ops / np.where(np.isnan(state.watts), usual, state.watts)
    left = [index for index, name in enumerate(state.names) if name not in skip]
    return sorted(left, key=lambda i: (bool(state.old[i]), -efficiency[i], state.names[i]))


def keep(
    state: State, skip: Collection[str], pieces: float, reserve: int
) -> tuple[list[int], bool]:
    """Return the hosts to keep, ``reserve`` more than needed, and whether all do not suffice."""
    wanted = state.peak * pieces
    cpu, memory, kept = 0.0, 0.0, 0
    ranked = order(state, skip)
    for index in ranked:
        if cpu >= wanted and _covers(memory, state.memory_peak) and kept > 0:
            break
        cpu += float(state.limit[index])
        memory += float(np.nan_to_num(state.memory[index]))
        kept += 1
    beyond = cpu < wanted or not _covers(memory, state.memory_peak)
    return ranked[: min(len(ranked), kept + reserve)], beyond


def _covers(memory: float, wanted: float | None) -> bool:
    return wanted is None or memory >= wanted


def buy(cpu: float, memory: float | None, new: Server, ceiling: float) -> tuple[int, bool]:
    """
    Return the new hosts for that demand (ssj_ops, bytes), and whether memory decides their number.

    Memory counts where both the demand and the model's are known.
    """
    by_cpu = whole(max(0.0, cpu) / (new.ops * ceiling))
    if memory is None or new.memory is None:
        return by_cpu, False
    by_memory = whole(max(0.0, memory) / new.memory)
    return max(by_cpu, by_memory), by_memory > by_cpu


def _rest(wanted: float | None, kept: Floats) -> float | None:
    """Return what the kept hosts do not carry."""
    return None if wanted is None else max(0.0, wanted - float(np.nan_to_num(kept).sum()))


def answer(
    state: State, new: Server, pieces: float, *, skip: Collection[str] = (), reserve: int = 0
) -> Answer:
    """
    Return what becomes of a cluster; ``skip``: hosts that go without their work going anywhere.

    ``reserve`` hosts more than needed stay, and as many are bought where any is.
    """
    kept, beyond = keep(state, skip, pieces, reserve)
    direct, by_memory = buy(state.old_peak * pieces, state.old_memory_peak, new, state.ceiling)
    young = [index for index in kept if not state.old[index]]
    old = [index for index in kept if state.old[index]]
    if beyond:
        bought, _ = buy(state.old_peak * pieces, state.old_memory_peak, new, state.ceiling)
    else:
        cpu = _rest(state.peak * pieces, state.limit[young]) or 0.0
        bought, _ = buy(cpu, _rest(state.memory_peak, state.memory[young]), new, state.ceiling)
    bought = max(1, bought) + reserve if old else 0
    worth = bought < len(old)
    taken = old if worth else []
    share = state.ops[taken].sum() / state.ops[kept].sum() if kept else 0.0
    names = state.names
    return Answer(
        emptied=frozenset(names) - frozenset(skip) - {names[index] for index in kept},
        replaced=frozenset(names[index] for index in taken),
        bought=bought if worth else 0,
        direct=direct + (reserve if direct else 0),
        by_memory=by_memory,
        work=float(np.nansum(state.mean) * share),
        beyond=beyond,
    )
