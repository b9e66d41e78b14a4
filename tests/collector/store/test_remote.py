"""What readers see of another engine is what a collector of its own would show them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from rigs.engines import receiving_prometheus, victoria
from rigs.samples import QUICK, SECOND, batch, host_rows, vm_rows

from headroom_collector.sink_settings import RemoteWrite
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.api import StoreError
from headroom_collector.store.engine import DuckStore, open_store
from headroom_collector.store.remote.client import Engine
from headroom_collector.store.remote.mirror import Mirror
from headroom_collector.store.remote.reader import EngineStore
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

WAIT = 20.0
MINUTE = 60 * SECOND
HOSTS = ("alpha", "beta")


def opened(folder: Path) -> DuckStore:
    return open_store(folder, QUICK, (), SystemClock())


def reading(store: DuckStore, url: str, client: httpx.Client) -> EngineStore:
    mirror = Mirror(store.database, Engine(url, client, timeout_seconds=20), catalogue(), 2)
    return EngineStore(store, mirror, SystemClock())


def fill(store: DuckStore, start: int, minutes: int) -> None:
    futures = []
    for host_number, host in enumerate(HOSTS):
        for seq in range(1, minutes + 1):
            at = start + seq * MINUTE
            rows = [
                host_rows(
                    at,
                    cpu_utilisation_ratio=(seq % 10 + host_number) / 20,
                    cpu_user_seconds_total=seq * 7.5,
                    cpus=8,
                    memory_total_bytes=64 << 30,
                    load1=seq / 10,
                ),
                vm_rows([f"{host}-1", f"{host}-2"], at, vcpus=2, cpu_utilisation_ratio=0.25),
            ]
            futures.append(store.append(batch(host, seq=seq, rows=rows)))
    for future in futures:
        future.result(WAIT)


@pytest.fixture
def start() -> int:
    """The start of a bucket an hour and a half ago."""
    return (int(time.time()) // 300 * 300 - 5400) * SECOND


@pytest.fixture(params=["prometheus", "victoria-metrics"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:
        if request.param == "prometheus":
            yield stack.enter_context(receiving_prometheus(tmp_path, "3h"))
        else:
            yield stack.enter_context(victoria(tmp_path))


def test_readers_see_another_engine_as_they_see_the_store(
    engine: Any, tmp_path: Path, start: int
) -> None:
    source, here = opened(tmp_path / "source"), opened(tmp_path / "here")
    client = httpx.Client()
    try:
        fill(source, start, (time.time_ns() - start) // MINUTE)
        kinds = [catalogue().kind(name) for name in ("host", "vm")]
        writer = RemoteWriter(RemoteWrite(url=f"{engine.url}/api/v1/write"), client)
        sink = SinkTask(source, writer, kinds, lambda *_: {"site": "fra1"}, SystemClock())
        while sink.step():
            pass
        engine.flush()
        for _ in range(40):
            if not source.maintain(time.time_ns()).more:
                break
        seen = reading(here, engine.url, client)
        while seen.mirror.step(time.time_ns()):
            pass
        assert [host.name for host in seen.hosts()] == list(HOSTS)
        assert seen.hosts()[0].facts == {"threads": 8, "memory_bytes": 64 << 30}
        _same_rollups(source, seen)
        _same_newest(source, seen)
        assert here.hosts() == []
    finally:
        client.close()
        source.close()
        here.close()


ROLLED = """
SELECT h.name, t.key, r.time, r.samples, {columns} FROM {kind}_5m r
JOIN hosts h ON h.id = r.host_id JOIN things t ON t.id = r.thing_id ORDER BY 1, 2, 3
"""


def _same_rollups(source: DuckStore, seen: EngineStore) -> None:
    for kind, columns in (
        ("host", "cpu_utilisation_ratio_mean, cpu_utilisation_ratio_max, cpus_mean"),
        ("host", "cpu_user_seconds_total_delta"),
        ("vm", "vcpus_mean, cpu_utilisation_ratio_max"),
    ):
        sql = ROLLED.format(kind=kind, columns=columns)
        ours = [tuple(row.values()) for row in source.query(sql).to_pylist()]
        theirs = [tuple(row.values()) for row in seen.query(sql).to_pylist()]
        ours = [row for row in ours if row[2] <= theirs[-1][2]]
        assert len(ours) >= 30
        assert [row[:3] for row in ours] == [row[:3] for row in theirs]
        for own, their in zip(ours, theirs, strict=True):
            # The first bucket has no sample before it that the engine could tell of.
            assert their[3:] == pytest.approx(own[3:], rel=1e-9, abs=1e-12) or own[2] == ours[0][2]


def _same_newest(source: DuckStore, seen: EngineStore) -> None:
    sql = """
    SELECT h.name, arg_max(s.cpu_utilisation_ratio, s.time), arg_max(s.load1, s.time)
    FROM host_sample s JOIN hosts h ON h.id = s.host_id WHERE s.time > {after} GROUP BY 1 ORDER BY 1
    """
    newest = seen.query(sql.format(after=0)).to_pylist()
    assert newest == source.query(sql.format(after=0)).to_pylist()


def test_an_engine_that_does_not_answer_is_one_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    here, client = opened(tmp_path / "here"), httpx.Client()
    try:
        seen = reading(here, "http://127.0.0.1:9", client)
        with pytest.raises(StoreError, match=r"engine http://127.0.0.1:9: ConnectError"):
            seen.mirror.step(time.time_ns())
        assert seen.hosts() == []
        assert seen.query("SELECT count(*) AS n FROM host_5m").to_pylist() == [{"n": 0}]
        seen.append(batch(seq=1, rows=[host_rows(time.time_ns())])).result(WAIT)
        assert seen.hosts() == []
        assert [host.name for host in here.hosts()] == ["alpha"]
    finally:
        client.close()
        here.close()
