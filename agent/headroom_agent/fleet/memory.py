"""
What a fleet remembers between two runs: until when each host's figures have arrived.

A run has epochs of its own, so the collector cannot tell a past that is sent twice from new
figures; with this the next run starts its past where the last one ended.
"""

import json
from pathlib import Path


def load(path: Path) -> dict[str, int]:
    """
    Return the last moment of each host in UTC nanoseconds; empty where there is no file yet.

    Raises OSError, and ValueError where the file holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict) or not all(type(value) is int for value in found.values()):
        raise ValueError("expected a JSON object of host names and nanoseconds")
    return found


def save(path: Path, moments: dict[str, int]) -> None:
    """Write it in one step; raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(moments) + "\n", encoding="utf-8")
    fresh.replace(path)
