"""The oracle: what the sender spooled against what the store holds, value by value."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from headroom_collector.config import StoreSettings
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock
from rigs.delivery.values import MILLISECOND, VMS, kind, values


@dataclass(frozen=True, slots=True)
class Spooled:
    """What the sender wrote down: where each serial is in the spool, and what never got there."""

    places: dict[int, tuple[str, int]]
    failed: set[int]


def read_ledger(file: Path) -> Spooled:
    """Read a sender's ledger; its last line may have been cut by a kill."""
    places, failed = {}, set()
    for line in file.read_text().split("\n")[:-1] if file.exists() else []:
        serial, epoch, seq = line.split()
        if epoch == "failed":
            failed.add(int(serial))
        else:
            places[int(serial)] = epoch, int(seq)
    return Spooled(places, failed)


@dataclass(slots=True)
class Verdict:
    """
    How it came out, in cycles: ``lost`` were spooled, are not stored, and no gap says so.

    ``declared`` are missing and in a gap of the store; ``overstated`` are in a gap though stored.
    """

    spooled: int = 0
    stored: int = 0
    lost: set[int] = field(default_factory=set)
    duplicated: set[int] = field(default_factory=set)
    wrong: set[int] = field(default_factory=set)
    declared: set[int] = field(default_factory=set)
    overstated: set[tuple[str, int]] = field(default_factory=set)

    def clean(self) -> bool:
        """Nothing lost without a word, nothing twice, nothing changed, no gap that is none."""
        return not (self.lost or self.duplicated or self.wrong or self.overstated)


def judge(store: DuckStore, host: str, base: int, ledger: Path) -> Verdict:
    """Compare the store's whole content of a host with its sender's ledger."""
    spooled = read_ledger(ledger)
    found = Verdict(spooled=len(spooled.places))
    counts: Counter[int] = Counter()
    for name, things in (("host", 1), ("vm", VMS)):
        counts += _samples(store, host, base, name, things, found)
    stored = {serial for serial, count in counts.items() if count}
    found.stored = len(stored)
    found.wrong |= {serial for serial in stored if counts[serial] < 1 + VMS}
    gaps = _gaps(store, host)
    for serial, place in spooled.places.items():
        if serial not in stored:
            (found.declared if place in gaps else found.lost).add(serial)
        elif place in gaps:
            found.overstated.add(place)
    return found


def _samples(
    store: DuckStore, host: str, base: int, name: str, things: int, found: Verdict
) -> Counter[int]:
    columns = ", ".join(f's."{column.field}"' for column in kind(name).columns)
    sql = (
        f"SELECT s.time, t.key, {columns} FROM {name}_sample s JOIN hosts h ON h.id = s.host_id"
        " JOIN things t ON t.id = s.thing_id WHERE h.name = ?"
    )
    seen: Counter[tuple[int, int]] = Counter()
    for row in zip(
        *(column.to_pylist() for column in store.query(sql, [host]).columns), strict=True
    ):
        serial, thing = (row[0] - base) // MILLISECOND, int(row[1].rpartition("-")[2] or 0)
        seen[serial, thing] += 1
        if row[2:] != values(host, serial, name, thing):
            found.wrong.add(serial)
    found.duplicated |= {serial for (serial, _), count in seen.items() if count > 1}
    assert all(thing < things for _, thing in seen)
    return Counter(serial for serial, _ in seen)


def _gaps(store: DuckStore, host: str) -> set[tuple[str, int]]:
    table = store.query(
        "SELECT lower(hex(g.epoch)) AS epoch, g.from_seq, g.to_seq FROM gaps g"
        " JOIN hosts h ON h.id = g.host_id WHERE h.name = ?",
        [host],
    )
    return {
        (row["epoch"], seq)
        for row in table.to_pylist()
        for seq in range(row["from_seq"], row["to_seq"] + 1)
    }


def judge_folder(folder: Path, host: str, base: int, ledger: Path) -> Verdict:
    """Judge the store of a collector that is stopped."""
    store = open_store(folder, StoreSettings(), [], SystemClock())
    try:
        return judge(store, host, base, ledger)
    finally:
        store.close()
