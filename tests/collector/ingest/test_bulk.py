"""Batches decoded together are what they are when each is decoded by itself, value for value."""

import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rigs.samples import QUICK

from headroom_collector.ingest.bulk import Decoder
from headroom_collector.ingest.intake import Sender, as_it_came, intake
from headroom_collector.ingest.settings import Limits
from headroom_collector.ingest.sight import Sight
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue
from headroom_proto.v1.telemetry_pb2 import Batch, Cycle

WAIT = 20.0
NOW = 1_795_000_000 * 10**9
SECOND = 10**9
NAMES = ("büro-7", "", "db\u202e")
NUMBERS: tuple[float, ...] = (0, 1, 0.25, 1.04, 1.5, -1, 1e300, float("nan"), float("inf"), -0.0)


def value(chance: random.Random, integer: bool) -> float:
    if chance.random() < 0.9:
        return chance.randrange(1 << 40) if integer else chance.random()
    found = chance.choice(NUMBERS)
    return int(found) if integer and abs(found) < 2 else chance.randrange(9) if integer else found


def fill(chance: random.Random, kind: str, message: Any) -> None:
    for column in catalogue().kind(kind).columns:
        if chance.random() < 0.7:
            try:
                setattr(message, column.field, value(chance, column.integer))
            except (ValueError, TypeError):  # not in the field's range
                continue


def cycle(chance: random.Random, seq: int) -> Cycle:
    # A name that is odd at times would change labels in another order: which is last, both may say.
    made = Cycle(time_unix_nano=NOW - 60 * SECOND + seq, boottime_nano=500 * SECOND + seq)
    if chance.random() < 0.9:
        fill(chance, "host", made.host)
    for number in range(chance.randrange(4)):
        name = NAMES[seq // 100 * 2] if number == 2 else f"vm {number}"
        same = chance.random() < 0.03
        fill(chance, "vm", made.vms.add(uuid="0" if same else str(number), name=name))
    for number in range(chance.randrange(3)):
        fill(chance, "cpu", made.cpus.add(cpu=number))
    for number in range(chance.randrange(3)):
        fill(chance, "energy", made.energy.add(domain=f"package-{number}"))
    odd = chance.random()
    if odd < 0.05:
        made.facts.hostname = "web-1"
    elif odd < 0.1:
        made.time_unix_nano = chance.choice(
            (0, -5, NOW + 999 * SECOND, NOW - 40 * 86_400 * SECOND)
        )
    elif odd < 0.13:
        made.time_unix_nano += 3600 * SECOND
    return made


def damaged(chance: random.Random, payload: bytes) -> bytes:
    changed = bytearray(payload)
    if changed and chance.random() < 0.08:
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        if chance.random() < 0.3:
            del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def batches(seed: int, host: str) -> list[Batch]:
    chance = random.Random(seed)
    made = []
    for seq in range(1, 40):
        payload = damaged(chance, cycle(chance, seq).SerializeToString())
        made.append(Batch(seq=seq, boot_id="boot", crc32=zlib.crc32(payload), payload=payload))
    return made


Content = dict[str, list[Any]]


def content(store: DuckStore) -> Content:
    found: Content = {}
    for kind in catalogue().kinds:
        columns = ", ".join(f's."{column.field}"' for column in kind.columns)
        sql = (
            f"SELECT h.name, t.key, CAST(t.labels AS VARCHAR), s.time, {columns} FROM {kind.name}_sample s"
            " JOIN hosts h ON h.id = s.host_id JOIN things t ON t.id = s.thing_id"
        )
        rows = zip(*(column.to_pylist() for column in store.query(sql).columns), strict=True)
        found[kind.name] = sorted(repr(row) for row in rows)
    for table in (
        "SELECT h.name, r.reason, r.detail, r.count FROM refusals r JOIN hosts h ON h.id = r.host_id",
        "SELECT h.name, c.seq, c.time, c.raw_time FROM corrected c JOIN hosts h ON h.id = c.host_id",
        "SELECT name, first_seen, last_seen, CAST(facts AS VARCHAR) AS facts FROM hosts",
        "SELECT kind, bucket FROM dirty",
        "SELECT key, first_seen FROM things",
        "SELECT seq, crc32 FROM high_water",
    ):
        found[table] = sorted(repr(row) for row in store.query(table).to_pylist())
    return found


def stored(folder: Path, decode: Decoder | None, seed: int) -> tuple[Content, int]:
    store = open_store(folder, QUICK, (), SystemClock(), decode=decode)
    sight, refused = Sight("boot", NOW - 560 * SECOND), 0
    try:
        futures = []
        for number in range(5):
            source = Sender(f"web-{number}", bytes([number]) * 16, False, "1", 10.0, {})
            for batch in batches(seed * 10 + number, source.host):
                take: Callable[..., Any] = as_it_came
                rest: tuple[Any, ...] = ()
                if decode is None:
                    take, rest = intake, (Limits(),)
                made = take(source, batch, NOW, *rest, gap_before=False, sight=sight)
                futures.append((made, store.append(made)))
        for made, future in futures:
            outcome = future.result(WAIT)
            refused += sum(one.values for one in (outcome.refused or made.refused))
        return content(store), refused
    finally:
        store.close()


@pytest.mark.parametrize("seed", range(12))
def test_together_they_are_what_they_are_one_by_one(tmp_path: Path, seed: int) -> None:
    slow, refused = stored(tmp_path / "slow", None, seed)
    fast, refused_fast = stored(tmp_path / "fast", Decoder(Limits()), seed)
    for table, rows in slow.items():
        assert fast[table] == rows, table
    assert refused_fast == refused > 0


def test_what_is_ordinary_goes_the_fast_way() -> None:
    made = Cycle(time_unix_nano=NOW, boottime_nano=5)
    made.host.cpu_utilisation_ratio = 0.5
    made.vms.add(uuid="a", name="b", vcpus=4)
    payload = made.SerializeToString()
    batch = Batch(seq=1, boot_id="boot", crc32=zlib.crc32(payload), payload=payload)
    source = Sender("web-1", bytes(16), False, "1", 10.0, {})
    sent = as_it_came(source, batch, NOW, gap_before=False, sight=Sight("boot"))
    bulk = Decoder(Limits())([sent, sent])
    assert [one.place for one in bulk.batches] == [0, 1]
    assert [(block.kind.name, len(block.places)) for block in bulk.blocks] == [
        ("host", 2),
        ("vm", 2),
    ]
