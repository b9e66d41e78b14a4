"""Queries made at random: our answers are those of a real Prometheus over the same samples."""

import json
import math
import os
import random
import re

import pytest
from rigs.answers import difference
from rigs.promdata import Kept, fleet, loaded
from rigs.promqueries import Queries

from headroom_collector.promql.errors import PromqlError
from headroom_collector.promql.query import Span, run
from headroom_collector.promql.render import result

COUNT = int(os.environ.get("HEADROOM_PROMQL_QUERIES", "300"))
SEED = int(os.environ.get("HEADROOM_PROMQL_SEED", "1"))
MINUTE = 60_000
START = 1_795_521_600_000
END = START + 60 * MINUTE

pytestmark = pytest.mark.engine("prometheus")


@pytest.fixture(scope="module")
def series():
    return fleet(7, START)


@pytest.fixture(scope="module")
def prometheus(series, tmp_path_factory):
    with loaded(series, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture(scope="module")
def largest(series):
    return max(abs(v) for found in series.values() for _, v in found if math.isfinite(v))


def theirs(prometheus, text, span):
    if span.step:
        moments = {"start": span.start / 1000, "end": span.end / 1000, "step": span.step / 1000}
        return prometheus.ask("query_range", query=text, **moments)
    return prometheus.ask("query", query=text, time=span.start / 1000)


def ours(series, text, span):
    try:
        answer = run(text, span, Kept(series), lambda: None)
    except PromqlError as error:
        return {"status": "error", "error": str(error)}
    return {"status": "success", "data": json.loads(result(answer, instant=not span.step))}


EXPLAINED = {
    r"predict_linear\(.*@": "Prometheus 2.42 answers a range that @ fixes at the first step only,"
    " inside predict_linear; we answer at each",
}
"""Where Prometheus 2.42 differs for a reason of its own: pattern of the query, and the reason."""


def explained(text):
    return any(re.search(pattern, text) for pattern in EXPLAINED)


def spans(dice):
    while True:
        if dice.random() < 0.3:
            at = dice.randrange(START, END)
            yield Span(at, at)
        else:
            start = dice.randrange(START - 3 * MINUTE, END - 20 * MINUTE)
            step = dice.choice((7_000, 15_000, 30_000, 60_000, 290_000, 400_000))
            yield Span(start, start + dice.randrange(1, 40) * step, step)


def test_answers_are_those_of_prometheus(prometheus, series, largest):
    queries, times = Queries(SEED, START, END), spans(random.Random(SEED))
    found, answered = [], 0
    for _ in range(COUNT):
        text, span = queries.next(), next(times)
        real = theirs(prometheus, text, span)
        answered += real["status"] == "success" and bool(real["data"]["result"])
        line = difference(ours(series, text, span), real, largest)
        if line and not explained(text):
            found.append(f"{text}  {span}\n    {line}")
    assert not found, f"{len(found)} of {COUNT} differ:\n" + "\n".join(found[:25])
    assert answered > COUNT * 0.6
