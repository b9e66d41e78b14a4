"""What becomes of one cluster: who stays, who goes, how many are bought."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.refresh.cluster import State, answer, buy
from headroom_collector.consolidation.refresh.models import ModelError, server

MODEL = {
    "cores": 64,
    "throughput": 500.0,
    "memory_gib": 1024,
    "idle_watts": 100,
    "full_watts": 500,
}
NEW = server("big", prices_of({"models": {"big": MODEL}}, "test"))
GIB = float(1 << 30)


def state(ops=(100.0,) * 10, *, old=0, load=0.1, memory=0.0, watts=None, ceiling=0.4):
    """A cluster whose first ``old`` hosts are old and which uses that share of its capacity."""
    hosts, capacity = len(ops), np.array(ops, float)
    is_old = np.arange(hosts) < old
    return State(
        names=[f"h{number}" for number in range(hosts)],
        ops=capacity,
        limit=capacity * ceiling,
        mean=capacity * load / 2,
        memory=np.full(hosts, 64 * GIB),
        age=np.where(is_old, 9.0, 1.0),
        watts=np.full(hosts, 100.0) if watts is None else np.array(watts, float),
        peak=float(capacity.sum() * load),
        old=is_old,
        old_peak=float(capacity[is_old].sum() * load),
        memory_peak=memory * GIB,
        old_memory_peak=memory * GIB * old / hosts,
    )


def test_hosts_that_are_not_needed_are_emptied_and_the_old_ones_first():
    found = answer(state(old=4), NEW, 1.0)
    # 100 of 1,000 are used: three hosts carry 40 each.
    assert len(found.emptied) == 7
    assert {"h0", "h1", "h2", "h3"} <= found.emptied
    assert (found.bought, found.replaced) == (0, frozenset())


def test_only_what_emptying_leaves_of_the_old_is_replaced():
    found = answer(state(old=10, load=0.3), NEW, 1.0)
    assert (len(found.emptied), len(found.replaced), found.bought) == (2, 8, 2)
    assert found.work == pytest.approx(1000 * 0.15)


def test_young_hosts_that_stay_carry_what_they_can():
    found = answer(state(old=6, load=0.3), NEW, 1.0)
    # 300 needed: four young carry 160, four old stay for the rest, one new host has 200.
    assert (len(found.emptied), len(found.replaced), found.bought) == (2, 4, 1)


def test_packing_in_pieces_needs_more_hosts():
    assert len(answer(state(load=0.2), NEW, 1.0).emptied) == 5
    assert len(answer(state(load=0.2), NEW, 1.39).emptied) == 3


def test_memory_keeps_hosts_that_cpu_would_free():
    assert len(answer(state(memory=64 * 8), NEW, 1.0).emptied) == 2
    assert buy(10.0, 2100 * GIB, NEW, 0.4) == (3, True)


def test_a_reserve_stays_and_is_bought():
    assert len(answer(state(), NEW, 1.0, reserve=2).emptied) == 5
    assert answer(state(old=10, load=0.3), NEW, 1.0, reserve=1).bought == 3


def test_nothing_is_emptied_where_the_cluster_is_beyond_its_ceiling():
    found = answer(state(load=0.5), NEW, 1.0)
    assert (found.beyond, found.emptied) == (True, frozenset())


def test_hosts_are_not_bought_where_as_many_old_ones_would_go():
    small = server("s", prices_of({"models": {"s": {**MODEL, "throughput": 90.0}}}, "test"))
    found = answer(state(old=10, load=0.3), small, 1.0)
    assert (found.replaced, found.bought) == (frozenset(), 0)


def test_the_efficient_hosts_stay():
    watts = [300.0] * 5 + [100.0] * 4 + [np.nan]
    found = answer(state(watts=watts), NEW, 1.0)
    assert found.emptied >= {"h0", "h1", "h2", "h3", "h4"}


clusters = st.builds(
    lambda ops, old, load, memory: state(ops, old=min(old, len(ops)), load=load, memory=memory),
    st.lists(st.floats(10, 1000), min_size=1, max_size=12),
    st.integers(0, 12),
    st.floats(0, 0.6),
    st.floats(0, 800),
)


@settings(deadline=None)
@given(clusters, st.floats(1, 2), st.integers(0, 3), st.sets(st.sampled_from(["h0", "h1", "h2"])))
def test_what_stays_and_what_is_bought_carry_the_work(cluster, pieces, reserve, skip):
    found = answer(cluster, NEW, pieces, skip=skip, reserve=reserve)
    assert not found.emptied & skip
    assert not found.replaced & (found.emptied | skip)
    assert found.replaced <= {n for n, old in zip(cluster.names, cluster.old, strict=True) if old}
    assert not found.replaced or 0 < found.bought < len(found.replaced)
    if found.beyond:
        assert not found.emptied
        return
    gone = found.emptied | found.replaced | skip
    stay = np.array([name not in gone for name in cluster.names])
    room = cluster.limit[stay].sum() + found.bought * NEW.ops * cluster.ceiling
    assert room >= cluster.peak * pieces * (1 - 1e-6)
    memory = cluster.memory[stay].sum() + found.bought * 1024 * GIB
    assert memory >= cluster.memory_peak * (1 - 1e-6)


def test_an_unknown_model_is_refused_with_the_nearest_one():
    with pytest.raises(ModelError, match="did you mean 'median-2025'"):
        server("median2025", prices_of({}, "test"))


def test_a_model_without_throughput_takes_the_speed_of_its_generation():
    model = server("m", prices_of({"models": {"m": {"cores": 100, "generation": 2025}}}, "test"))
    assert model.ops == pytest.approx(100 * 110_075)
    assert model.watts(0.4) is None
