"""Relabelling: of hosts that are alike, each group of items gets the one where most of it already is."""

from collections import defaultdict

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, Ints
from headroom_collector.consolidation.planner.task import Task


def alike(task: Task) -> Ints:
    """Return a number for each host, equal where nothing tells two hosts apart."""
    masks = task.masks.T.astype(np.int64)
    columns = np.column_stack([task.allow, task.hard, task.room, task.held, task.usable, masks])
    return np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)


def relabelled(task: Task, where: Ints) -> Ints:
    """Return each item's host with groups put where they cause the least memory to move, greedily."""
    kind = alike(task)
    overlap: dict[tuple[int, int], int] = defaultdict(int)
    for item in task.active.tolist():
        planned, now = int(where[item]), int(task.origin[item])
        if NOWHERE not in {now, planned} and kind[planned] == kind[now]:
            overlap[planned, now] += int(task.memory[item]) + 1
    becomes: dict[int, int] = {}
    taken: set[int] = set()
    for planned, now in sorted(overlap, key=lambda pair: (-overlap[pair], pair)):
        if planned not in becomes and now not in taken:
            becomes[planned] = now
            taken.add(now)
    spare: dict[int, list[int]] = defaultdict(list)
    for host in range(len(kind) - 1, -1, -1):
        if host not in taken:
            spare[int(kind[host])].append(host)
    for planned in np.unique(where[where != NOWHERE]).tolist():
        if planned not in becomes:
            becomes[planned] = spare[int(kind[planned])].pop()
    found = where.copy()
    placed = np.flatnonzero(where != NOWHERE)
    found[placed] = [becomes[int(where[item])] for item in placed]
    return found
