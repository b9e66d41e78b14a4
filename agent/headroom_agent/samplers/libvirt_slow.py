"""What libvirt has to ask each virtual machine for, one by one in a thread that may hang."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

KEYS: Final = {
    "cpu_ns": "cpu.time",
    "vcpus": "vcpu.current",
    "memory_kib": "balloon.current",
    "memory_max_kib": "balloon.maximum",
    "resident_kib": "balloon.rss",
}
HANG_SECONDS: Final = 3.0
"""A domain that has not answered for so long keeps libvirt waiting."""
MOST_HUNG: Final = 5
"""So many calls may hang at once; with more, libvirt's own workers would run out."""

Key = tuple[str, int]
Found = tuple[str, int, int, dict[str, int | None]]
Ask = Callable[[Any, str], tuple[Any, dict[str, Any]]]


def delay_ns(stats: dict[str, Any]) -> int | None:
    """Add up the time that the vCPUs waited for a CPU; None where no vCPU tells."""
    waits = [v for k, v in stats.items() if k.startswith("vcpu.") and k.endswith(".delay")]
    return sum(waits) if waits else None


def details(stats: dict[str, Any]) -> dict[str, int | None]:
    """Keep of libvirt's statistics what a sample has."""
    return {"delay_ns": delay_ns(stats), **{name: stats.get(key) for name, key in KEYS.items()}}


@dataclass(slots=True)
class Turn:
    """The question that a thread is at: which domain, since when; ``key`` is None in between."""

    key: Key | None = None
    since: float = 0.0


@dataclass(slots=True)
class Slow:
    """
    Reads every wanted domain once an interval.

    ``ask`` gets the thread's connection, None at first, and a UUID; it returns the connection and
    the statistics, and raises ``fault``. A domain whose call hangs is left with its thread: it is
    not asked again until that call came back, and a new thread goes on with the others. So one
    domain costs libvirt one worker, however long it hangs.
    """

    ask: Ask
    fault: type[Exception]
    interval_seconds: float
    hang_seconds: float = HANG_SECONDS
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _wanted: set[Key] = field(default_factory=set)
    _asked: dict[Key, float] = field(default_factory=dict)
    _queue: list[Key] = field(default_factory=list)
    _found: list[Found] = field(default_factory=list)
    _left: list[Turn] = field(default_factory=list)
    _turn: Turn | None = None

    def want(self, keys: set[Key]) -> None:
        """Say which domains there are: UUID and id, which is another one after each start."""
        with self._lock:
            self._wanted = keys
            self._asked = {key: at for key, at in self._asked.items() if key in keys}
            self._replace()
            self._queue = self._due()
            self._lock.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait that long at most until every domain was asked once, those that hang left out."""
        with self._lock:
            until = self.clock() + seconds
            while self._missing() and (left := until - self.clock()) > 0:
                self._lock.wait(left)

    def take(self) -> list[Found]:
        """Return what was read since the last time: UUID, id, nanoseconds since boot, values."""
        with self._lock:
            found, self._found = self._found, []
        return found

    def hung(self) -> list[str]:
        """Return the UUIDs of the domains that keep libvirt waiting."""
        with self._lock:
            now, turn = self.clock(), self._turn
            keys = [left.key for left in self._left if left.key is not None]
            if turn is not None and turn.key is not None and self._hangs(turn, now):
                keys.append(turn.key)
        return [uuid for uuid, _ in keys]

    def _hangs(self, turn: Turn, now: float) -> bool:
        return turn.key is not None and now - turn.since >= self.hang_seconds

    def _missing(self) -> bool:
        stuck = {left.key for left in self._left}
        if self._turn is not None and self._hangs(self._turn, self.clock()):
            stuck.add(self._turn.key)
        return bool(self._wanted - self._asked.keys() - stuck)

    def _replace(self) -> None:
        """Have a thread that works: a new one where there is none or the last one hangs."""
        self._left = [turn for turn in self._left if turn.key is not None]
        if self._turn is not None:
            if not self._hangs(self._turn, self.clock()):
                return
            if len(self._left) + 1 >= MOST_HUNG:
                return
            self._left.append(self._turn)
        self._turn = Turn()
        threading.Thread(target=self._work, args=(self._turn,), daemon=True).start()

    def _due(self) -> list[Key]:
        """Return who is to be asked, the one that waited longest at the end."""
        now, busy = self.clock(), {turn.key for turn in (*self._left, self._turn) if turn}
        due = [
            key
            for key in self._wanted - busy
            if now - self._asked.get(key, -1e9) >= self.interval_seconds
        ]
        return sorted(due, key=lambda key: self._asked.get(key, -1e9), reverse=True)

    def _work(self, turn: Turn) -> None:
        connection: Any = None
        while True:
            with self._lock:
                while not self._queue:
                    self._lock.wait()
                key = self._queue.pop()
                turn.key, turn.since = key, self.clock()
            try:
                connection, stats = self.ask(connection, key[0])
            except self.fault:
                connection, stats = None, None  # gone in the meantime, or the daemon was
            with self._lock:
                turn.key = None
                self._asked[key] = self.clock()
                if stats is not None:
                    at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
                    self._found.append((*key, at, details(stats)))
                self._lock.notify_all()
                if turn is not self._turn:
                    return  # another thread took over
