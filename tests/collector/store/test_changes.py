"""Changes of other rooms, listeners, readers and closing."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import duckdb
import pytest
from rigs.samples import EPOCH, HandClock, batch, host_rows

from headroom_collector.store.api import COLLECTOR_HOST, Migration, Outcome, Result, StoreError
from headroom_collector.store.engine import DuckStore
from headroom_collector.store.producer import OwnProducer

WAIT = 20.0
NOTES = Migration("notes", 1, "CREATE TABLE notes(text VARCHAR, commit_id BIGINT)")
Cursor = duckdb.DuckDBPyConnection


@pytest.fixture
def noted(opened: Any) -> DuckStore:
    store: DuckStore = opened(migrations=[NOTES])
    return store


def note(cursor: Cursor, commit_id: int) -> None:
    cursor.execute("INSERT INTO notes VALUES ('x', ?)", [commit_id])


def fail(cursor: Cursor, commit_id: int) -> None:
    note(cursor, commit_id)
    raise LookupError("no such alert")


def notes(store: DuckStore) -> list[int]:
    return [row["commit_id"] for row in store.query("SELECT commit_id FROM notes").to_pylist()]


def held(store: DuckStore) -> tuple[Event, "Future[int]"]:
    """Hold the writer until the event is set, so that what follows becomes one group."""
    started, release = Event(), Event()

    def wait(cursor: Cursor, commit_id: int) -> None:
        started.set()
        release.wait(WAIT)

    future = store.change(wait)
    assert started.wait(WAIT)
    return release, future


def test_a_change_rides_in_the_commit_of_the_samples_before_it(noted: DuckStore) -> None:
    release, _ = held(noted)
    noted.append(batch(rows=[host_rows()]))
    done = noted.change(note)
    release.set()
    commit_id = done.result(WAIT)
    assert notes(noted) == [commit_id]
    rows = noted.query("SELECT commit_id FROM host_sample").to_pylist()
    assert rows == [{"commit_id": commit_id}]


def test_a_change_that_raises_takes_nothing_else_with_it(noted: DuckStore) -> None:
    release, _ = held(noted)
    stored = noted.append(batch())
    bad, good, sql = noted.change(fail), noted.change(note), noted.change(_wrong_sql)
    after = noted.append(batch(seq=2))
    release.set()
    with pytest.raises(LookupError, match="no such alert"):
        bad.result(WAIT)
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        sql.result(WAIT)
    assert stored.result(WAIT).result is after.result(WAIT).result is Result.STORED
    assert notes(noted) == [good.result(WAIT)]
    assert noted.query("SELECT * FROM host_sample").num_rows == 2


def _wrong_sql(cursor: Cursor, commit_id: int) -> None:
    cursor.execute("INSERT INTO nowhere VALUES (1)")


def test_listeners_hear_of_every_commit_in_order_even_when_one_fails(noted: DuckStore) -> None:
    heard: list[int] = []

    def broken(commit_id: int) -> None:
        raise RuntimeError("listener")

    noted.subscribe(broken)
    noted.subscribe(heard.append)
    ids = [noted.change(note).result(WAIT) for _ in range(3)]
    noted.append(batch()).result(WAIT)
    noted.append(batch()).result(WAIT)  # a duplicate commits nothing
    noted.close()
    assert heard == [*ids, ids[-1] + 1]


def test_a_caller_that_gave_up_does_not_stop_the_writer(noted: DuckStore) -> None:
    release, _ = held(noted)
    future = noted.append(batch())
    assert not future.cancel()
    release.set()
    assert future.result(WAIT) == Outcome(Result.STORED, 1)


def test_closing_writes_what_is_queued_and_refuses_what_comes_after(noted: DuckStore) -> None:
    futures = [noted.append(batch(seq=seq)) for seq in range(1, 20)]
    noted.close()
    noted.close()
    assert [future.result(WAIT).result for future in futures] == [Result.STORED] * 19
    for late in (noted.append(batch(seq=20)), noted.change(note)):
        with pytest.raises(StoreError, match="closed"):
            late.result(WAIT)
    with pytest.raises(StoreError, match="closed"):
        noted.hosts()


def test_readers_in_many_threads_see_whole_commits_only(noted: DuckStore) -> None:
    def read(_: int) -> bool:
        sql = "SELECT count(*) AS n, count(DISTINCT commit_id) AS c FROM host_sample"
        row = noted.query(sql).to_pylist()[0]
        return bool(row["n"] == 10 * row["c"])

    with ThreadPoolExecutor(4) as pool:
        seen = pool.map(read, range(60))
        for seq in range(1, 21):
            noted.append(batch(seq=seq, rows=[host_rows()] * 10)).result(WAIT)
        assert all(seen)


@pytest.mark.parametrize(
    "sql",
    ["SELECT nothing FROM hosts", "DELETE FROM hosts", "CREATE TABLE x(y INTEGER)", "SELECT", ""],
)
def test_a_reader_gets_one_line_for_what_it_cannot_run(noted: DuckStore, sql: str) -> None:
    noted.append(batch()).result(WAIT)
    with pytest.raises(StoreError) as caught:
        noted.query(sql)
    assert "\n" not in str(caught.value)
    assert len(noted.hosts()) == 1


def test_a_reader_cannot_reach_files(noted: DuckStore) -> None:
    with pytest.raises(StoreError, match="disabled"):
        noted.query("SELECT * FROM read_text('/etc/hostname')")


def test_a_query_takes_parameters(noted: DuckStore) -> None:
    noted.append(batch("alpha")).result(WAIT)
    noted.append(batch("beta")).result(WAIT)
    sql = "SELECT name FROM hosts WHERE name = ? OR id = ?"
    assert noted.query(sql, ["beta", 7]).to_pylist() == [{"name": "beta"}]


def test_the_collector_s_own_samples_are_no_host_of_the_estate(noted: DuckStore) -> None:
    producer = OwnProducer(noted, HandClock(), lambda count: EPOCH[:count])
    results = [producer.append([host_rows()]).result(WAIT) for _ in range(2)]
    assert results == [Outcome(Result.STORED, 1), Outcome(Result.STORED, 2)]
    assert noted.hosts() == []
    assert noted.high_water(COLLECTOR_HOST, EPOCH) == 2
    assert noted.query("SELECT * FROM host_sample").num_rows == 2
    assert noted.query("SELECT * FROM gaps").num_rows == 0
