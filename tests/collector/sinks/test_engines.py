"""Every sample reaches a real engine once, with the values and labels that the store has."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from rigs.engines import Engine, receiving_prometheus, victoria
from rigs.samples import SECOND, batch, host_rows, vm_rows

from headroom_collector.cli.doctor import late
from headroom_collector.sink_settings import InfluxDb, RemoteWrite
from headroom_collector.sinks import influxdb
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.sender import UnreachableError
from headroom_collector.sinks.target import Target
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.engine import DuckStore
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

WAIT = 20.0
METRIC = "headroom_host_cpu_utilisation_ratio"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with victoria(tmp_path) as made:
        yield made


def task(store: DuckStore, target: Target) -> SinkTask:
    kinds = [catalogue().kind(name) for name in ("host", "vm")]
    return SinkTask(store, target, kinds, lambda *_: {"site": "fra1"}, SystemClock())


Writer = Callable[[str], RemoteWriter]


@pytest.fixture
def writer() -> Iterator[Writer]:
    """Makes writers to an engine's URL, and closes their connections."""
    made: list[RemoteWriter] = []

    def make(url: str) -> RemoteWriter:
        made.append(RemoteWriter(RemoteWrite(url=f"{url}/api/v1/write"), httpx.Client()))
        return made[-1]

    yield make
    for one in made:
        one.close()


def fill(store: DuckStore, first: int, last: int, base: int) -> None:
    """Append a sample a second, its utilisation a function of its number."""
    futures = [
        store.append(
            batch(
                seq=seq,
                rows=[
                    host_rows(base + seq * SECOND, cpu_utilisation_ratio=seq / 1000),
                    vm_rows(["a", "b"], base + seq * SECOND, vcpus=seq),
                ],
            )
        )
        for seq in range(first, last + 1)
    ]
    for future in futures:
        future.result(WAIT)


def deliver(sink: SinkTask) -> None:
    while sink.step():
        pass


def stored(engine: Engine, metric: str, base: int, count: int) -> list[float]:
    """Return the values of the one series of the metric, which has a point a second."""
    engine.flush()
    start = base / SECOND
    [(labels, points)] = engine.points(metric, start, start + count + 1)
    assert labels["host"] == "alpha"
    assert labels["site"] == "fra1"
    assert [round(at - start) for at, _ in points] == list(range(1, len(points) + 1))
    return [value for _, value in points]


@pytest.fixture
def base() -> int:
    """A moment ten minutes ago, at a whole second."""
    return (int(time.time()) - 600) * SECOND


@pytest.mark.parametrize("protocol", ["remote write", "influxdb"])
def test_an_engine_that_was_down_catches_up_without_loss_or_doubling(
    store: DuckStore, engine: Engine, base: int, writer: Writer, protocol: str
) -> None:
    target: Target = (
        writer(engine.url)
        if protocol == "remote write"
        else influxdb.connect(InfluxDb(url=engine.url, timeout_seconds=5))
    )
    sink = task(store, target)
    fill(store, 1, 20, base)
    deliver(sink)
    engine.stop()
    fill(store, 21, 60, base)
    with pytest.raises(UnreachableError, match="no answer"):
        sink.step()
    engine.start()
    fill(store, 61, 80, base)
    deliver(task(store, target))  # as after a restart: from the durable cursor
    assert stored(engine, METRIC, base, 80) == [seq / 1000 for seq in range(1, 81)]
    engine.flush()
    found = engine.points("headroom_vm_vcpus", base / SECOND, base / SECOND + 81)
    assert sorted(labels["uuid"] for labels, _ in found) == ["a", "b"]
    assert all([value for _, value in points] == list(range(1, 81)) for _, points in found)
    target.close()


def test_what_is_sent_again_after_a_kill_replaces_itself(
    store: DuckStore, tmp_path: Path, base: int, writer: Writer
) -> None:
    with victoria(tmp_path, "-dedup.minScrapeInterval=1ms") as engine:
        killed = task(store, writer(engine.url))
        fill(store, 1, 20, base)
        deliver(killed)
        cursor = store.query("SELECT commit_id FROM sink_cursors").column(0)[0].as_py()
        store.change(
            lambda tables, _: tables.execute("UPDATE sink_cursors SET commit_id = 0")
        ).result(WAIT)
        assert cursor > 0
        deliver(task(store, writer(engine.url)))
        assert stored(engine, METRIC, base, 20) == [seq / 1000 for seq in range(1, 21)]


