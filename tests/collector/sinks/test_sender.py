"""What an engine's answers mean, and how what it refuses is found."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import httpx
import pyarrow as pa
import pytest
from rigs.samples import NOON, SECOND, batch, host_rows

from headroom_collector.sink_settings import RemoteWrite
from headroom_collector.sinks.influxdb import lines
from headroom_collector.sinks.remote_write import RemoteWriter, varint
from headroom_collector.sinks.sender import MOST_REQUESTS, Tally, UnreachableError, chunks, deliver
from headroom_collector.sinks.source import Group
from headroom_collector.sinks.target import Answer, Meaning, Part
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.engine import DuckStore
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

WAIT = 20.0
DAY = 86_400 * SECOND


@dataclass
class Fussy:
    """An engine that refuses requests with a bad part in them; keeps what it took."""

    bad: bytes = b"bad"
    status: int = 400
    text: str = "out of order"
    taken: list[bytes] = field(default_factory=list)
    requests: int = 0
    name: str = "fussy"

    def encode(self, groups: Iterable[Group]) -> Iterator[Part]:
        for group in groups:
            for time, _ in group.samples:
                yield Part(str(time).encode(), 1)

    def send(self, parts: Sequence[Part]) -> Answer:
        self.requests += 1
        if any(part.data == self.bad for part in parts):
            return Answer(self.status, self.text)
        self.taken += [part.data for part in parts]
        return Answer(204, "")

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (200, "", Meaning.TAKEN),
        (204, "", Meaning.TAKEN),
        (400, "out of order sample", Meaning.REFUSED),
        (413, "too large", Meaning.REFUSED),
        (422, "partial write", Meaning.REFUSED),
        (500, "too old sample", Meaning.REFUSED),
        (500, "internal error", Meaning.LATER),
        (503, "", Meaning.LATER),
        (429, "slow down", Meaning.LATER),
        (401, "who are you", Meaning.LATER),
        (404, "no such path", Meaning.LATER),
        (0, "connection refused", Meaning.LATER),
        (302, "elsewhere", Meaning.LATER),
    ],
)
def test_an_answer_means(status: int, text: str, meaning: Meaning) -> None:
    assert Answer(status, text).meaning() is meaning


def test_one_bad_part_is_found_and_the_others_are_taken() -> None:
    engine, tally = Fussy(), Tally()
    parts = [Part(b"bad" if n == 700 else str(n).encode(), 1) for n in range(1000)]
    deliver(engine, parts, tally)
    assert (tally.sent, tally.refused) == (999, 1)
    assert tally.reason == "status 400: out of order"
    assert engine.taken == [part.data for part in parts if part.data != b"bad"]
    assert engine.requests < 30


def test_an_engine_that_refuses_everything_is_asked_a_bounded_number_of_times() -> None:
    engine, tally = Fussy(), Tally()
    deliver(engine, [Part(b"bad", 1)] * 5000, tally)
    assert tally.refused == 5000
    assert engine.requests < 2 * MOST_REQUESTS


def test_an_engine_that_cannot_take_anything_now_says_why() -> None:
    engine = Fussy(status=503, text="no  room")
    with pytest.raises(UnreachableError, match="status 503: no room"):
        deliver(engine, [Part(b"bad", 1)], Tally())


def test_too_old_as_a_500_is_tried_twice_and_no_more() -> None:
    engine, tally = Fussy(status=500, text="too old sample"), Tally()
    deliver(engine, [Part(b"bad", 1)], tally)
    assert (tally.refused, engine.requests) == (1, 2)


def test_requests_are_bounded_in_parts_and_bytes() -> None:
    assert [len(chunk) for chunk in chunks([Part(b"x", 1)] * 12_000)] == [5000, 5000, 2000]
    assert [len(chunk) for chunk in chunks([Part(bytes(1 << 20), 1)] * 5)] == [2, 2, 1]


def test_what_goes_by_age_before_a_sink_has_it_is_a_counted_gap(store: DuckStore) -> None:
    engine = Fussy()
    kinds = [catalogue().kind("host")]
    sink = SinkTask(store, engine, kinds, lambda *_: {}, SystemClock())
    store.append(batch(seq=1, rows=[host_rows(NOON)])).result(WAIT)
    while sink.step():
        pass
    for seq in (2, 3):
        store.append(batch(seq=seq, rows=[host_rows(NOON + seq)])).result(WAIT)
    for _ in range(4):  # first the roll-ups, then the days that are all rolled up
        store.maintain(NOON + 30 * DAY)
    fresh = NOON + 30 * DAY
    store.append(batch(seq=4, rows=[host_rows(fresh)])).result(WAIT)
    while sink.step():
        pass
    assert engine.taken == [str(NOON).encode(), str(fresh).encode()]
    assert sink.statistics()["missed_samples"] == 2


def test_numbers_are_written_as_the_protocol_has_them() -> None:
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\x00", b"\x7f", b"\x80\x01", b"\xac\x02"]
    assert varint(-1) == b"\xff" * 9 + b"\x01"


def test_a_token_goes_along_and_an_engine_can_ask_for_time(tmp_path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    token.chmod(0o600)
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(429, headers={"Retry-After": "7"}, text="slow down")

    settings = RemoteWrite(url="http://engine/write", bearer_token_file=token)
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        found = RemoteWriter(settings, client).send([Part(b"abc", 1)])
    assert found == Answer(429, "slow down", 7.0)
    [request] = seen
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["Content-Encoding"] == "snappy"
    size = request.content[0]
    assert pa.Codec("snappy").decompress(request.content, size, asbytes=True) == b"abc"


def test_odd_names_stay_in_their_place_in_line_protocol() -> None:
    kind = catalogue().kind("vm")
    columns = (kind.column("vcpus"),)
    labels = {"vm": "a b,c=d\nx\\", "host": "h"}
    group = Group(kind, columns, labels, [(NOON, (4,)), (NOON + SECOND, (None,))])
    assert list(lines(group)) == [
        f"headroom_vm,host=h,vm=a\\ b\\,c\\=d\\nx vcpus=4.0 {NOON // 1_000_000}"
    ]
