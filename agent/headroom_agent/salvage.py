"""
Rows off a spool's file that SQLite cannot open any more: read page by page, each proven by its seal.

The layout is SQLite's own (its documentation, "Database File Format", sections 1.5 and 1.6, and 4.1
for the log): a leaf page of a table is 0x0d, then at 3 the number of cells, at 8 their offsets; a
cell is the record's size, the row id, and the record, what does not fit in the page in a chain of
overflow pages. Rows that were deleted long ago may come back: a collector that has them says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.seal import Kept, Numbers, kept_is_whole, numbers_are_whole

PAGE = 4096
"""Bytes of a page: SQLite's default, which the spool keeps."""
LEAF = 0x0D
LOG_HEADER, FRAME_HEADER = 32, 24
LOCAL = PAGE - 35
"""Most bytes of a record inside a leaf page; beyond, SQLite keeps between LEAST and this many."""
LEAST = (PAGE - 12) * 32 // 255 - 23
WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of the serial types 0 to 9."""
MOST_RECORD = 1 << 20


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was found; ``numbers`` is None where no copy of the spool's own row was whole."""

    rows: list[Kept]
    numbers: Numbers | None


def salvage(path: Path) -> Salvaged:
    """Read what is whole in a spool's file and in its log; raises OSError."""
    pages = _pages(path.read_bytes())
    log = Path(f"{path}-wal")
    frames = _frames(log.read_bytes()) if log.exists() else []
    chain = pages + [b""] * max(0, max((n for n, _ in frames), default=0) - len(pages))
    for number, content in frames:
        chain[number - 1] = content
    rows: dict[tuple[bytes, int], Kept] = {}
    numbers: list[Numbers] = []
    for page in (*pages, *(page for _, page in frames)):
        for seq, values in _records(page, chain):
            if (row := _kept(seq, values)) is not None:
                rows[row.epoch, row.seq] = row
            elif (found := _numbers(values)) is not None:
                numbers.append(found)
    newest = max(rows.values(), key=lambda row: (row.created, row.seq), default=None)
    told = [one for one in numbers if newest is None or one.epoch == newest.epoch]
    best = max(told, key=lambda one: one.next_seq, default=None)
    epoch = best.epoch if best else newest.epoch if newest else b""
    return Salvaged(sorted((r for r in rows.values() if r.epoch == epoch), key=_seq), best)


def _seq(row: Kept) -> int:
    return row.seq


def _pages(content: bytes) -> list[bytes]:
    return [content[at : at + PAGE] for at in range(0, len(content), PAGE)]


def _frames(content: bytes) -> list[tuple[int, bytes]]:
    """Return (page's number, content) of each frame of a log, oldest first."""
    found = []
    for at in range(LOG_HEADER, len(content) - FRAME_HEADER - PAGE + 1, FRAME_HEADER + PAGE):
        number = int.from_bytes(content[at : at + 4], "big")
        if 0 < number < 1 << 20:
            found.append((number, content[at + FRAME_HEADER : at + FRAME_HEADER + PAGE]))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and the place behind it; IndexError beyond the end."""
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9


def _records(page: bytes, pages: list[bytes]) -> Iterator[tuple[int, list[object]]]:
    """Yield (row id, values) of every cell of a leaf page that can be read at all."""
    # The first page begins with the file's header of 100 bytes.
    for start in (0, 100):
        if len(page) > start + 8 and page[start] == LEAF:
            cells = int.from_bytes(page[start + 3 : start + 5], "big")
            for number in range(min(cells, PAGE // 4)):
                where = start + 8 + 2 * number
                at = int.from_bytes(page[where : where + 2], "big")
                try:
                    yield _record(page, at, pages)
                except (IndexError, ValueError):
                    continue


def _record(page: bytes, at: int, pages: list[bytes]) -> tuple[int, list[object]]:
    size, at = _varint(page, at)
    seq, at = _varint(page, at)
    if size > MOST_RECORD:
        raise ValueError("no record is that large")
    record = _whole(page, at, size, pages)
    end, place = _varint(record, 0)
    kinds = []
    while place < end:
        kind, place = _varint(record, place)
        kinds.append(kind)
    values: list[object] = []
    for kind in kinds:
        width = WIDTHS[kind] if kind < len(WIDTHS) else (kind - 12) // 2
        piece = record[place : place + width]
        if len(piece) < width:
            raise ValueError("cut short")
        place += width
        values.append(_value(kind, piece))
    return seq, values


def _value(kind: int, piece: bytes) -> object:
    if kind >= 12:
        return piece if kind % 2 == 0 else piece.decode("utf-8", "replace")
    if kind in {8, 9}:
        return kind - 8
    return int.from_bytes(piece, "big", signed=True) if kind else None


def _whole(page: bytes, at: int, size: int, pages: list[bytes]) -> bytes:
    """Put a record together from its page and its overflow pages."""
    if size <= LOCAL:
        return page[at : at + size]
    local = LEAST + (size - LEAST) % (PAGE - 4)
    local = local if local <= LOCAL else LEAST
    made = page[at : at + local]
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    while following and len(made) < size:
        piece = pages[following - 1]
        following = int.from_bytes(piece[:4], "big")
        made += piece[4:]
    return made[:size]


def _kept(seq: int, values: list[object]) -> Kept | None:
    match values:
        case [
            None,
            bytes() as epoch,
            str() as boot,
            int() as crc,
            bytes() as payload,
            int() as created,
            int() as seal,
        ]:
            row = Kept(epoch, seq, boot, crc, payload, created, seal)
            return row if kept_is_whole(row) else None
        case _:
            return None


def _numbers(values: list[object]) -> Numbers | None:
    match values:
        case [
            bytes() as epoch,
            int() as following,
            int() as dropped,
            int() as acked,
            int() as carried,
            int() as seal,
        ]:
            found = Numbers(epoch, following, dropped, acked, carried)
            return found if numbers_are_whole(found, seal) else None
        case _:
            return None
