"""Mutated batches through the whole way from the wire into the store: what breaks, and where it goes."""

import random
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.ingest.intake import Sender, intake
from headroom_collector.ingest.settings import Limits
from headroom_collector.store.api import Outcome, StoreError
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_proto.v1 import telemetry_pb2

HOST = "fuzz-1"
EPOCH = bytes(range(16))
SHORT, LONG = 20_000, 10_000_000
WARM = 5_000
SEED = 20_261_124
TEXTS = (
    *(
        "",
        "\x00",
        "\n",
        "a" * 300,
        "\u202egnp.exe",
        "<script>alert(1)</script>",
        "\x1b[31m",
        "\x1f",
    ),
    *("{{7*7}}", "'; DROP TABLE hosts; --", "a,b=c d", "\ud7ff", "\U0010ffff", "\x85", "../../x"),
)
NUMBERS = (
    *(0.0, -0.0, 1.0, 1.06, -1.0, 5e-324, 1e308, float("inf"), float("-inf"), float("nan")),
    *(0.5, 1e-9, 2.0**53),
)
INTEGERS = (0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**64 - 1, -(2**63))


def resident() -> int:
    """Return this process's resident bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def sample(now: int) -> telemetry_pb2.Cycle:
    """Return a cycle in which every kind has a sample and every field a value that is good."""
    cycle = telemetry_pb2.Cycle(time_unix_nano=now, boottime_nano=10**12)
    for field in cycle.DESCRIPTOR.fields:
        if field.message_type is None:
            continue
        parts = [getattr(cycle, field.name)]
        if field.is_repeated:
            parts = [parts[0].add() for _ in range(2)]
        for number, part in enumerate(parts):
            _fill(part, number)
    cycle.facts.simulated = False
    return cycle


def _fill(message: Message, number: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or field.message_type is not None:
            continue
        value: object = 0.5
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            value = f"thing-{number}"
        elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            value = False
        elif field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
            value = 1
        elif field.cpp_type not in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
            value = number + 1
        setattr(message, field.name, value)


class Mutator:
    """Makes batches out of good ones: by bytes, by fields, by structure; the same for a seed."""

    def __init__(self, now: int, seed: int = SEED) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same mutations again
        self._good = sample(now)
        self._bytes = self._good.SerializeToString()

    def payload(self) -> bytes:
        """Return the next payload."""
        kind = self._random.random()
        if kind < 0.5:
            return self._by_fields()
        if kind < 0.9:
            return self._by_bytes()
        if kind < 0.95:
            return self._bytes[: self._random.randrange(len(self._bytes))]
        return self._by_structure()

    def _by_bytes(self) -> bytes:
        data = bytearray(self._bytes)
        for _ in range(self._random.choice((1, 1, 2, 4, 16))):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        return bytes(data)

    def _by_structure(self) -> bytes:
        cut = sorted(self._random.randrange(len(self._bytes)) for _ in range(2))
        part = self._bytes[cut[0] : cut[1]][:200]
        return (
            self._bytes[: cut[0]] + part * self._random.choice((2, 3, 50)) + self._bytes[cut[1] :]
        )

    def _by_fields(self) -> bytes:
        cycle = telemetry_pb2.Cycle()
        cycle.CopyFrom(self._good)
        for _ in range(self._random.choice((1, 1, 2, 5))):
            self._field(cycle)
        return cycle.SerializeToString()

    def _field(self, cycle: telemetry_pb2.Cycle) -> None:
        field = self._random.choice(cycle.DESCRIPTOR.fields)
        if field.message_type is None:
            cycle.time_unix_nano = self._random.choice(INTEGERS[:8])
            return
        part = getattr(cycle, field.name)
        part = self._random.choice(part) if field.is_repeated else part
        inner = self._random.choice(part.DESCRIPTOR.fields)
        if inner.is_repeated or inner.message_type is not None:
            return
        if inner.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            value: object = self._random.choice(TEXTS)
        elif inner.cpp_type in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
            value = self._random.choice(NUMBERS)
        else:
            value = self._random.choice(INTEGERS)
        try:
            setattr(part, inner.name, value)
        except (ValueError, TypeError, OverflowError):
            return  # what the library itself does not let through is not for the wire


class Course:
    """One run of the fuzzer against a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.store = open_store(folder, StoreSettings(raw_days=1), [], self.clock)
        self.limits = Limits()
        self.sender = Sender(HOST, EPOCH, False, "fuzz", 10.0, {})
        self.crashes: list[str] = []
        self.stored = 0
        self._seq = 0
        self._waiting: list[Future[Outcome]] = []

    def take(self, payload: bytes) -> None:
        """Send one payload the way that a batch goes."""
        self._seq += 1
        batch = telemetry_pb2.Batch(
            epoch=EPOCH, seq=self._seq, crc32=zlib.crc32(payload), payload=payload
        )
        try:
            again = telemetry_pb2.Batch.FromString(batch.SerializeToString())
            taken = intake(self.sender, again, self.clock.now(), self.limits, gap_before=False)
            self._waiting.append(self.store.append(taken))
            self.stored += bool(taken.rows)
        except Exception as error:  # noqa: BLE001 - what must not be is what is looked for
            self.crashes.append(f"batch {self._seq}: {type(error).__name__}: {error}"[:300])
        if len(self._waiting) >= 500:
            self.settle()

    def settle(self) -> None:
        """Wait until all that was taken is durable."""
        for future in self._waiting:
            try:
                future.result(120)
            except (StoreError, DecodeError, TimeoutError) as error:
                self.crashes.append(f"store: {error}"[:300])
        self._waiting.clear()

    def strangers(self) -> int:
        """Return the rows of hosts that never sent anything."""
        rows = self.store.query("SELECT count(*) AS n FROM hosts WHERE name <> ?", [HOST])
        return int(rows.column("n")[0].as_py())


def figures(*, short: bool, batches: int | None = None) -> Iterator[Figure]:
    """Mutate, validate and store; count crashes, values under another host, and memory gained."""
    wanted = batches or (SHORT if short else LONG)
    with TemporaryDirectory() as folder:
        course = Course(Path(folder))
        try:
            mutator = Mutator(course.clock.now())
            for _ in range(min(WARM, wanted)):
                course.take(mutator.payload())
            course.settle()
            before, began = resident(), time.monotonic()
            for turn in range(wanted):
                if turn % 100_000 == 0:  # samples stay of today however long it takes
                    mutator = Mutator(course.clock.now(), SEED + turn)
                course.take(mutator.payload())
            course.settle()
            seconds, grown = time.monotonic() - began, resident() - before
            strangers = course.strangers()
        finally:
            course.store.close()
    why = {"crashes": "; ".join(course.crashes[:5])} if course.crashes else {}
    for metric, value, unit in (
        ("tried", float(wanted), "count"),
        ("stored", float(course.stored), "count"),
        ("crashes", float(len(course.crashes)), "count"),
        ("wrong_host_values", float(strangers), "count"),
        ("rss_growth_bytes", float(grown), "bytes"),
        ("seconds", seconds, "seconds"),
    ):
        yield Figure("security", "fuzz", metric, value, unit, skipped=why)
