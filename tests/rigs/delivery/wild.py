"""A client that holds to no order: batches twice, shuffled, left out and sent again."""

import zlib

from headroom_proto.v1.telemetry_pb2 import Batch
from rigs.delivery.values import cycle
from rigs.ingest import EPOCH


def batch(host: str, seq: int, base: int, epoch: bytes = EPOCH) -> Batch:
    """Return the batch of a serial that is its sequence number."""
    payload = cycle(host, seq, base).SerializeToString()
    return Batch(epoch=epoch, seq=seq, crc32=zlib.crc32(payload), payload=payload)
