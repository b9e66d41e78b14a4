"""A spool's file with a flipped byte, or cut short: what is left is right, what is not is counted."""

import logging
import random
import shutil
from pathlib import Path

import pytest
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
    """A spool of some rows, with two more in its log."""
    folder = tmp_path / "intact"
    spool = Spool(folder / "spool.db", LIMITS, Notices(logging.getLogger("intact")))
    for seq in range(1, ROWS + 1):
        spool.append(payload(seq), "boot")
    spool.close()
    return folder / "spool.db"


class Damaged:
    """Opens a damaged copy and counts what came out of it."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.path = folder / "damaged" / "spool.db"
        self.caplog = caplog
        self.verdict = Verdict()

    def judge(self, content: bytes, where: int) -> None:
        shutil.rmtree(self.path.parent, ignore_errors=True)
        self.path.parent.mkdir()
        self.path.write_bytes(content)
        self.caplog.clear()
        try:
            spool = Spool(self.path, LIMITS, Notices(logging.getLogger("damaged")))
        except SpoolError as refusal:
            if "has schema" not in str(refusal):
                raise
            # Taken for a newer agent's: said, and left as it was.
            assert self.path.read_bytes()[100:] == content[100:]
            return
        try:
            found = {row.seq: row.payload for row in spool.read(1, 1000, 10**9)}
            following = spool.append(payload(0), "boot")
            assert following not in found
            self._count(found, spool.state().dropped, where)
        finally:
            spool.close()

    def _count(self, found: dict[int, bytes], dropped: int, where: int) -> None:
        self.verdict.spooled += ROWS
        self.verdict.stored += len(found)
        if any(found[seq] != payload(seq) for seq in found):
            self.verdict.wrong.add(where)
        missing = ROWS - len(found)
        said = [record.getMessage() for record in self.caplog.records]
        aside = any("is damaged" in line and "a new one" in line for line in said)
        if missing and not aside and dropped != missing:
            self.verdict.lost.add(where)
        if missing and (aside or dropped == missing):
            self.verdict.declared |= set(range(missing))


@pytest.fixture
def damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Damaged:
    return Damaged(tmp_path, caplog)


def places(size: int, repeats: int) -> list[int]:
    """Return every place in the long form, else some, the head of the file among them."""
    if repeats * 10 >= size // 4:
        return list(range(size))
    return sorted({*range(0, 100, 3), *random.Random(3).sample(range(size), repeats * 10)})


def test_a_flipped_byte_is_never_taken_for_the_truth(
    intact: Path, damaged: Damaged, table, short: int
) -> None:
    content = intact.read_bytes()
    where = places(len(content), short)
    for place in where:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        damaged.judge(bytes(changed), place)
    table.note("flipped byte in a spool", len(where), damaged.verdict)


def test_a_spool_cut_short_is_never_taken_for_whole(
    intact: Path, damaged: Damaged, table, short: int
) -> None:
    content = intact.read_bytes()
    where = [*places(len(content), short // 2), *range(0, len(content), 4096)]
    for place in where:
        damaged.judge(content[:place], place)
    table.note("spool cut short", len(where), damaged.verdict)
