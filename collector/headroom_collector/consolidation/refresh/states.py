"""State of each cluster for the what-if, out of what was measured and of what is known of the hosts."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.headroom import Measured
from headroom_collector.consolidation.money.assets import Held
from headroom_collector.consolidation.refresh.cluster import Floats, State
from headroom_collector.consolidation.refresh.generations import GENERATIONS, ops_per_core
from headroom_core.ceiling import Ceiling


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], float)


def speeds(hosts: Sequence[Held]) -> Floats:
    """
    Return the speed of each host's cores, ssj_ops at full load, by the year of its purchase.

    A host of unknown age counts as the median of the others, and as the newest where all are unknown:
    so that too many new hosts are asked for rather than too few.
    """
    found = _array(
        [
            None
            if held.purchased is None
            else ops_per_core(held.purchased.year + held.purchased.timetuple().tm_yday / 366)
            for held in hosts
        ]
    )
    known = found[~np.isnan(found)]
    usual = float(np.median(known)) if known.size else GENERATIONS[-1].ops_per_core
    return np.where(np.isnan(found), usual, found)


def _peak(demand: NDArray[np.float64]) -> float:
    return float(demand.sum(axis=0).max()) if demand.size else 0.0


def state_of(
    measured: Measured, held: Mapping[str, Held], ceiling: Ceiling, older_than: float
) -> State | None:
    """
    Return a cluster's state; None where nothing of its use is known.

    ``older_than`` in years: hosts of that age and above are old, those of unknown age are not.
    """
    demand, place = measured.demand, measured.place
    if not demand.cpu.size:
        return None
    hosts = [held[machine.name] for machine in measured.machines]
    speed = speeds(hosts)
    age = _array([one.asset.age_years for one in hosts])
    old = np.nan_to_num(age, nan=-1.0) >= older_than
    ops = demand.cpu_capacity * speed
    used = demand.cpu.astype(np.float64) * speed[:, None]
    ratios = _array(
        [ceiling.of(place.site, place.cluster, one.machine.host_class) for one in hosts]
    )
    memory = demand.memory.astype(np.float64) if demand.memory.size else None
    return State(
        names=[one.name for one in hosts],
        ops=ops,
        limit=ops * ratios,
        mean=used.mean(axis=1),
        memory=demand.memory_capacity,
        age=age,
        watts=_array([one.asset.watts for one in hosts]),
        peak=_peak(used),
        old=old,
        old_peak=_peak(used[old]),
        memory_peak=None if memory is None else _peak(memory),
        old_memory_peak=None if memory is None else _peak(memory[old]),
    )
