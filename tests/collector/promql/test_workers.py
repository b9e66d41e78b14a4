"""Jobs in child processes: the same answers, limits, cancellation, and a parent that goes on."""

import os
import threading
import time

import pytest
from rigs.everything import INVENTORY, Estate
from rigs.jobs import Ask
from rigs.samples import NOON, QUICK, HandClock

from headroom_collector.inventory.book import MIGRATIONS
from headroom_collector.promql.errors import LateError, PromqlError, UnavailableError
from headroom_collector.promql.jobs import Evaluate, ListSeries, ListValues, Match, Scene
from headroom_collector.promql.query import Deadline, Span
from headroom_collector.promql.workers import Children, Threads
from headroom_collector.store.api import StoreError
from headroom_collector.store.engine import open_store

NOW = NOON // 1_000_000
LONG = Span(NOW - 3_600_000, NOW, 15_000)
GIB = 1 << 30


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    (folder / "inventory.csv").write_text(INVENTORY)
    made = open_store(folder / "store", QUICK, MIGRATIONS, HandClock())
    try:
        for batch in Estate(NOON, minutes=20).batches():
            made.append(batch).result(60)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def scene(store):
    rows = store.query("SELECT id, name FROM hosts").to_pylist()
    hosts = {row["id"]: {"host": row["name"], "site": "s"} for row in rows}
    return Scene(hosts, {labels["host"]: labels for labels in hosts.values()}, 0)


@pytest.fixture(scope="module")
def children():
    made = Children(1, 3 * GIB)
    yield made
    made.close()


def soon(seconds=60.0):
    return Deadline(time.monotonic, seconds)


@pytest.mark.parametrize(
    "job",
    [
        Evaluate("sum by (site) (rate(headroom_host_cpu_seconds_total[5m]))", LONG),
        Evaluate("topk(3, headroom_host_cpu_utilisation_ratio)", Span(NOW, NOW)),
        ListSeries(Match(("headroom_vm_vcpus",))),
        ListValues("host", Match()),
    ],
    ids=["over time", "now", "series", "values"],
)
def test_a_child_answers_as_a_thread_does(store, scene, children, job):
    assert children.run(job, scene, store, soon()) == Threads().run(job, scene, store, soon())


def test_jobs_run_in_one_other_process_that_stays(store, scene, children):
    first, second = (children.run(Ask("pid"), scene, store, soon()) for _ in range(2))
    assert first == second != str(os.getpid())


def test_a_query_that_is_wrong_is_said_in_the_childs_words(store, scene, children):
    with pytest.raises(PromqlError, match="'limitk' is not supported"):
        children.run(Evaluate("limitk(2, headroom_host_cpus)", LONG), scene, store, soon())


def test_what_the_store_says_reaches_the_one_who_asked(scene, children):
    class Broken:
        def query(self, sql, parameters=()):
            raise StoreError("the disk is gone")

    with pytest.raises(StoreError, match="the disk is gone"):
        children.run(Evaluate("headroom_host_cpus", LONG), scene, Broken(), soon())


def test_a_busy_job_ends_at_its_time(store, scene, children):
    with pytest.raises(LateError):
        children.run(Ask("busy"), scene, store, soon(0.3))
    assert children.run(Ask("pid"), scene, store, soon())


def test_a_job_that_nobody_waits_for_ends_and_its_process_stays(store, scene, children):
    before, deadline = children.run(Ask("pid"), scene, store, soon()), soon()
    threading.Timer(0.2, deadline.cancel).start()
    with pytest.raises(LateError, match="cancelled"):
        children.run(Ask("busy"), scene, store, deadline)
    assert children.run(Ask("pid"), scene, store, soon()) == before


def test_a_job_that_hangs_loses_its_process_and_the_next_gets_another(store, scene, children):
    before = children.run(Ask("pid"), scene, store, soon())
    with pytest.raises(LateError):
        children.run(Ask("hang"), scene, store, soon(0.2))
    assert children.run(Ask("pid"), scene, store, soon()) != before


def test_a_job_whose_process_dies_is_one_line_and_the_next_gets_another(store, scene, children):
    with pytest.raises(UnavailableError, match="process ended"):
        children.run(Ask("die"), scene, store, soon())
    assert children.run(Ask("pid"), scene, store, soon())


def test_a_job_may_not_take_all_memory(store, scene, children):
    with pytest.raises(PromqlError, match="needs more memory"):
        children.run(Ask("eat"), scene, store, soon())


def test_the_parent_is_free_while_a_child_is_busy(store, scene, children):
    """A thread of the parent turns all the while: the child's work takes no interpreter of ours."""
    turns, deadline = [], soon(1.0)

    def turn():
        while deadline.wanted():
            turns.append(time.monotonic())
            time.sleep(0.005)

    thread = threading.Thread(target=turn)
    thread.start()
    with pytest.raises(LateError):
        children.run(Ask("busy"), scene, store, deadline)
    thread.join()
    assert len(turns) > 20
