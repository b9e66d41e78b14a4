"""Intake: a batch off the wire into one that the store can take, refusals included."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError

from headroom_collector.ingest import decode
from headroom_collector.ingest.settings import Limits
from headroom_collector.ingest.sight import Sight
from headroom_collector.ingest.validate import check, check_whole, is_text
from headroom_collector.store.api import Refusal, StoreBatch
from headroom_proto.v1 import telemetry_pb2

EPOCH_BYTES = 16
HINTS = ("site", "cluster", "class")
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends on a stream: the host off the certificate, the rest as the Hello says it."""

    host: str
    epoch: bytes
    simulated: bool
    agent_version: str
    interval_seconds: float | None
    hints: Mapping[str, str]
    acked_seq: int = 0
    carried_seq: int = 0
    """Batches up to this one may be stored under an earlier epoch."""


def sender(host: str, hello: telemetry_pb2.Hello, limits: Limits) -> Sender:
    """Read a Hello; what is no usable text or number counts as not said. Never raises."""
    seconds = hello.interval_seconds
    version = hello.agent_version
    hints = {name: hello.hints[name] for name in HINTS if name in hello.hints}
    return Sender(
        host=host,
        epoch=hello.epoch,
        simulated=hello.simulated,
        agent_version=version if is_text(version, limits) else "",
        interval_seconds=seconds
        if math.isfinite(seconds) and 0 < seconds <= DAY_SECONDS
        else None,
        hints={name: text for name, text in hints.items() if text and is_text(text, limits)},
        acked_seq=hello.acked_seq,
        carried_seq=hello.carried_seq,
    )


def _empty(
    source: Sender, batch: telemetry_pb2.Batch, now: int, *, gap_before: bool
) -> StoreBatch:
    return StoreBatch(
        host=source.host,
        epoch=source.epoch,
        seq=batch.seq,
        crc32=batch.crc32,
        received=now,
        simulated=source.simulated,
        agent_version=source.agent_version,
        interval_seconds=source.interval_seconds,
        gap_before=gap_before,
        acked_before=source.acked_seq,
        missing_before=min(batch.missing_before, batch.seq - 1),
        ahead=batch.ahead,
    )


def as_it_came(
    source: Sender, batch: telemetry_pb2.Batch, now: int, *, gap_before: bool, sight: Sight
) -> StoreBatch:
    """Return a batch for a store that decodes many together; a damaged one is refused here."""
    made = _empty(source, batch, now, gap_before=gap_before)
    found = zlib.crc32(batch.payload)
    if found != batch.crc32:
        return replace(made, refused=[_bad_crc(found, batch.crc32)])
    offset = sight.offset if batch.boot_id == sight.boot_id else None
    return replace(
        made,
        payload=batch.payload,
        boot_id=batch.boot_id,
        boot_offset=offset,
        hints=source.hints,
    )


def _bad_crc(found: int, told: int) -> Refusal:
    return Refusal("bad_crc", f"checksum {found:08x}, the agent wrote {told:08x}")


def intake(
    source: Sender,
    batch: telemetry_pb2.Batch,
    now: int,
    limits: Limits,
    *,
    gap_before: bool,
    sight: Sight | None = None,
) -> StoreBatch:
    """
    Decode and check one batch; ``now`` is the collector's time in UTC nanoseconds.

    A batch that is refused as a whole comes back empty, with the reason: its seq counts as
    stored, so that the agent goes on. Never raises.
    """
    empty = _empty(source, batch, now, gap_before=gap_before)
    cycle = _cycle(batch)
    if isinstance(cycle, Refusal):
        return replace(empty, refused=[cycle])
    raw_time = _correct(cycle, batch.boot_id, sight, limits)
    whole = check_whole(cycle, now, limits)
    if whole is not None:
        return replace(empty, refused=[whole])
    checked = check(decode.rows(cycle), decode.facts(cycle), limits)
    hints = {f"hint_{name}": text for name, text in source.hints.items()}
    return replace(
        empty,
        rows=checked.rows,
        facts=None if checked.facts is None else {**checked.facts, **hints},
        refused=checked.refused,
        simulated=source.simulated or cycle.facts.simulated,
        raw_time=raw_time,
    )


def _correct(
    cycle: telemetry_pb2.Cycle, boot_id: str, sight: Sight | None, limits: Limits
) -> int | None:
    """Give a cycle of a wrong clock its right time; returns what the clock had shown."""
    raw = cycle.time_unix_nano
    if sight is not None:
        right = sight.correct(raw, cycle.boottime_nano, boot_id, limits.skew_seconds)
        if right != raw and right > 0:
            cycle.time_unix_nano = right
            return raw
    return None


def _cycle(batch: telemetry_pb2.Batch) -> telemetry_pb2.Cycle | Refusal:
    found = zlib.crc32(batch.payload)
    if found != batch.crc32:
        return _bad_crc(found, batch.crc32)
    try:
        return telemetry_pb2.Cycle.FromString(batch.payload)
    except DecodeError:
        return Refusal("undecodable", f"{len(batch.payload)} bytes that are no Cycle")