def test_prometheus_takes_what_arrives_late_with_a_window(
    store: DuckStore, tmp_path: Path, base: int, writer: Writer
) -> None:
    with receiving_prometheus(tmp_path, window="2h") as engine:
        sink = task(store, writer(engine.url))
        fill(store, 30, 60, base)
        deliver(sink)
        store.append(
            batch(
                "alpha",
                1,
                epoch=b"another spool's!",
                rows=[host_rows(base + 29 * SECOND, cpu_utilisation_ratio=0.029)],
            )
        ).result(WAIT)
        deliver(sink)
        start = base / SECOND
        [(_, points)] = engine.points(METRIC, start, start + 61)
        assert [value for _, value in points] == [seq / 1000 for seq in range(29, 61)]
        assert sink.tally.refused == 0


def test_without_a_window_late_samples_are_refused_counted_and_hold_up_nothing(
    store: DuckStore, tmp_path: Path, base: int, writer: Writer
) -> None:
    with receiving_prometheus(tmp_path) as engine:
        sink = task(store, writer(engine.url))
        fill(store, 30, 40, base)
        deliver(sink)
        late = host_rows(base + 29 * SECOND, cpu_utilisation_ratio=0.029)
        store.append(batch("alpha", 1, epoch=b"another spool's!", rows=[late])).result(WAIT)
        fresh = host_rows(base + 41 * SECOND, cpu_utilisation_ratio=0.041)
        store.append(batch("beta", 1, rows=[fresh])).result(WAIT)
        deliver(sink)
        assert sink.tally.refused == 1
        assert "out of order" in sink.tally.reason
        start = base / SECOND
        found = {
            labels["host"]: points for labels, points in engine.points(METRIC, start, start + 61)
        }
        assert len(found["alpha"]) == 11
        assert [value for _, value in found["beta"]] == [0.041]


def test_too_old_for_the_window_is_refused_after_a_second_try(
    store: DuckStore, tmp_path: Path, base: int, writer: Writer
) -> None:
    with receiving_prometheus(tmp_path, window="1m") as engine:
        sink = task(store, writer(engine.url))
        fill(store, 400, 410, base)
        deliver(sink)
        late = host_rows(base + 1 * SECOND, cpu_utilisation_ratio=0.001)
        store.append(batch("alpha", 1, epoch=b"another spool's!", rows=[late])).result(WAIT)
        deliver(sink)
        assert sink.tally.refused == 1
        assert "too old" in sink.tally.reason


def test_the_same_time_with_another_value_is_refused_by_prometheus(
    store: DuckStore, tmp_path: Path, base: int, writer: Writer
) -> None:
    with receiving_prometheus(tmp_path) as engine:
        sink = task(store, writer(engine.url))
        fill(store, 1, 5, base)
        deliver(sink)
        other = host_rows(base + 5 * SECOND, cpu_utilisation_ratio=0.9)
        store.append(batch("alpha", 1, epoch=b"another spool's!", rows=[other])).result(WAIT)
        deliver(sink)
        assert sink.tally.refused == 1
        assert "duplicate sample" in sink.tally.reason


def test_the_doctor_finds_a_prometheus_that_refuses_what_comes_late(tmp_path: Path) -> None:
    found = []
    for window in ("", "2h"):
        (tmp_path / f"w{window}").mkdir()
        with (
            receiving_prometheus(tmp_path / f"w{window}", window) as engine,
            httpx.Client() as http,
        ):
            [one] = late(f"{engine.url}/api/v1/write", http)
            found.append((one.state, "out_of_order_time_window" in one.found))
    assert found == [("bad", True), ("good", False)]


def test_the_doctor_leaves_other_engines_alone_and_names_one_that_is_gone(engine: Engine) -> None:
    with httpx.Client() as http:
        assert [one.state for one in late(f"{engine.url}/api/v1/write", http)] == ["good"]
        [gone] = late("http://127.0.0.1:9/api/v1/write", http)
    assert (gone.state, "does not answer" in gone.found) == ("bad", True)


def test_victoria_takes_what_is_late_and_the_same_moment_twice(
    store: DuckStore, engine: Engine, base: int, writer: Writer
) -> None:
    sink = task(store, writer(engine.url))
    for seq, (second, value) in enumerate([(60, 0.5), (1, 0.25), (60, 0.75)], start=1):
        rows = [host_rows(base + second * SECOND, cpu_utilisation_ratio=value)]
        store.append(batch(seq=seq, rows=rows)).result(WAIT)
        deliver(sink)
    assert (sink.tally.sent, sink.tally.refused) == (3, 0)
