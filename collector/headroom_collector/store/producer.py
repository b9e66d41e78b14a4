"""The collector's own samples on their way into the store."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock

from headroom_collector.store.api import COLLECTOR_HOST, Outcome, Rows, Store, StoreBatch
from headroom_core.clock import Clock

EPOCH_BYTES = 16


class OwnProducer:
    """
    Appends what the collector measures and decides, with an epoch and a sequence of its own.

    Safe from any thread. It has no spool: what the store could not take is a noted gap.
    ``random_bytes`` gives that many random bytes.
    """

    def __init__(self, store: Store, clock: Clock, random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._epoch = random_bytes(EPOCH_BYTES)
        self._seq = 0
        self._lock = Lock()

    def append(self, rows: Sequence[Rows]) -> "Future[Outcome]":
        """Queue samples; the future is done once they are durable. StoreError where not."""
        with self._lock:
            self._seq += 1
            return self._store.append(
                StoreBatch(
                    host=COLLECTOR_HOST,
                    epoch=self._epoch,
                    seq=self._seq,
                    crc32=0,
                    received=self._clock.now(),
                    rows=rows,
                    gap_before=True,
                )
            )
