"""Dead man's switch: says that alerting works, so that somebody else can miss it."""

import asyncio
import json
import logging
from collections.abc import Callable

import httpx

from headroom_collector.alert_settings import Heartbeat

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
FRESH_SECONDS = 30.0
"""Alerting works while its last whole look is no older than this."""


class Pulse:
    """
    Posts while alerting works, and stops when it does not.

    ``age`` gives the seconds since the last look at the samples that came to its end.
    """

    def __init__(
        self, settings: Heartbeat, client: httpx.AsyncClient, age: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._client = client
        self._age = age
        self._said = ""

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(self._settings.every_seconds)

    async def beat(self) -> bool:
        """Post once where alerting works; returns whether it was accepted."""
        age = self._age()
        if age > FRESH_SECONDS:
            return self._note(f"no heartbeat: nothing was evaluated for {age:.0f} s")
        content = json.dumps({"status": "alive", "evaluated_seconds_ago": round(age, 1)})
        headers = {"content-type": "application/json"}
        try:
            # Only how it answers is wanted: what it answers is not even read.
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._client.stream(
                    *("POST", self._settings.url),
                    content=content,
                    headers=headers,
                    timeout=TIMEOUT_SECONDS,
                ) as answer,
            ):
                pass
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            return self._note(f"the heartbeat's receiver cannot be reached: {reason}")
        if not answer.is_success:
            return self._note(f"the heartbeat's receiver answered HTTP {answer.status_code}")
        return self._note("")

    def _note(self, trouble: str) -> bool:
        """Log a change, once."""
        if trouble != self._said:
            log.warning("%s", trouble) if trouble else log.info("the heartbeat goes out again")
        self._said = trouble
        return not trouble
