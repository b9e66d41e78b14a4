"""The embedded store as a source: from samples, and from roll-ups that say so."""

import json
from itertools import pairwise
from statistics import mean

import pytest
from rigs.answers import difference
from rigs.everything import INVENTORY, SECOND, Estate, around
from rigs.promdata import Kept
from rigs.samples import NOON, QUICK, HandClock
from rigs.storedata import series_of

from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.promql.errors import LimitError
from headroom_collector.promql.query import Span, run
from headroom_collector.promql.render import result
from headroom_collector.promql.storage import Limits, Naming, Store
from headroom_collector.store.api import COLLECTOR_HOST
from headroom_collector.store.engine import open_store
from headroom_proto.catalogue import catalogue

MS = NOON // 1_000_000
MINUTE = 60_000
BUCKET = 5 * MINUTE
UTILISATION = "headroom_host_cpu_utilisation_ratio"
CPU = "headroom_host_cpu_seconds_total"


@pytest.fixture(scope="module")
def batches():
    return list(Estate(NOON, minutes=300, seconds=60).batches())


@pytest.fixture(scope="module")
def kept(batches):
    return series_of(batches, around)


@pytest.fixture(scope="module")
def opened(batches, tmp_path_factory):
    """A store that is rolled up but for the last half hour."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "inventory.csv").write_text(INVENTORY)
    store = open_store(folder / "store", QUICK, MIGRATIONS, HandClock())
    for batch in batches:
        store.append(batch).result(60)
    while store.maintain(NOON - 1800 * SECOND).more:
        pass
    yield store, Book(store, folder / "inventory.csv", HandClock())
    store.close()


@pytest.fixture
def source(opened):
    store, book = opened

    def make(floor=0, limits=None):
        hosts = {row.id: around(row.name) for row in store.hosts() if row.name != COLLECTOR_HOST}
        naming = Naming(hosts, lambda host: book.member(host).placement.labels())
        return Store(store, catalogue(), naming, floor, limits or Limits())

    return make


def answer(text, span, source):
    found = run(text, span, source, lambda: None)
    return {"status": "success", "data": json.loads(result(found, instant=not span.step))}


def by_bucket(samples):
    made: dict[int, list[float]] = {}
    for time, value in samples:
        made.setdefault(time // BUCKET, []).append(value)
    return {(bucket + 1) * BUCKET: found for bucket, found in made.items()}


def growth(samples):
    """Return the sum of what a counter grew by up to the end of each bucket, from 0 on."""
    total, found = 0.0, {samples[0][0] // BUCKET * BUCKET: 0.0}
    for (before_time, before), (time, value) in pairwise([(0, 0.0), *samples]):
        if time - before_time <= 2 * BUCKET and before_time:
            total += value - before if value >= before else value
        found[(time // BUCKET + 1) * BUCKET] = total
    return [(time, value - total) for time, value in sorted(found.items())]


@pytest.mark.parametrize(
    "text",
    [
        UTILISATION,
        f'{UTILISATION}{{site="paris",host!="web-2"}}',
        f"rate({CPU}[2m])",
        'sum by (cluster) (headroom_vm_vcpus{vm=~"shop|mail"})',
        "headroom_alert_firing == 1",
        "headroom_energy_joules_total",
        '{__name__=~"headroom_cluster_hosts.*"}',
        "max_over_time(headroom_energy_power_watts[3m] offset 7m)",
    ],
)
@pytest.mark.parametrize(
    "span", [Span(MS, MS), Span(MS - 40 * MINUTE, MS, MINUTE), Span(MS - 240 * MINUTE, MS, 2 * BUCKET)]
)  # fmt: skip
def test_samples_are_those_that_were_stored(source, kept, text, span):
    mine = source()
    if span.step >= BUCKET:
        text = f"last_over_time(({text})[1m:15s])"  # a finer step than roll-ups have
    assert difference(answer(text, span, mine), answer(text, span, Kept(kept))) == ""
    assert mine.infos == []


COARSE = Span(MS - 200 * MINUTE, MS, 10 * MINUTE)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (UTILISATION, "mean"),
        (f"avg_over_time({UTILISATION}[5m])", "mean"),
        (f"quantile by (site) (0.5, avg_over_time({UTILISATION}[30m] offset 5m))", "mean"),
        (f"max_over_time({UTILISATION}[30m])", "max"),
        (f"sum by (state) (rate({CPU}[20m]))", "delta"),
        ("increase(headroom_energy_joules_total[1h])", "delta"),
    ],
)
def test_roll_ups_answer_a_coarse_step_and_say_so(source, kept, text, part):
    """The same query over the series of roll-ups, which stand at their buckets' ends."""
    if part == "delta":
        rolled = {labels: growth(samples) for labels, samples in kept.items()}
    else:
        make = max if part == "max" else mean
        rolled = {
            labels: [(end, make(found)) for end, found in sorted(by_bucket(samples).items())]
            for labels, samples in kept.items()
        }
    mine = source()
    found = answer(text, COARSE, mine)
    assert found["data"]["result"]
    largest = 1e9 if part == "delta" else 0
    assert difference(found, answer(text, COARSE, Kept(rolled)), largest) == ""
    (info,) = mine.infos
    assert "5-minute" in info


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (UTILISATION, Span(MS - 40 * MINUTE, MS, MINUTE)),
        (f"rate({CPU}[5m])", COARSE),
        (f"min_over_time({UTILISATION}[30m])", COARSE),
        (f"avg_over_time({UTILISATION}[1m])", COARSE),
        (CPU, COARSE),
        ("headroom_alert_firing", COARSE),
    ],
)
def test_samples_answer_where_roll_ups_would_not_do(source, kept, text, span):
    mine = source()
    assert difference(answer(text, span, mine), answer(text, span, Kept(kept))) == ""
    assert mine.infos == []


def test_roll_ups_answer_where_the_samples_are_gone(source):
    mine = source(floor=MS)
    span = Span(MS - 60 * MINUTE, MS - 50 * MINUTE, MINUTE)
    assert answer(UTILISATION, span, mine)["data"]["result"]
    assert mine.infos


def test_a_query_that_would_read_too_much_is_refused(source):
    few = source(limits=Limits(samples=100))
    with pytest.raises(LimitError, match="more than 100 samples"):
        answer(UTILISATION, Span(MS - 40 * MINUTE, MS, MINUTE), few)
    with pytest.raises(LimitError, match="more than 3 series"):
        answer(UTILISATION, Span(MS, MS), source(limits=Limits(series=3)))
