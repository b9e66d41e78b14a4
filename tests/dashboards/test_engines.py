"""Every target of every dashboard on every engine that holds the same estate: the same answers."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from rigs.engines import receiving_prometheus, victoria
from rigs.everything import INVENTORY, Estate
from rigs.influx import influxdb
from rigs.samples import NOON, QUICK, HandClock

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.sink_settings import InfluxDb, RemoteWrite
from headroom_collector.sinks.influxdb import InfluxWriter
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.source import last_commit, read
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import pages
from headroom_dashboards.flavour import Json
from headroom_dashboards.influxql.flavour import LABEL, Influxql, found
from headroom_dashboards.influxql.translate import Pair, Top
from headroom_dashboards.query import Query
from headroom_proto.catalogue import catalogue

END = NOON // 1_000_000
MINUTE = 60_000
SPAN = 30 * MINUTE
RATE = "4m"
VALUES = {"$site": ".*", "$cluster": ".*", "$host": ".*", "$vm": ".*", "$ceiling": "0.40",
    "$carbon": "0.328"}  # fmt: skip
SAME = 1e-9
GROWN = 1e-6
"""Of rates: engines divide by what they take for the time between two samples."""
OVER_A_DAY = 0.03
"""Growth over a range that samples do not fill: Prometheus adds what it expects at both ends."""

pytestmark = pytest.mark.engine("prometheus")


@dataclass(frozen=True)
class Asked:
    """A query of a panel, with the targets that the InfluxQL flavour made of it."""

    page: str
    panel: str
    query: Query
    targets: list[Json]
    interval: str

    @property
    def step(self) -> int:
        """Width of a step in milliseconds."""
        return max(MINUTE, int(self.interval.rstrip("s") or 0) * 1000)

    @property
    def expr(self) -> str:
        """What Prometheus is asked for the same."""
        return filled(self.query.influx or self.query.expr)

    @property
    def tolerance(self) -> float:
        if "increase(" in self.expr:
            return OVER_A_DAY
        return GROWN if "rate(" in self.expr else SAME


def filled(text: str) -> str:
    for name, value in {**VALUES, "$__rate_interval": RATE}.items():
        text = text.replace(name, value)
    return text


def all_asked() -> list[Asked]:
    flavour, made = Influxql(), []
    for name, page in pages(Ceiling(), Rule()).items():
        for band in page.bands:
            for _, body in band.panels:
                panel = body.panel
                asked = flavour.asked(panel.queries)
                single = len(panel.queries) == 1
                for number, query in enumerate(panel.queries):
                    targets = list(asked.targets) if single else [asked.targets[number]]
                    made.append(Asked(name, panel.title, query, targets, asked.interval))
    return made


EVERY = all_asked()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A collector's store with the estate, its counters growing evenly."""
    folder, clock = tmp_path_factory.mktemp("collector"), HandClock()
    (folder / "inventory.csv").write_text(INVENTORY)
    made = open_store(folder / "store", QUICK, [*MIGRATIONS, *ALERT_TABLES], clock)
    try:
        for batch in Estate(NOON, steady=True).batches():
            made.append(batch).result(60)
        yield made, Book(made, folder / "inventory.csv", clock)
    finally:
        made.close()


def delivered(store, url: str) -> None:
    """Send everything through the product's own sink."""
    made, book = store
    with httpx.Client(timeout=30) as client:
        target = RemoteWriter(RemoteWrite(url=f"{url}/api/v1/write"), client)
        sink = SinkTask(
            made,
            target,
            catalogue().kinds,
            lambda host, _: book.member(host).placement.labels(),
            HandClock(),
        )
        while sink.step():
            pass
        assert (sink.tally.refused, sink.tally.reason) == (0, "")


class Metrics:
    """An engine that answers Prometheus' HTTP API."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def answer(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        got = self.client.post(f"/api/v1/{path}", data={"nocache": "1", **asked}).json()
        assert got["status"] == "success", (got, asked)
        result: list[dict[str, Any]] = got["data"]["result"]
        return result

    def instant(self, expr: str) -> "Series":
        return series(self.answer("query", query=expr, time=END / 1000))

    def over_time(self, asked: Asked) -> "Series":
        first, last = bounds(asked.step)
        span = {"start": (first + asked.step) / 1000, "end": last / 1000}
        return series(self.answer("query_range", query=asked.expr, step=asked.step / 1000, **span))


Series = dict[frozenset[tuple[str, str]], dict[int, float]]


def series(result: list[dict[str, Any]]) -> Series:
    return {
        frozenset((k, v) for k, v in each["metric"].items() if k != "__name__" and v): {
            round(float(at) * 1000): float(value)
            for at, value in each.get("values", [each.get("value")])
        }
        for each in result
    }


def bounds(step: int) -> tuple[int, int]:
    """Return the first step's begin and the last one's end, in milliseconds."""
    last = -(-END // step) * step
    return min(last - step, (END - SPAN) // step * step), last


@pytest.fixture(scope="module")
def prometheus(store, tmp_path_factory):
    with receiving_prometheus(tmp_path_factory.mktemp("prometheus"), window="2h") as running:
        delivered(store, running.url)
        with httpx.Client(base_url=running.url, timeout=60) as client:
            yield Metrics(client)


@pytest.fixture(scope="module")
def metrics(store, tmp_path_factory):
    with victoria(tmp_path_factory.mktemp("victoria")) as running:
        store[0].change(lambda t, _: t.execute("DELETE FROM sink_cursors")).result(30)
        delivered(store, running.url)
        running.flush()
        with httpx.Client(base_url=running.url, timeout=60) as client:
            yield Metrics(client)


@pytest.fixture(scope="module")
def influx(store, tmp_path_factory):
    """InfluxDB 1.x has no API for the product's client, so the lines go in by another way."""
    made, book = store
    with influxdb(tmp_path_factory.mktemp("influx")) as running:
        writer = InfluxWriter(InfluxDb(), None)
        upto = last_commit(made)
        for kind in catalogue().kinds:
            groups = read(
                made, kind, 0, upto, lambda host, _: book.member(host).placement.labels()
            )
            running.write(part.data for part in writer.encode(groups))
        yield running


