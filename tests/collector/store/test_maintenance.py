"""Retention: whole days of samples, rows of roll-ups."""

from dataclasses import replace
from typing import Any

import pytest
from rigs.samples import NOON, QUICK, HandClock, batch, host_rows, vm_rows

from headroom_collector.store.api import StoreError
from headroom_collector.store.engine import DuckStore
from headroom_collector.store.maintenance import STEPS

WAIT = 20.0
DAY = 86_400 * 1_000_000_000
KEEP = replace(QUICK, raw_days=3, five_minute_days=5, long_days=5, hour_days=5)


def tables(store: DuckStore) -> list[str]:
    sql = (
        "SELECT table_name FROM duckdb_tables() "
        "WHERE regexp_matches(table_name, '_[0-9]{8}$') ORDER BY 1"
    )
    return [row["table_name"] for row in store.query(sql).to_pylist()]


def count(store: DuckStore, what: str) -> int:
    return int(store.query(f"SELECT * FROM {what}").num_rows)


def maintain(store: DuckStore, now: int) -> None:
    for _ in range(100):
        if not store.maintain(now).more:
            return
    raise AssertionError("maintenance does not come to an end")


def days(store: DuckStore, number: int) -> None:
    for seq in range(1, number + 1):
        time = NOON + (seq - 1) * DAY
        rows = [host_rows(time, cpu_utilisation_ratio=0.5), vm_rows(["a"], time, vcpus=1)]
        store.append(batch(seq=seq, rows=rows)).result(WAIT)


def test_each_utc_day_has_a_table_and_the_view_shows_them_all(store: DuckStore) -> None:
    days(store, 2)
    midnight = NOON + DAY // 2
    rows = [host_rows(midnight - 1), host_rows(midnight)]
    store.append(batch("beta", rows=rows)).result(WAIT)
    assert tables(store) == ["host_20261124", "host_20261125", "vm_20261124", "vm_20261125"]
    assert count(store, "host_20261124") == count(store, "host_20261125") == 2
    assert count(store, "host_sample") == 4
    assert count(store, "energy_sample") == 0


def test_days_that_are_too_old_go_whole_once_they_are_rolled_up(opened: Any) -> None:
    store = opened(settings=KEEP, clock=HandClock())
    days(store, 6)
    maintain(store, NOON + 5 * DAY)
    maintain(store, NOON + 5 * DAY)
    assert tables(store)[:4] == [f"host_202611{day}" for day in (26, 27, 28, 29)]
    assert count(store, "vm_sample") == 4
    assert count(store, "vm_5m") == 5  # of the sixth day nothing is over yet


def test_a_day_that_is_not_rolled_up_yet_is_kept(opened: Any) -> None:
    store = opened(settings=KEEP, clock=HandClock())
    days(store, STEPS // 6 + 1)  # two kinds, three dirty buckets each: more than one run does
    first = store.maintain(NOON + 1000 * DAY)
    assert first.more
    assert count(store, "vm_20261124") == 1
    maintain(store, NOON + 1000 * DAY)
    maintain(store, NOON + 1000 * DAY)
    assert tables(store) == []
    assert count(store, "vm_sample") == 0


def test_roll_ups_have_a_retention_of_their_own(opened: Any) -> None:
    store = opened(settings=KEEP, clock=HandClock())
    days(store, 3)
    maintain(store, NOON + 3 * DAY)
    assert count(store, "host_5m") == 3
    maintain(store, NOON + 6 * DAY)
    assert count(store, "host_5m") == 2


def test_a_late_sample_of_a_dropped_day_leaves_its_roll_up_alone(opened: Any) -> None:
    clock = HandClock()
    store = opened(settings=KEEP, clock=clock)
    for seq, name in enumerate(["a", "b"], 1):
        store.append(batch(seq=seq, rows=[vm_rows([name], vcpus=1)])).result(WAIT)
    clock.time = NOON + 4 * DAY
    maintain(store, clock.time)
    maintain(store, clock.time)
    assert tables(store) == []
    store.append(batch(seq=3, rows=[vm_rows(["a"], vcpus=1)])).result(WAIT)
    maintain(store, clock.time)
    maintain(store, clock.time)
    assert count(store, "vm_5m") == 2
    assert tables(store) == []


def test_a_day_comes_back_after_it_was_dropped(opened: Any) -> None:
    clock = HandClock()
    store = opened(settings=KEEP, clock=clock)
    days(store, 1)
    maintain(store, NOON + 4 * DAY)
    maintain(store, NOON + 4 * DAY)
    store.append(batch(seq=2, rows=[vm_rows(["a"])])).result(WAIT)
    assert count(store, "vm_sample") == 1


def test_cpu_memory_and_energy_are_kept_longer_than_the_rest(opened: Any) -> None:
    settings = replace(QUICK, raw_days=1, five_minute_days=2, long_days=4, hour_days=6)
    store = opened(settings=settings, clock=HandClock())
    rows = [
        host_rows(NOON, cpu_utilisation_ratio=0.5, load1=2.0),
        vm_rows(["a"], NOON, vcpus=1, cpu_utilisation_ratio=0.25),
    ]
    store.append(batch(seq=1, rows=rows)).result(WAIT)

    def left(day: int) -> list[Any]:
        maintain(store, NOON + day * DAY)
        sql = "SELECT cpu_utilisation_ratio_mean AS c, load1_mean AS l FROM host_5m"
        return [tuple(row.values()) for row in store.query(sql).to_pylist()]

    assert left(1) == [(0.5, 2.0)]
    assert left(3) == [(0.5, None)]
    assert left(5) == []
    assert count(store, "host_1h") == 1
    maintain(store, NOON + 7 * DAY)
    assert count(store, "host_1h") == 0


def test_a_disk_that_is_nearly_full_takes_no_sample_and_still_drops_old_ones(opened: Any) -> None:
    settings = replace(QUICK, raw_days=1, free_mib=1 << 40)
    store = opened(settings=settings, clock=HandClock())
    with pytest.raises(StoreError, match=r"have to stay \(store.free_mib\)"):
        store.append(batch(seq=1, rows=[host_rows(NOON)])).result(WAIT)
    assert "no sample is taken and none is lost" in (store.fault() or "")
    maintain(store, NOON)
