"""Sender of notifications: takes letters from the outbox to the webhook, at least once each."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from headroom_collector.alerts import outbox
from headroom_collector.alerts.outbox import Letter
from headroom_collector.alerts.wake import RETRY_SECONDS, Trouble, Wake, durable
from headroom_collector.alerts.window import SECOND
from headroom_collector.config import Webhook
from headroom_collector.store.api import Change, Store, StoreError
from headroom_core.clock import Clock

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 300.0
RESPONSE_BYTES = 65536
AT_ONCE = 8
IDLE_SECONDS = 10.0
PACE_SECONDS = 0.2
"""Shortest time between two looks into the outbox."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver made of a letter; ``retry`` says whether asking again can help."""

    accepted: bool
    retry: bool = False
    reason: str = ""


def http_client() -> httpx.AsyncClient:
    """Return the client that notifications go out with: no redirects, no proxies of the environment."""
    return httpx.AsyncClient(follow_redirects=False, trust_env=False)


def delay(attempts: int, jitter: float) -> float:
    """
    Return the seconds to wait after that many attempts: doubling, from 1 s to 5 min.

    ``jitter`` (0..1) takes up to half of it away, so that receivers are not met in step.
    """
    full: float = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(attempts, 16))
    return full * (1 - jitter / 2)


async def _drain(response: httpx.Response) -> None:
    """Read an answer's body up to a bound: who sends more is cut off, not stored."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > RESPONSE_BYTES:
            return


async def post(client: httpx.AsyncClient, webhook: Webhook, letter: Letter) -> Answer:
    """Send one letter, within the webhook's time limit as a whole."""
    headers = {"content-type": "application/json", "webhook-id": letter.id}
    content = letter.payload.encode()
    limit = webhook.timeout_seconds
    try:
        async with (
            asyncio.timeout(limit),
            client.stream(
                "POST", webhook.url, content=content, headers=headers, timeout=limit
            ) as response,
        ):
            await _drain(response)
    except (TimeoutError, httpx.TimeoutException):
        return Answer(accepted=False, retry=True, reason=f"no answer within {limit:g} s")
    except httpx.ConnectError as error:
        return Answer(accepted=False, retry=True, reason=f"cannot be reached: {error}")
    except httpx.TransportError as error:
        reason = f"the connection broke: {str(error) or type(error).__name__}"
        return Answer(accepted=False, retry=True, reason=reason)
    except httpx.InvalidURL as error:
        return Answer(accepted=False, reason=f"is no URL to send to: {error}")
    status = response.status_code
    if response.is_success:
        return Answer(accepted=True)
    retry = status == 429 or status >= 500
    return Answer(accepted=False, retry=retry, reason=f"answered HTTP {status}")


class Sender:
    """
    Sends what waits in the outbox, a firing before its resolve, until it is accepted or given up.

    5xx, 429, time-outs and connections that fail are tried again; any other answer but success is
    final. A resolve goes out only where its firing was accepted. ``jitter`` returns 0..1.
    """

    def __init__(
        self,
        store: Store,
        webhook: Webhook,
        client: httpx.AsyncClient,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._webhook = webhook
        self._client = client
        self._clock = clock
        self._jitter = jitter
        self._sent = 0
        self._failed = 0
        self._waiting = 0
        # An URL may hold a secret in its path: only where it leads is ever logged.
        self._name = f"webhook at {urlsplit(webhook.url).netloc.rpartition('@')[2]}"

    def statistics(self) -> dict[str, float]:
        """Return the counters since the start by the field names of CollectorSample."""
        return {
            "notifications_total": self._sent,
            "notifications_failed_total": self._failed,
            "notifications_waiting": self._waiting,
        }

    async def run(self) -> None:
        """Send until cancelled, woken by commits."""
        wake, trouble = Wake(), Trouble()
        self._store.subscribe(wake)
        while True:
            try:
                pause = await self.send_due()
                trouble.over()
            except StoreError as error:
                pause = RETRY_SECONDS
                trouble.say(error)
            await asyncio.sleep(PACE_SECONDS)
            await wake.wait(min(pause, IDLE_SECONDS))

    async def send_due(self) -> float:
        """Send what is due; returns the seconds until the next is. Raises StoreError."""
        while True:
            letters = await asyncio.to_thread(outbox.read_waiting, self._store)
            self._waiting = sum(letter.queued for letter in letters)
            now = self._clock.now()
            due = [letter for letter in letters if letter.next_try <= now]
            if not due:
                return self._pause(letters, now)
            await asyncio.gather(*(self._handle(letter) for letter in due[:AT_ONCE]))

    @staticmethod
    def _pause(letters: Sequence[Letter], now: int) -> float:
        waits = [(letter.next_try - now) / SECOND for letter in letters]
        return min(waits, default=IDLE_SECONDS)

    async def _handle(self, letter: Letter) -> None:
        if not letter.told:
            reason = outbox.NEVER_TOLD
            change = outbox.failed(letter.id, self._clock.now(), reason)
            log.warning(
                "notification %s (%s) is not sent: %s", letter.id, letter.kind.value, reason
            )
        else:
            change = self._outcome(letter, await post(self._client, self._webhook, letter))
        await durable(self._store.change(change))

    def _outcome(self, letter: Letter, answer: Answer) -> Change:
        now = self._clock.now()
        what = f"notification {letter.id} ({letter.kind.value})"
        if answer.accepted:
            self._sent += 1
            log.info("%s: accepted by the %s", what, self._name)
            return outbox.sent(letter.id, now)
        self._failed += 1
        late = now - letter.created >= self._webhook.give_up_seconds * SECOND
        if not answer.retry or late:
            log.error("%s: given up, the %s: %s", what, self._name, answer.reason)
            return outbox.failed(letter.id, now, answer.reason)
        wait = delay(letter.attempts, self._jitter())
        log.warning("%s: the %s: %s; again in %.1f s", what, self._name, answer.reason, wait)
        return outbox.postponed(letter.id, now + round(wait * SECOND), answer.reason)