def sql(asked: Asked, target: Json) -> str:
    first, last = bounds(asked.step)
    text = target["query"].replace("$timeFilter", f"time >= {first}ms AND time < {last}ms")
    text = text.replace("${__to}", str(END)).replace("$__interval", f"{asked.step // 1000}s")
    text = filled(text)
    assert "$" not in text.replace("$/", ""), text
    return text


def influx_series(asked: Asked, running, target: Json) -> Series:
    """Return an answer of InfluxDB as Prometheus would: a step stands at its end."""
    made = found(asked.query)
    shift = 0 if asked.query.instant else asked.step
    result: Series = {}
    for each in running.query(sql(asked, target)):
        columns = each["columns"]
        for row in each["values"]:
            at = END if asked.query.instant else row[0] + shift
            if isinstance(made, Top):
                labels = frozenset(zip(columns[2:], row[2:], strict=True))
                result.setdefault(frozenset(p for p in labels if p[1]), {})[at] = row[1]
                continue
            tags = {k: v for k, v in each.get("tags", {}).items() if v}
            for name, value in zip(columns[1:], row[1:], strict=True):
                if value is None:
                    continue
                fixed = made.columns.get(name, {}) if not isinstance(made, Pair) else {}
                result.setdefault(frozenset({**tags, **fixed}.items()), {})[at] = value
    return result


def shown(asked: Asked, found_: Series) -> Series:
    """Return the series by the labels that a top list shows."""
    if not isinstance(found(asked.query), Top):
        return found_
    names = set(LABEL.findall(asked.query.legend))
    return {frozenset(p for p in key if p[0] in names): values for key, values in found_.items()}


def from_second(asked: Asked, found_: Series) -> Series:
    """Return the series without the first step of a growth, which needs one before it."""
    if "rate(" not in asked.expr or asked.query.instant:
        return found_
    first = bounds(asked.step)[0] + asked.step
    return {key: {at: v for at, v in s.items() if at > first} for key, s in found_.items()}


def unlike(mine: Series, real: Series, tolerance: float) -> str:
    """Return what differs, in a line; empty where nothing does."""
    if set(mine) != set(real):
        return f"only here: {list(set(mine) - set(real))[:2]}; only there: {list(set(real) - set(mine))[:2]}"
    for key, values in real.items():
        if set(values) - set(mine[key]):
            return f"{set(key)}: not at {sorted(set(values) - set(mine[key]))[:3]}"
        for at, value in values.items():
            if abs(mine[key][at] - value) > tolerance * max(abs(value), abs(mine[key][at]), 1e-9):
                return f"{set(key)} at {at}: {mine[key][at]!r} for {value!r}"
    return ""


def nearest_rank(asked: Asked) -> bool:
    """InfluxQL's percentile is one of the values, Prometheus' lies between two of them."""
    return "quantile" in asked.expr and "(0.5," not in asked.expr


def test_influxql_says_what_promql_says(prometheus, influx):
    wrong = []
    for asked in EVERY:
        if asked.query.raw:
            continue
        real = (
            prometheus.instant(asked.expr) if asked.query.instant else prometheus.over_time(asked)
        )
        assert real, f"nothing to compare: {asked}"
        parts = [influx_series(asked, influx, target) for target in asked.targets]
        mine = parts[0]
        made = found(asked.query)
        if isinstance(made, Pair):
            mine = {k: {at: v - parts[1][k][at] for at, v in s.items()} for k, s in mine.items()}
        if made_zero(made) and not mine:
            mine = {key: dict.fromkeys(values, 0.0) for key, values in real.items()}
        if nearest_rank(asked):
            assert set(mine) == set(real), asked
            assert all(
                value <= mine[key][at] * (1 + SAME)
                for key, values in real.items()
                for at, value in values.items()
            ), asked
            continue
        line = unlike(mine, from_second(asked, shown(asked, real)), asked.tolerance)
        if line:
            wrong.append(
                f"{asked.page} / {asked.panel}: {asked.expr}\n    {line}\n    {sql(asked, asked.targets[0])}"
            )
    assert not wrong, f"{len(wrong)} of {len(EVERY)}:\n" + "\n".join(wrong[:12])


def made_zero(made: Any) -> bool:
    return bool(getattr(made, "zero", False))


def test_what_is_written_in_influxql_itself_has_an_answer(influx):
    raw = [asked for asked in EVERY if asked.query.raw]
    assert len(raw) < 6
    for asked in raw:
        assert influx.query(sql(asked, asked.targets[0])), asked


def test_victoria_metrics_says_what_prometheus_says(prometheus, metrics):
    wrong = []
    for asked in EVERY:
        expr = filled(asked.query.expr)
        same = Asked(
            asked.page, asked.panel, Query(asked.query.expr), asked.targets, asked.interval
        )
        for real, mine in (
            (prometheus.instant(expr), metrics.instant(expr)),
            (prometheus.over_time(same), metrics.over_time(same)),
        ):
            assert real, asked
            line = unlike(mine, real, same.tolerance)
            if line:
                wrong.append(f"{asked.page} / {asked.panel}: {expr}\n    {line}")
    assert not wrong, f"{len(wrong)} of {len(EVERY)}:\n" + "\n".join(wrong[:12])
