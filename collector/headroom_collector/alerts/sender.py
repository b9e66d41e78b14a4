"""Sender of notifications: takes letters from the outbox to one receiver, at least once each."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from headroom_collector.alert_settings import Receiver
from headroom_collector.alerts import outbox
from headroom_collector.alerts.answer import Answer
from headroom_collector.alerts.delivery import deliver
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.alerts.wake import RETRY_SECONDS, Trouble, Wake, durable
from headroom_collector.alerts.window import SECOND
from headroom_collector.store.api import Change, Store, StoreError
from headroom_core.clock import Clock

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 300.0
LONGEST_WAIT_SECONDS = 3600
AT_ONCE = 8
IDLE_SECONDS = 10.0
PACE_SECONDS = 0.2
"""Shortest time between two looks into the outbox."""


def delay(attempts: int, jitter: float) -> float:
    """
    Return the seconds to wait after that many attempts: doubling, from 1 s to 5 min.

    ``jitter`` (0..1) takes up to half of it away, so that receivers are not met in step.
    """
    full: float = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(attempts, 16))
    return full * (1 - jitter / 2)


@dataclass(frozen=True, slots=True)
class Room:
    """
    What a sender stands on; ``jitter`` returns 0..1.

    ``settled`` is told of each letter's fate, with its id and whether it was accepted.
    """

    store: Store
    client: httpx.AsyncClient
    clock: Clock
    jitter: Callable[[], float]
    settled: Callable[[str, bool], None]
    language: str = "en"


class Sender:
    """
    Sends what waits for one receiver until it is accepted or given up; others have their own.

    5xx, 429, time-outs and connections that fail are tried again; any other answer but success is
    final.
    """

    def __init__(self, name: str, receiver: Receiver, room: Room) -> None:
        self._name = name
        self._receiver = receiver
        self._room = room
        self._sent = 0
        self._failed = 0
        self._waiting = 0
        # An URL may hold a secret in its path: only where it leads is ever logged.
        where = receiver.server or urlsplit(receiver.url).netloc.rpartition("@")[2]
        self._shown = f"{receiver.type} {name!r}" + (f" at {where}" if where else "")

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
        self._room.store.subscribe(wake)
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
            letters = await asyncio.to_thread(outbox.read_waiting, self._room.store, self._name)
            self._waiting = len(letters)
            now = self._room.clock.now()
            # One that is due long from now was written before the clock was set back.
            far = now + LONGEST_WAIT_SECONDS * SECOND
            due = [letter for letter in letters if not now < letter.next_try <= far]
            if not due:
                return self._pause(letters, now)
            # At most one letter of a group waits, so none overtakes an older one of its group.
            await asyncio.gather(*(self._handle(letter) for letter in due[:AT_ONCE]))

    @staticmethod
    def _pause(letters: Sequence[Envelope], now: int) -> float:
        waits = [(letter.next_try - now) / SECOND for letter in letters]
        return min(waits, default=IDLE_SECONDS)

    async def _handle(self, letter: Envelope) -> None:
        room = self._room
        now = room.clock.now()
        answer = await deliver(room.client, self._receiver, letter, now, room.language)
        change, settled = self._outcome(letter, answer)
        await durable(room.store.change(change))
        if settled:
            room.settled(letter.id, answer.accepted)

    def _outcome(self, letter: Envelope, answer: Answer) -> tuple[Change, bool]:
        now = self._room.clock.now()
        what = f"notification {letter.id} ({letter.kind.value})"
        if answer.accepted:
            self._sent += 1
            log.info("%s: accepted by the %s", what, self._shown)
            return outbox.sent(letter.id, now), True
        self._failed += 1
        late = now - letter.created >= self._receiver.give_up_seconds * SECOND
        if not answer.retry or late:
            log.error("%s: given up, the %s: %s", what, self._shown, answer.reason)
            return outbox.failed(letter.id, now, answer.reason), True
        wait = max(delay(letter.attempts, self._room.jitter()), answer.after_seconds)
        log.warning("%s: the %s: %s; again in %.1f s", what, self._shown, answer.reason, wait)
        return outbox.postponed(letter.id, now + round(wait * SECOND), answer.reason), False
