"""Letters: what one notification to one receiver says, and what became of it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from headroom_collector.alerts.evaluate import Phase
from headroom_collector.alerts.record import Alert, NoticeKind, dedup_key

Told = tuple[str, int]
"""An episode: dedup key of its alert, and its start in UTC nanoseconds."""


@dataclass(frozen=True, slots=True)
class Member:
    """One alert in a letter as it was then; value and level in the metric's unit, times UTC ns."""

    key: str
    rule: str
    host: str
    started: int
    ended: int | None
    value: float | None
    level: float | None
    labels: Mapping[str, str]
    clearing: bool = False
    """It is below its clear level at the moment: on its way to its end."""

    @property
    def told(self) -> Told:
        """Its episode."""
        return self.key, self.started


def member_of(alert: Alert) -> Member:
    """Return an alert that on-call is to know of, as it is now; it fires."""
    if alert.told is None:
        raise ValueError(f"{alert.key}: nobody is to know of it")
    return Member(
        key=dedup_key(alert.rule, alert.host),
        rule=alert.rule,
        host=alert.host,
        started=alert.told,
        ended=None,
        value=alert.value,
        level=alert.ceiling,
        labels=alert.labels,
        clearing=alert.state.phase is Phase.CLEARING,
    )


def over(member: Member, ended: int, value: float | None) -> Member:
    """Return the same alert as one that is over."""
    return replace(member, ended=ended, value=value)


@dataclass(frozen=True, slots=True)
class Letter:
    """One notification: to whom, of which group, about whom; ``created`` in UTC nanoseconds."""

    receiver: str
    group: str
    labels: Mapping[str, str]
    members: tuple[Member, ...]
    created: int

    @property
    def kind(self) -> NoticeKind:
        """Firing while anything in it fires."""
        fires = any(member.ended is None for member in self.members)
        return NoticeKind.FIRING if fires else NoticeKind.RESOLVED

    @property
    def id(self) -> str:
        """Name of this event for receivers that drop repetitions; kept, so the same on each try."""
        told = [f"{m.key} {m.started} {m.ended}" for m in self.members]
        text = "\n".join([self.receiver, self.group, str(self.created), *told])
        return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def firing(members: Iterable[Member]) -> dict[str, Member]:
    """Return those that fire, by key."""
    return {member.key: member for member in members if member.ended is None}


@dataclass(slots=True)
class Group:
    """
    What one receiver was told of one group of alerts.

    ``view`` is what the newest letter says is firing, ``accepted`` what the newest letter that was
    accepted says; ``waiting`` is the id of the letter that is on its way, ``resolving`` whom it
    resolves.
    """

    receiver: str
    id: str
    labels: Mapping[str, str]
    view: dict[str, Member] = field(default_factory=dict)
    accepted: dict[str, Member] = field(default_factory=dict)
    waiting: str | None = None
    resolving: frozenset[str] = frozenset()
    flushed: int | None = None

    def send(self, letter: Letter) -> None:
        """Note a letter that is on its way now."""
        self.view = firing(letter.members)
        self.waiting = letter.id
        self.resolving = frozenset(m.key for m in letter.members if m.ended is not None)
        self.flushed = letter.created

    def drop(self) -> None:
        """Note that the letter on its way is no longer wanted, and that there is nothing to say."""
        self.view = {}
        self.waiting = None
        self.resolving = frozenset()
