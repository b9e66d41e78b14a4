"""How many more median machines fit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.consolidation.forecast.fit import (
    Fit,
    MedianVm,
    Room,
    VmUse,
    fit,
    median_vm,
)

GIB = float(1 << 30)
VM = MedianVm(count=10, vcpus=2.0, mean=0.5, peak=1.0, memory=4 * GIB)


def room(limit, peak, together, memory=1000.0, used=0.0):
    hosts = len(limit)
    return Room(
        cpu_limit=np.array(limit, float),
        cpu_peak=np.array(peak, float),
        cpu_together=together,
        memory_limit=np.full(hosts, memory * GIB),
        memory_peak=np.full(hosts, used * GIB),
        memory_together=used * hosts * GIB,
    )


def test_peaks_that_fall_together_and_peaks_that_never_do_are_the_ends():
    # 3.5 and 2 of room for whole machines of 1; together 10 - 3 = 7 for means of 0.5.
    assert fit(room([6, 4], [2.5, 2], 3.0), VM) == Fit(at_least=5, at_most=14)


def test_memory_binds_where_it_is_short():
    assert fit(room([60, 60], [0, 0], 0.0, memory=16, used=6), VM) == Fit(4, 5)


def test_a_host_above_its_ceiling_has_no_room_and_takes_none_from_others():
    assert fit(room([4, 4], [9, 0], 9.0), VM) == Fit(0, 0)
    assert fit(room([4, 4], [5, 0], 5.0), VM) == Fit(at_least=4, at_most=6)


def test_a_machine_that_needs_nothing_says_nothing():
    idle = MedianVm(1, 1.0, 0.0, 0.0, 0.0)
    assert fit(room([4], [0], 0.0), idle) is None


def test_the_median_is_of_each_figure_by_itself():
    uses = [VmUse(0.1, 0.5, 2, GIB), VmUse(0.2, 0.2, 4, 3 * GIB), VmUse(0.5, 1.0, 8, 2 * GIB)]
    found = median_vm(uses)
    assert found is not None
    assert (found.count, found.vcpus, found.memory) == (3, 4, 2 * GIB)
    assert [found.mean, found.peak] == pytest.approx([0.8, 1.0])
    assert median_vm([]) is None


amounts = st.floats(0, 100)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6), amounts)
def test_what_is_said_to_fit_at_least_really_fits(hosts, used):
    limits, peaks = ([host[i] for host in hosts] for i in range(2))
    together = max(peaks)
    found = fit(room(limits, peaks, together, memory=200, used=used), VM)
    assert found is not None
    assert 0 <= found.at_least <= found.at_most
    placed = sum(
        max(0, min(math.floor(limit - peak + 1e-9), math.floor((200 - used) / 4 + 1e-9)))
        for limit, peak in hosts
    )
    assert found.at_least <= placed
