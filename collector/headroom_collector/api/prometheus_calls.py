"""Calls of Prometheus' HTTP API: their parameters, their limits, and the form of an answer."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

import anyio
from anyio import to_thread
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from headroom_collector.api import times
from headroom_collector.promql.errors import BadDataError, BusyError, PromqlError
from headroom_collector.promql.query import Deadline
from headroom_collector.store.api import StoreError

BODY = 1 << 20
"""Most bytes of a request's body."""
RUNNING = 2
"""Queries that run at once: the collector's cores are for ingest first."""
WAITING = 64
"""Queries that may wait for their turn beside those."""
SECONDS = 30.0
"""Most time of a query, its wait included."""
LOOK_SECONDS = 0.5
"""How often it is looked whether somebody still waits for an answer."""
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
UNITS = (86_400_000, 3_600_000, 60_000, 1000, 1)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A call's parameters, of its address and its body alike."""

    values: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """Return a parameter's last value, empty where there is none."""
        return self.values.get(name, [""])[-1]

    def many(self, name: str) -> Sequence[str]:
        """Return every value of a parameter."""
        return self.values.get(name, ())

    def moment(self, name: str, default: int | None = None) -> int:
        """Return a time in milliseconds; raises BadDataError."""
        text = self.one(name)
        if not text:
            if default is None:
                raise BadDataError(f"invalid parameter '{name}': expected a time")
            return default
        try:
            return times.parse(text, name) // 1_000_000
        except HTTPException as error:
            raise BadDataError(f"invalid parameter '{name}': {error.detail}") from None

    def step(self) -> int:
        """Return the step in milliseconds; raises BadDataError."""
        text = self.one("step")
        try:
            return round(float(text) * 1000)
        except (ValueError, OverflowError):
            found = DURATION.fullmatch(text) if text else None
        if found is None:
            raise BadDataError(
                f"invalid parameter 'step': {text!r}: expected seconds or a duration such as 5m"
            )
        return sum(int(part or 0) * unit for part, unit in zip(found.groups(), UNITS, strict=True))


async def parameters(request: Request) -> Parameters:
    """Read a call's parameters; raises BadDataError."""
    values: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        values.setdefault(name, []).append(value)
    if request.method == "POST":
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY:
                raise BadDataError(f"body: more than {BODY} bytes")
        for name, found in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items():
            values.setdefault(name, []).extend(found)
    return Parameters(values)


def _failure(status: int, kind: str, text: str) -> Response:
    body = {"status": "error", "errorType": kind, "error": " ".join(text.split())}
    return Response(json.dumps(body), status, media_type="application/json")


async def answered(work: Callable[[], Awaitable[str]]) -> Response:
    """Return what ``work`` gives as an answer, or its error in Prometheus' form."""
    try:
        return Response(await work(), media_type="application/json")
    except PromqlError as error:
        return _failure(error.status, error.kind, str(error))
    except StoreError as error:
        return _failure(503, "unavailable", str(error))


class Gate:
    """
    Lets a few queries at a time run, in threads of their own.

    A query ends at its time limit, and soon after the one who asked has gone.
    """

    def __init__(self, monotonic: Callable[[], float], seconds: float = SECONDS) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._limiter = anyio.CapacityLimiter(RUNNING)
        self._inside = 0

    async def run(self, request: Request, work: Callable[[Deadline], str]) -> str:
        """Return what ``work`` gives; raises BusyError, and what it raises."""
        if self._inside >= RUNNING + WAITING:
            raise BusyError(f"{self._inside} queries run or wait already: ask again later")
        self._inside += 1
        deadline = Deadline(self._monotonic, self._seconds)

        def timely() -> str:
            deadline.check()
            return work(deadline)

        try:
            task = asyncio.ensure_future(to_thread.run_sync(timely, limiter=self._limiter))
            while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    deadline.cancel()
            return task.result()
        finally:
            deadline.cancel()
            self._inside -= 1
