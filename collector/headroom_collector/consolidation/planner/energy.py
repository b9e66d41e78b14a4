"""
Energy of a packing: what its hosts draw on average, linear between idle and full load.

Fewest hosts and least energy are different aims: two small hosts may draw less than one large one.
"""

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE
from headroom_collector.consolidation.planner.packing import Packing


def draw(packing: Packing) -> float:
    """Return the watts of the hosts that stay on, their items at their mean demand."""
    task = packing.task
    if task.watts is None:
        raise ValueError("the task has no watts")
    on = np.array([bool(items) for items in packing.on]) | task.held
    placed = packing.where != NOWHERE
    hosts = packing.where[placed]
    moving = (task.watts.mean[placed] * task.watts.slope[hosts]).sum()
    return float(task.watts.idle[on].sum() + moving)


def cost(packing: Packing) -> float:
    """Return what the search makes small: watts where energy is the aim, else the hosts that stay on."""
    return draw(packing) if packing.task.watts is not None else float(packing.count())


def cheaper(packing: Packing) -> None:
    """Put all that is on a host onto an empty one that draws less for it, wherever that complies."""
    task = packing.task
    watts = task.watts
    if watts is None:
        return
    for host in packing.used()[np.argsort(-watts.idle[packing.used()])].tolist():
        items = sorted(packing.on[host])
        if task.held[host] or not items:
            continue
        load = packing.load[host]
        mean = float(watts.mean[items].sum())
        empty = np.array([not some for some in packing.on]) & ~task.held
        fine = empty & task.masks[task.kind[items]].all(axis=0)
        fine &= task.room >= int(task.memory[items].sum())
        price = watts.idle + watts.slope * mean
        hosts = np.flatnonzero(fine & (price < price[host] - 1e-9))
        hosts = hosts[np.argsort(price[hosts], kind="stable")]
        hosts = hosts[packing.complies(np.broadcast_to(load, (len(hosts), len(load))), hosts)]
        if len(hosts):
            for item in items:
                packing.take(item)
                packing.put(item, int(hosts[0]))
