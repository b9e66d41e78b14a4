"""A spool's file with a flipped byte, or cut short: what is left is right, what is not is named."""

import logging
import random
import shutil
import time
from pathlib import Path

import pytest
from rigs.delivery.field import Field
from rigs.delivery.oracle import Verdict

from headroom_agent.notices import Notices
from headroom_agent.spool import Limits, Spool
from headroom_agent.spool_schema import SpoolError

ROWS = 24
LIMITS = Limits(keep_seconds=900)


def payload(seq: int) -> bytes:
    return seq.to_bytes(4, "big") * 100


@pytest.fixture
def intact(tmp_path: Path) -> Path:
    """A spool of some rows."""
    folder = tmp_path / "intact"
    spool = Spool(folder / "spool.db", LIMITS, Notices(logging.getLogger("intact")))
    for seq in range(1, ROWS + 1):
        spool.append(payload(seq), "boot")
    spool.close()
    return folder / "spool.db"


class Said(logging.Handler):
    """What the spool said; of no other logger's settings."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.logger = logging.Logger("damaged")  # noqa: LOG001 - of its own, whatever set up the others
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Damaged:
    """
    Opens a damaged copy, goes on with it, and compares what comes out with what went in.

    What is missing has to be exactly what a collector is told: the numbers right before a row that
    are gone. Only where nothing at all of the file was readable is there a new epoch, and then the
    log has to say that what it held cannot be counted.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "damaged" / "spool.db"
        self.verdict = Verdict()
        self.unreadable = 0

    def judge(self, content: bytes, where: int) -> None:
        shutil.rmtree(self.path.parent, ignore_errors=True)
        self.path.parent.mkdir()
        self.path.write_bytes(content)
        said = Said()
        try:
            spool = Spool(self.path, LIMITS, Notices(said.logger))
        except SpoolError as refusal:
            if "has schema" not in str(refusal):
                raise
            # Taken for a newer agent's: said, and left as it was.
            assert self.path.read_bytes()[100:] == content[100:]
            return
        try:
            spool.append(payload(0), "boot")
            self._compare(spool, said.lines, where)
        finally:
            spool.close()

    def _compare(self, spool: Spool, said: list[str], where: int) -> None:
        rows = spool.read(1, 1000, 10**9)
        added = rows.pop()
        found = {row.seq: row.payload for row in rows}
        self.verdict.spooled += ROWS
        self.verdict.stored += len(found)
        missing = set(range(1, ROWS + 1)) - set(found)
        if any(found[seq] != payload(seq) for seq in found) or added.payload != payload(0):
            self.verdict.wrong.add(where)
        gone = {seq for row in (*rows, added) for seq in range(row.seq - row.missing, row.seq)}
        counted = missing == gone or (len(rows) and missing - gone == self._tail(found, added.seq))
        if not counted and not any("lost and cannot be counted" in line for line in said):
            self.verdict.lost.add(where)
        if missing and not any("damaged" in line for line in said):
            self.verdict.lost.add(where)
        self.unreadable += not found
        self.verdict.declared |= {where * 100 + seq for seq in missing}

    def _tail(self, found: dict[int, bytes], following: int) -> set[int]:
        """Return numbers that nothing of the file told of any more: those behind the last row."""
        return set(range(max(found) + 1, ROWS + 1)) if following == max(found) + 1 else set()


@pytest.fixture
def damaged(tmp_path: Path) -> Damaged:
    return Damaged(tmp_path)


def places(size: int, repeats: int) -> list[int]:
    """Return every place in the long form, else some, the head of the file among them."""
    if repeats * 10 >= size // 4:
        return list(range(size))
    return sorted({*range(0, 100, 3), *random.Random(3).sample(range(size), repeats * 10)})


def test_a_flipped_byte_costs_the_row_that_it_hit_and_no_other(
    intact: Path, damaged: Damaged, table, short: int
) -> None:
    content = intact.read_bytes()
    where = places(len(content), short)
    for place in where:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        damaged.judge(bytes(changed), place)
    assert damaged.unreadable == 0
    assert len(damaged.verdict.declared) <= len(where)
    table.note("flipped byte in a spool", len(where), damaged.verdict)


def test_a_spool_cut_short_is_never_taken_for_whole(
    intact: Path, damaged: Damaged, table, short: int
) -> None:
    content = intact.read_bytes()
    where = [*places(len(content), short // 2), *range(0, len(content), 4096)]
    for place in where:
        damaged.judge(content[:place], place)
    table.note("spool cut short", len(where), damaged.verdict)


def test_the_store_names_exactly_what_a_damaged_spool_lacks(
    field_: Field, table, long: int
) -> None:
    chance = random.Random(5)
    receiver, sender = field_.receiver(), field_.sender()
    field_.start(sender)
    for turn in range(long):
        field_.grow(40)
        sender.stop()
        content = bytearray(field_.spool.read_bytes())
        for place in chance.sample(range(8192, len(content)), 4):
            content[place] ^= 1 << place % 8
        field_.spool.write_bytes(content)
        field_.start(sender)
        field_.grow(3)
        receiver.start()
        field_.grow(1)
        field_.drained()
        receiver.stop()
        if turn % 2:
            time.sleep(0.1)
    receiver.start()
    field_.drained()
    table.note("flipped bytes, up to the store", long, field_.finish(sender, receiver))
