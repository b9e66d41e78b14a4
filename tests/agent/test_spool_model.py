"""The spool against a model: whatever is done in whatever order, it holds what a list would."""

import logging
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headroom_agent.notices import Notices
from headroom_agent.spool import ROW_OVERHEAD, Limits, Spool

BOUND = 2000


class Model(RuleBasedStateMachine):
    """A list of (seq, payload), its bound, and the count of what it dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.rows: list[tuple[int, bytes]] = []
        self.next_seq, self.dropped = 1, 0
        self.spool = self.open()
        self.epoch = self.spool.epoch

    def open(self) -> Spool:
        notices = Notices(logging.getLogger("model"))
        return Spool(Path(self.folder.name) / "s.db", Limits(BOUND), notices, clock=lambda: 1)

    def size(self) -> int:
        return sum(len(payload) + ROW_OVERHEAD for _, payload in self.rows)

    @rule(payload=st.binary(max_size=900))
    def append(self, payload: bytes) -> None:
        assert self.spool.append(payload, "boot") == self.next_seq
        self.rows.append((self.next_seq, payload))
        self.next_seq += 1
        while self.size() > BOUND:
            self.rows.pop(0)
            self.dropped += 1

    @rule(back=st.integers(-1, 12))
    def acknowledge(self, back: int) -> None:
        seq = max(0, self.next_seq - 1 - back) if back >= 0 else 0
        self.spool.ack(seq)
        self.rows = [row for row in self.rows if row[0] > seq]

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = self.open()

    @rule(skip=st.integers(0, 5), count=st.integers(1, 4))
    def read(self, skip: int, count: int) -> None:
        start = self.spool.first_seq + skip
        expected = [row for row in self.rows if row[0] >= start][:count]
        found = self.spool.read(start, count, 10**6)
        assert [(row.seq, row.payload) for row in found] == expected

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        state = self.spool.state()
        assert (state.batches, state.dropped) == (len(self.rows), self.dropped)
        assert state.size_bytes == self.size() <= BOUND
        assert self.spool.next_seq == self.next_seq
        assert self.spool.first_seq == (self.rows[0][0] if self.rows else self.next_seq)
        assert self.spool.epoch == self.epoch

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
