"""Audit lines: who was let in or refused, with what, and why."""

import logging
from collections.abc import Callable

from headroom_core.clock import Clock

log = logging.getLogger("headroom.audit")

QUIET_SECONDS = 10.0
"""The same refusal of the same peer is said once in so long, then with how often it came."""
REMEMBERED = 1_000


def _quoted(text: str) -> str:
    """Return a value for a line: without what could end it or turn it round."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in str(text))[:200]
    return f'"{plain}"' if set(plain) & set(' "=') else plain


class Audit:
    """Writes the lines; safe from any thread. ``refused`` counts, by what was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str, str, str], tuple[float, int]] = {}
        self.refused_total = 0
        self.granted_total = 0

    def granted(self, what: str, peer: str, **more: str) -> None:
        """Say that something was done or given."""
        self.granted_total += 1
        self._say(log.info, "granted", what, peer, more)

    def refused(self, what: str, peer: str, reason: str, **more: str) -> None:
        """Say that somebody was refused, and why."""
        self.refused_total += 1
        # A peer that tries again comes from another port.
        key = (what, peer.rpartition(":")[0], reason, more.get("serial", ""))
        now = self._clock.monotonic()
        since, more_often = self._seen.get(key, (None, 0))
        if since is not None and now - since < QUIET_SECONDS:
            self._seen[key] = (since, more_often + 1)
            return
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, 0)
        told = {**more, "reason": reason}
        if more_often:
            told["repeated"] = str(more_often)
        self._say(log.warning, "refused", what, peer, told)

    @staticmethod
    def _say(
        say: Callable[..., None], done: str, what: str, peer: str, more: dict[str, str]
    ) -> None:
        told = {"peer": peer or "unknown", **more}
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in told.items() if value)
        say("audit: %s %s %s", done, what, fields)
