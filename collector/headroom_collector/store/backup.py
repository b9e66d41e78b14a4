"""Backup of everything a collector keeps: the store, the keys, and files of its own beside them."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headroom_collector.store.api import Snapshot, Store, StoreError
from headroom_collector.store.database import FILE

MANIFEST = "manifest.json"
STORE = "store"
FORMAT = 1
LEFT_OUT = ("the configuration file", "the inventory, where it is outside the data folder")
PASSING = "ready.json"
"""Says that a collector runs; means nothing later."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; ``files`` gives size in bytes and SHA-256 by path."""

    format: int
    time: int
    version: str
    commit_id: int
    files: dict[str, tuple[int, str]]
    left_out: tuple[str, ...] = LEFT_OUT


def digest(path: Path) -> tuple[int, str]:
    """Return a file's size and SHA-256."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, found


def beside(data: Path) -> Iterator[Path]:
    """Yield every regular file in the data folder that is not of the store, by its path there."""
    for path in sorted(data.rglob("*")):
        place = path.relative_to(data)
        ours = place.parts[0] == STORE or place.parts[0].startswith((f"{STORE}.", "."))
        if not ours and place.name != PASSING and stat.S_ISREG(path.lstat().st_mode):
            yield place


def backup(store: Store, data: Path, target: Path, now: int, version: str) -> Manifest:
    """
    Write a backup to the new folder ``target``, while the collector runs.

    ``now`` is UTC nanoseconds. Raises StoreError in one line; nothing half-written stays.
    """
    if target.exists():
        raise StoreError(f"{target}: is there already; name a folder that is not")
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        (partial / STORE).mkdir(parents=True, mode=0o700)
        partial.chmod(0o700)
        taken = store.snapshot(partial / STORE / FILE)
        for place in beside(data):
            (partial / place).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(data / place, partial / place)
        made = _describe(partial, taken, now, version)
        partial.replace(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise StoreError(f"backup to {target}: {error.strerror}; nothing was left there") from None
    except StoreError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return made


def _describe(folder: Path, taken: Snapshot, now: int, version: str) -> Manifest:
    files = {
        str(path.relative_to(folder)): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    made = Manifest(FORMAT, now, version, taken.commit_id, files)
    (folder / MANIFEST).write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    return made


def read_manifest(folder: Path) -> Manifest:
    """Read and verify a backup, every byte of it; raises StoreError that names what is wrong."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {name: (int(size), str(sha)) for name, (size, sha) in found["files"].items()}
        made = Manifest(**found | {"files": files, "left_out": tuple(found["left_out"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: is no backup: {MANIFEST}: {error}") from None
    if made.format != FORMAT:
        raise StoreError(f"{folder}: has format {made.format}, this version reads {FORMAT}")
    for name, expected in made.files.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise StoreError(f"{folder}: {MANIFEST} names {name!r}, outside of the backup")
        if not path.is_file():
            raise StoreError(f"{folder}: {name} is missing; take another backup")
        if digest(path) != expected:
            raise StoreError(f"{folder}: {name} is damaged; take another backup")
    return made


def restore(folder: Path, data: Path, stamp: str) -> Manifest:
    """
    Put a verified backup in place of what a stopped collector has; that is kept beside it.

    ``stamp`` ends the name of what is kept. Raises StoreError, and then nothing has changed.
    """
    made = read_manifest(folder)
    fresh = data.with_name(f".{data.name}.restoring")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        for name in made.files:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(folder / name, fresh / name)
        fresh.chmod(0o700)
        _sync(fresh)
        if data.exists():
            data.rename(data.with_name(f"{data.name}.replaced-{stamp}"))
        fresh.rename(data)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StoreError(f"restore to {data}: {error.strerror}; nothing was changed") from None
    return made


def _sync(folder: Path, sync: Callable[[int], None] = os.fsync) -> None:
    for path in (folder, *folder.rglob("*")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
