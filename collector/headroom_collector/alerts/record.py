"""An alert as it is kept: where it stands, what it saw last, and what on-call was told of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from headroom_collector.alerts.evaluate import INACTIVE, Event, Phase, State

Key = tuple[str, str]
"""Rule and host."""


def dedup_key(rule: str, host: str) -> str:
    """Return the name by which receivers tell one alert from another, the same for ever."""
    return hashlib.sha256(f"{rule}\x1f{host}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One rule on one host.

    ``value`` and ``ceiling``, which is the rule's level whatever it is, are in the metric's unit,
    the others UTC nanoseconds of the samples' own time: ``updated`` the end of the window looked at
    last, ``ended`` when its last episode resolved, ``told`` the start of the episode that on-call
    was told of and not yet told is over, under ``labels``. ``judged_by`` is the rule's fingerprint.
    """

    rule: str
    host: str
    state: State = INACTIVE
    value: float | None = None
    ceiling: float | None = None
    updated: int = 0
    ended: int | None = None
    told: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    judged_by: str = ""

    @property
    def key(self) -> Key:
        """Rule and host."""
        return self.rule, self.host

    @property
    def open(self) -> bool:
        """Whether there is anything to keep of it."""
        return self.state.phase is not Phase.INACTIVE or self.told is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A line of the history; times in UTC nanoseconds.

    ``historical`` where the samples were too old to tell anybody; ``reason`` where something
    other than the samples ended the alert.
    """

    rule: str
    host: str
    event: Event
    time: int
    started: int
    value: float | None
    ceiling: float | None
    historical: bool
    reason: str = ""


class NoticeKind(Enum):
    """What on-call is told."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Notice:
    """
    Something to tell on-call: the alert as it is, times in UTC nanoseconds.

    ``ended`` is None while it fires. ``id`` is the same however often the notice is sent.
    """

    kind: NoticeKind
    alert: Alert
    started: int
    ended: int | None = None

    @property
    def id(self) -> str:
        """Name of this event for receivers that drop repetitions."""
        alert = self.alert
        text = f"{dedup_key(alert.rule, alert.host)} {self.kind.value} {self.started} {self.ended}"
        return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
