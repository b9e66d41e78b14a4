"""Roll-ups against the same sums in plain Python."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from rigs.samples import NOON, SECOND, batch, values, vm_rows

from headroom_collector.store.api import Rows, Thing, Value
from headroom_collector.store.engine import DuckStore
from headroom_proto.catalogue import Column, catalogue

WAIT = 20.0
BUCKET = 300 * SECOND
VM = catalogue().kind("vm")
Sample = tuple[int, str, tuple[Value, ...]]


def append(store: DuckStore, seq: int, samples: Iterable[Sample]) -> None:
    rows = [(time, Thing(key, {"uuid": key, "name": key}), known) for time, key, known in samples]
    store.append(batch(seq=seq, rows=[Rows("vm", rows)])).result(WAIT)


def maintain(store: DuckStore, now: int) -> int:
    """Run maintenance until nothing is left to do; return the number of buckets it made."""
    buckets = 0
    for _ in range(100):
        done = store.maintain(now)
        buckets += done.buckets
        if not done.more:
            return buckets
    raise AssertionError("maintenance does not come to an end")


def rolled(store: DuckStore) -> dict[tuple[int, str], dict[str, Any]]:
    table = store.query("SELECT r.*, t.key FROM vm_5m r JOIN things t ON t.id = r.thing_id")
    rows = table.to_pylist()
    found = {(row["time"], row["key"]): row for row in rows}
    assert len(found) == len(rows), "a bucket has two rows for one thing"
    return found


@dataclass
class Reference:
    """The same, sample by sample."""

    samples: list[Sample]

    def rows(self) -> dict[tuple[int, str], dict[str, Any]]:
        groups = defaultdict(list)
        for sample in sorted(self.samples, key=lambda sample: sample[0]):
            groups[sample[0] // BUCKET * BUCKET, sample[1]].append(sample)
        return {
            (start, key): {"samples": len(group)} | self.columns(start, key, group)
            for (start, key), group in groups.items()
        }

    def columns(self, start: int, key: str, group: list[Sample]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for index, column in enumerate(VM.columns):
            known = [value for s in group if (value := s[2][index]) is not None]
            if column.metric is None:
                continue
            if column.type == "counter":
                row[f"{column.field}_delta"] = self.growth(start, key, index)
            else:
                row[f"{column.field}_mean"] = sum(known) / len(known) if known else None
                row[f"{column.field}_max"] = max(known, default=None)
        return row

    def growth(self, start: int, key: str, index: int) -> float | None:
        before: Value = None
        steps: list[float] = []
        for time, _, known in sorted(s for s in self.samples if s[1] == key):
            value = known[index]
            if value is None or not start - 2 * BUCKET <= time < start + BUCKET:
                continue
            if time >= start and before is not None:
                steps.append(value - before if value >= before else value)
            before = value
        return sum(steps) if steps else None


def made_up(rng: random.Random, things: int, cycles: int) -> list[Sample]:
    """Samples every 20 s with values missing, cycles missing and counters reset."""
    samples = []
    for key in (f"vm{number}" for number in range(things)):
        counters = dict.fromkeys(range(len(VM.columns)), 0)
        for cycle in range(cycles):
            row: list[Value] = []
            for index, column in enumerate(VM.columns):
                counters[index] = 0 if rng.random() < 0.02 else counters[index] + rng.randrange(9)
                row.append(made_up_value(rng, column, counters[index]))
            if rng.random() > 0.1 and not (key == "vm1" and 40 < cycle < 80):
                samples.append((NOON + cycle * 20 * SECOND, key, tuple(row)))
    return samples


def made_up_value(rng: random.Random, column: Column, counter: int) -> Value:
    if rng.random() < 0.1:
        return None
    value = counter if column.type == "counter" else rng.randrange(100)
    return value if column.integer else value / 2


@pytest.mark.parametrize("seed", range(3))
def test_roll_ups_agree_with_plain_sums_also_for_late_data(store: DuckStore, seed: int) -> None:
    rng = random.Random(seed)
    samples = made_up(rng, things=4, cycles=120)
    late = rng.sample(samples, len(samples) // 5)
    early = [sample for sample in samples if sample not in late]
    now = NOON + 3600 * SECOND

    append(store, 1, early)
    maintain(store, now)
    agrees(rolled(store), Reference(early).rows())

    for number in range(0, len(late), 10):
        append(store, 2 + number // 10, late[number : number + 10])
    maintain(store, now)
    agrees(rolled(store), Reference(samples).rows())
    assert store.query("SELECT * FROM dirty").num_rows == 0


def agrees(found: dict[Any, dict[str, Any]], expected: dict[Any, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert {name: found[key][name] for name in row} == pytest.approx(row), key


def cpu(store: DuckStore, seq: int, seconds: int, value: float) -> None:
    rows = vm_rows(["a"], NOON + seconds * SECOND, cpu_seconds_total=value)
    store.append(batch(seq=seq, rows=[rows])).result(WAIT)


def growth(store: DuckStore) -> list[float | None]:
    table = store.query("SELECT cpu_seconds_total_delta AS d FROM vm_5m ORDER BY time")
    return [row["d"] for row in table.to_pylist()]


def test_a_counter_that_went_down_grew_by_its_new_value(store: DuckStore) -> None:
    for seq, (second, value) in enumerate([(0, 100.0), (10, 103.0), (20, 2.0), (30, 4.0)], 1):
        cpu(store, seq, second, value)
    maintain(store, NOON + BUCKET * 4)
    assert growth(store) == [3.0 + 2.0 + 2.0]


def test_growth_across_a_bucket_s_start_counts_unless_it_is_too_old(store: DuckStore) -> None:
    for seq, (second, value) in enumerate([(299, 10.0), (301, 11.0), (1201, 50.0)], 1):
        cpu(store, seq, second, value)
    maintain(store, NOON + BUCKET * 10)
    assert growth(store) == [None, 1.0, None]


def test_a_bucket_is_rolled_up_thirty_seconds_after_its_end(store: DuckStore) -> None:
    cpu(store, 1, 10, 1.0)
    assert maintain(store, NOON + BUCKET + 30 * SECOND - 1) == 0
    assert maintain(store, NOON + BUCKET + 30 * SECOND) == 1
    assert list(rolled(store)) == [(NOON, "a")]


def test_what_is_dirty_is_still_so_after_a_restart(opened: Any) -> None:
    first = opened()
    cpu(first, 1, 10, 1.0)
    first.close()
    second = opened()
    cpu(second, 2, 20, 5.0)
    maintain(second, NOON + BUCKET * 10)
    assert growth(second) == [4.0]


def test_attributes_and_kinds_without_roll_ups_have_none(store: DuckStore) -> None:
    names = set(store.query("SELECT * FROM vm_5m").column_names)
    assert not {name for name in names if name.startswith("domain_id")}
    sampler = Rows("sampler", [(NOON, Thing("cpu", {"sampler": "cpu"}), values("sampler", up=1))])
    store.append(batch(rows=[sampler])).result(WAIT)
    assert maintain(store, NOON + BUCKET * 10) == 0


@pytest.mark.parametrize("seed", range(2))
def test_hours_are_made_of_raw_samples_also_of_late_ones(store: DuckStore, seed: int) -> None:
    chance = random.Random(seed)
    place = [column.field for column in VM.columns].index("cpu_utilisation_ratio")
    samples: list[Sample] = []
    for number in range(240):
        known: list[Value] = [None] * len(VM.columns)
        known[place] = chance.random()
        time = NOON + number * 60 * SECOND + chance.randrange(10) * SECOND
        samples.append((time, chance.choice("ab"), tuple(known)))
    chance.shuffle(samples)
    late = NOON + 6 * 3600 * SECOND
    for seq, part in enumerate((samples[:150], samples[150:]), start=1):
        append(store, seq, part)
        maintain(store, late)
    groups: dict[tuple[int, str], list[float]] = defaultdict(list)
    for time, key, values_ in samples:
        hour = time // (12 * BUCKET) * (12 * BUCKET)
        groups[hour, key].append(float(values_[place] or 0.0))
    table = store.query("SELECT r.*, t.key FROM vm_1h r JOIN things t ON t.id = r.thing_id")
    found = {(row["time"], row["key"]): row for row in table.to_pylist()}
    assert set(found) == set(groups)
    for where, ratios in groups.items():
        row = found[where]
        assert row["samples"] == len(ratios)
        assert row["cpu_utilisation_ratio_mean"] == pytest.approx(sum(ratios) / len(ratios))
        assert row["cpu_utilisation_ratio_max"] == max(ratios)
        assert row["cpu_utilisation_ratio_p95"] == pytest.approx(np.percentile(ratios, 95))
    assert store.query("SELECT * FROM dirty_hours").num_rows == 0


def test_an_hour_is_rolled_up_once_it_is_over(store: DuckStore) -> None:
    append(store, 1, [(NOON, "a", values("vm", vcpus=1))])
    maintain(store, NOON + 3600 * SECOND + 29 * SECOND)
    assert store.query("SELECT * FROM vm_1h").num_rows == 0
    maintain(store, NOON + 3600 * SECOND + 30 * SECOND)
    assert store.query("SELECT vcpus_p95 FROM vm_1h").column(0).to_pylist() == [1.0]
