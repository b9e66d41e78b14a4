"""What becomes of a batch."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from rigs.samples import EPOCH, NOON, SECOND, batch, host_rows, values, vm_rows

from headroom_collector.store.api import Outcome, Refusal, Result, Rows, StoreError, Thing
from headroom_collector.store.engine import DuckStore

WAIT = 20.0


def append(store: DuckStore, *args: Any, **fields: Any) -> Outcome:
    return store.append(batch(*args, **fields)).result(WAIT)


def rows(store: DuckStore, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in store.query(sql).to_pylist()]


def test_a_batch_is_read_back_as_it_was_sent(store: DuckStore) -> None:
    sent = [host_rows(cpu_utilisation_ratio=0.25), vm_rows(["a", "b"], vcpus=4)]
    assert append(store, rows=sent) == Outcome(Result.STORED, 1)
    assert rows(store, "SELECT time, host_id, cpu_utilisation_ratio FROM host_sample") == [
        (NOON, 1, 0.25)
    ]
    joined = (
        "SELECT t.key, t.labels->>'name', s.vcpus, s.cpu_seconds_total "
        "FROM vm_sample s JOIN things t ON t.id = s.thing_id ORDER BY 1"
    )
    assert rows(store, joined) == [("a", "vm-a", 4, None), ("b", "vm-b", 4, None)]


def test_a_batch_that_is_there_already_is_a_duplicate_and_is_not_stored_again(
    store: DuckStore,
) -> None:
    append(store, seq=1)
    append(store, seq=2)
    assert append(store, seq=2) == Outcome(Result.DUPLICATE, 2)
    assert append(store, seq=1, crc32=99) == Outcome(Result.DUPLICATE, 2)
    assert rows(store, "SELECT count(*) FROM host_sample") == [(2,)]


def test_the_newest_batch_with_other_content_is_a_clash(store: DuckStore) -> None:
    append(store, seq=1)
    assert append(store, seq=1, crc32=99) == Outcome(Result.CLASH, 1)
    assert rows(store, "SELECT count(*) FROM host_sample") == [(1,)]


def test_a_batch_after_a_hole_is_not_stored(store: DuckStore) -> None:
    append(store, seq=1)
    assert append(store, seq=3) == Outcome(Result.HOLE, 1)
    assert append(store, seq=2) == Outcome(Result.STORED, 2)
    assert rows(store, "SELECT count(*) FROM gaps") == [(0,)]


def test_a_declared_gap_is_jumped_and_noted(store: DuckStore) -> None:
    append(store, seq=1)
    assert append(store, seq=5, gap_before=True) == Outcome(Result.STORED, 5)
    assert rows(store, "SELECT host_id, epoch, from_seq, to_seq, time FROM gaps") == [
        (1, EPOCH, 2, 4, NOON)
    ]


def test_the_first_batch_of_an_unknown_spool_is_its_baseline(store: DuckStore) -> None:
    assert append(store, seq=7) == Outcome(Result.STORED, 7)
    assert rows(store, "SELECT from_seq, to_seq FROM gaps") == [(1, 6)]
    assert rows(store, "SELECT seq, baseline FROM high_water") == [(7, 7)]
    assert append(store, seq=1, epoch=b"another") == Outcome(Result.STORED, 1)
    assert store.high_water("alpha", EPOCH) == 7
    assert store.high_water("alpha", b"another") == 1
    assert store.high_water("beta", EPOCH) == 0


def test_batches_of_one_group_follow_each_other(store: DuckStore) -> None:
    futures = [store.append(batch(seq=seq)) for seq in (1, 2, 3, 3, 5)]
    results = [future.result(WAIT).result for future in futures]
    assert results == [Result.STORED] * 3 + [Result.DUPLICATE, Result.HOLE]


def test_a_batch_that_cannot_be_stored_takes_no_other_with_it(store: DuckStore) -> None:
    odd = Rows("host", [(NOON, Thing(), values("host")[:-1])])
    futures = [
        store.append(batch("alpha")),
        store.append(batch("broken", rows=[odd])),
        store.append(batch("stranger", rows=[Rows("weather", [])])),
        store.append(batch("beta")),
    ]
    assert futures[0].result(WAIT) == futures[3].result(WAIT) == Outcome(Result.STORED, 1)
    for future in futures[1:3]:
        with pytest.raises(StoreError, match="cannot be stored"):
            future.result(WAIT)
    assert [host.name for host in store.hosts()] == ["alpha", "beta"]
    assert store.high_water("broken", EPOCH) == 0


def test_a_host_row_tells_what_is_known_of_it(store: DuckStore) -> None:
    append(store, facts={"os": "Debian"}, simulated=True, agent_version="1", interval_seconds=5.0)
    append(store, seq=2, received=NOON + 9, simulated=True, rows=[host_rows(NOON - SECOND)])
    (host,) = store.hosts()
    assert (host.first_seen, host.last_seen, host.received) == (NOON - SECOND, NOON, NOON + 9)
    assert (host.simulated, host.agent_version, host.interval_seconds) == (True, "1", 5.0)
    assert host.facts == {"os": "Debian"}


def test_a_host_that_sends_again_takes_its_goodbye_back(store: DuckStore) -> None:
    append(store)
    store.change(lambda cursor, _: cursor.execute("UPDATE hosts SET goodbye = 5")).result(WAIT)
    assert store.hosts()[0].goodbye == 5
    append(store, seq=2)
    assert store.hosts()[0].goodbye is None


def test_refused_values_are_counted_by_host_hour_and_reason(store: DuckStore) -> None:
    append(store, refused=[Refusal("nan", "load_1m", 2), Refusal("nan", "load_5m")])
    append(store, seq=2, refused=[Refusal("nan", "load_15m")])
    assert rows(store, "SELECT host_id, time, reason, detail, count FROM refusals") == [
        (1, NOON, "nan", "load_15m", 4)
    ]
    assert store.statistics()["values_refused_total"] == 4


def test_the_statistics_say_what_happened(store: DuckStore) -> None:
    for seq in (1, 2, 2, 4):
        append(
            store, seq=seq, rows=[host_rows(cpu_utilisation_ratio=0.5, cpu_user_seconds_total=1.0)]
        )
    found = store.statistics()
    assert found["batches_total"] == 2
    assert found["batches_duplicate_total"] == found["batches_resend_total"] == 1
    assert found["values_total"] == 4
    assert found["commits_total"] == 2
    assert found["store_bytes"] > 0


def test_a_thing_has_the_newest_labels_whatever_comes_late(store: DuckStore) -> None:
    def named(name: str, time: int) -> list[Rows]:
        return [Rows("vm", [(time, Thing("a", {"uuid": "a", "name": name}), values("vm"))])]

    hour = 3600 * SECOND
    append(store, seq=1, rows=named("first", NOON))
    append(store, seq=2, rows=named("renamed", NOON + hour))
    append(store, seq=3, rows=named("first", NOON - hour))
    sql = "SELECT labels->>'name', first_seen, last_seen FROM things"
    assert rows(store, sql) == [("renamed", NOON - hour, NOON + hour)]
    assert rows(store, "SELECT count(DISTINCT thing_id) FROM vm_sample") == [(1,)]


@dataclass
class Model:
    """What the store is to do with batches, in plain words."""

    stored: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def take(self, host: str, seq: int, crc32: int, gap: bool) -> Result:
        known = self.stored.setdefault(host, [])
        newest, content = known[-1] if known else (None, None)
        if newest is not None and seq <= newest:
            clash = seq == newest and crc32 != content
            return Result.CLASH if clash else Result.DUPLICATE
        if newest is not None and seq > newest + 1 and not gap:
            return Result.HOLE
        known.append((seq, crc32))
        return Result.STORED


@pytest.mark.parametrize("seed", range(3))
def test_any_mixture_of_batches_is_taken_as_the_protocol_says(opened: Any, seed: int) -> None:
    rng, model = random.Random(seed), Model()
    for _ in range(3):
        store = opened()
        sent = []
        for _ in range(60):
            host = rng.choice(["a", "b", "c"])
            newest = (model.stored.get(host) or [(0, 0)])[-1][0]
            one = (
                host,
                max(1, newest + rng.randrange(-2, 4)),
                rng.randrange(2),
                rng.random() < 0.1,
            )
            future = store.append(batch(one[0], one[1], crc32=one[2], gap_before=one[3]))
            sent.append((future, model.take(*one)))
        assert [future.result(WAIT).result for future, _ in sent] == [result for _, result in sent]
        marks = {host: known[-1][0] for host, known in model.stored.items()}
        assert {host: store.high_water(host, EPOCH) for host in marks} == marks
        count = sum(len(known) for known in model.stored.values())
        assert rows(store, "SELECT count(*) FROM host_sample") == [(count,)]
        lost = sum(known[-1][0] - len(known) for known in model.stored.values())
        assert rows(store, "SELECT coalesce(sum(to_seq - from_seq + 1), 0) FROM gaps") == [(lost,)]
        store.close()


def test_a_thing_s_times_reach_from_its_oldest_sample_to_its_newest(store: DuckStore) -> None:
    for seq, seconds in enumerate((0, 30, 300, -500, -100), 1):
        append(store, seq=seq, rows=[vm_rows(["a"], NOON + seconds * SECOND)])
    sql = "SELECT first_seen, last_seen FROM things"
    assert rows(store, sql) == [(NOON - 500 * SECOND, NOON + 300 * SECOND)]


def test_an_unknown_spool_begins_where_another_collector_left_off(store: DuckStore) -> None:
    first = batch(seq=141, gap_before=True, acked_before=100)
    assert store.append(first).result(WAIT).result is Result.STORED
    gaps = store.query("SELECT from_seq, to_seq FROM gaps").to_pylist()
    assert gaps == [{"from_seq": 101, "to_seq": 140}]
    assert store.query("SELECT baseline FROM high_water").to_pylist() == [{"baseline": 141}]


def test_the_checksum_of_the_newest_batch_is_known(store: DuckStore) -> None:
    assert store.checksum("alpha", EPOCH) is None
    store.append(batch(seq=1, crc32=77)).result(WAIT)
    assert store.checksum("alpha", EPOCH) == 77
