"""The file by which a collector says that it is ready, and where it listens."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "ready.json"


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a running collector listens, as HOST:PORT with the real port."""

    pid: int
    grpc: str
    http: str
    version: str


def write(folder: Path, ready: Ready) -> None:
    """Write the file whole or not at all."""
    beside = folder / f"{NAME}.{ready.pid}"
    beside.write_text(json.dumps(asdict(ready)), encoding="utf-8")
    beside.replace(folder / NAME)


def read(folder: Path) -> Ready | None:
    """Return what a collector wrote; None where there is nothing that can be read."""
    try:
        return Ready(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove(folder: Path) -> None:
    """Take the file away where this process wrote it."""
    found = read(folder)
    if found is not None and found.pid == os.getpid():
        (folder / NAME).unlink(missing_ok=True)
