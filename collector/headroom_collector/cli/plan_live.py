"""``headroom plan`` of a running estate: begun over the admin socket, followed, and shown."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import httpx

from headroom_collector.cli.client import CliError, client

POLL_SECONDS = 0.3
CLEAR = "\r\x1b[K"


@contextmanager
def asked_to_stop() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C sets; the second ends the command."""
    event, before = Event(), signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def say(progress: Mapping[str, Any] | None) -> None:
    """Write one line of progress over the last one, on a terminal only."""
    if progress is None or not sys.stderr.isatty():
        return
    hosts = ""
    if progress["hosts"]:
        hosts = f", {progress['hosts']} hosts (bound {progress['lower_bound']})"
    left = progress["left_seconds"]
    sys.stderr.write(f"{CLEAR}{progress['stage']}{hosts}, at most {left:.0f} s left")
    sys.stderr.flush()


def follow(http: httpx.Client, id_: str) -> dict[str, Any]:
    """Wait for a plan and return it whole; Ctrl-C takes the best so far. Raises CliError."""
    with asked_to_stop() as event:
        stopped = False
        while True:
            found: dict[str, Any] = http.get(f"/api/v1/plans/{id_}").json()
            if found["state"] != "running":
                break
            if event.is_set() and not stopped:
                stopped = True
                http.post(f"/api/v1/plans/{id_}/stop")
            say(found["progress"])
            time.sleep(POLL_SECONDS)
    if sys.stderr.isatty():
        sys.stderr.write(CLEAR)
    if found["state"] != "finished":
        raise CliError(f"plan {id_} {found['state']}: {found['summary'].get('error', '')}")
    return found


def planned(data: Path | None, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a plan of the running estate and return it, as the API does; raises CliError."""
    with client(data) as http:
        begun = http.post("/api/v1/plans", json=dict(wish)).json()
        return follow(http, str(begun["id"]))


def shown(data: Path | None, id_: str) -> dict[str, Any]:
    """Return a plan that is kept; raises CliError."""
    with client(data) as http:
        found: dict[str, Any] = http.get(f"/api/v1/plans/{id_}").json()
        if found["state"] != "finished":
            raise CliError(f"plan {id_} is {found['state']}")
        return found


def listed(data: Path | None) -> list[dict[str, Any]]:
    """Return the plans that are kept, the newest first; raises CliError."""
    with client(data) as http:
        found: list[dict[str, Any]] = http.get("/api/v1/plans", params={"limit": 200}).json()[
            "plans"
        ]
        return found


def compared(data: Path | None, one: str, other: str) -> dict[str, Any]:
    """Return two plans beside each other; raises CliError."""
    with client(data) as http:
        params = {"one": one, "other": other}
        found: dict[str, Any] = http.get("/api/v1/plans/compare", params=params).json()
        return found
