"""Damping of alerts that come and go: the more often one fired lately, the longer it takes to end."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.record import Key
from headroom_core.rules import Rule

MEMORY_SECONDS = 6 * 3600
FREE = 1
"""So many firings within the memory change nothing."""
MOST = 3
"""Doublings of the clear hold at most."""


@dataclass(slots=True)
class Flapping:
    """When each alert fired within the last hours, in UTC nanoseconds of the samples' own time."""

    fires: dict[Key, list[int]] = field(default_factory=dict)

    def fired(self, key: Key, time: int) -> None:
        """Note a firing, and let go of those that no longer count."""
        edge = time - MEMORY_SECONDS * SECOND
        self.fires[key] = [*(old for old in self.fires.get(key, ()) if old > edge), time]

    def remember(self, fires: Iterable[tuple[Key, int]]) -> None:
        """Take in firings of before this process."""
        for key, time in fires:
            self.fires.setdefault(key, []).append(time)

    def damped(self, rule: Rule, key: Key, time: int) -> Rule:
        """
        Return the rule with the clear hold that is right for this alert now.

        It doubles with each firing of the last six hours beyond the first, three times at most.
        """
        known = self.fires.get(key)
        if known is None or len(known) <= FREE:
            return rule
        edge = time - MEMORY_SECONDS * SECOND
        extra = sum(old > edge for old in known) - FREE
        if extra <= 0:
            return rule
        return replace(rule, clear_hold_seconds=rule.clear_hold_seconds * 2 ** min(extra, MOST))
