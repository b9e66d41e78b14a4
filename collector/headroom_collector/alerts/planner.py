"""
Planner of notifications: which letters bring every receiver's knowledge in line with the truth.

It compares what on-call is to know with what each receiver was told, group by group. Nothing of
that is a queue of events: a receiver that was away for hours is told the present state, a resolve
follows only where a firing was accepted, and a restart finds the same difference again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headroom_collector.alert_settings import Groups, Receiver, Route
from headroom_collector.alerts.letters import Group, Letter, Member, Told, firing, over
from headroom_collector.alerts.routes import group_id, group_labels, receivers_of

SECOND = 1_000_000_000
RESEND_SECONDS = 60.0
"""Alertmanager forgets an alert that nobody repeats; it groups and repeats for itself."""

REMEMBERED = 1000
"""Letters whose fate is of interest: one that was replaced may be accepted all the same."""

Ends = Callable[[Sequence[Member]], Mapping[Told, tuple[int, float | None]]]
"""When these episodes ended (UTC nanoseconds), and the value then."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where notifications can go, and how alerts share them."""

    receivers: Mapping[str, Receiver]
    routes: Sequence[Route]
    groups: Groups

    def pace(self, receiver: str) -> Groups:
        """Return how a receiver's alerts are grouped."""
        if self.receivers[receiver].type != "alertmanager":
            return self.groups
        return replace(
            self.groups,
            by=(),
            wait_seconds=0.0,
            interval_seconds=1.0,
            repeat_seconds=RESEND_SECONDS,
        )


@dataclass(slots=True)
class Plan:
    """Letters to write, letters that are no longer wanted, seconds until something is due."""

    letters: list[Letter] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    due_seconds: float | None = None

    def wait(self, seconds: float) -> None:
        """Note that something is due after so many seconds."""
        known = self.due_seconds
        self.due_seconds = seconds if known is None else min(known, seconds)


class Planner:
    """
    What every receiver was told; ``groups`` is what earlier letters say.

    Not safe from several threads at once.
    """

    def __init__(self, settings: Settings, groups: Iterable[Group]) -> None:
        self._settings = settings
        self._groups = {group.id: group for group in groups}
        self._seen: dict[tuple[str, Told], int] = {}
        self._letters: dict[str, Letter] = {}

    def plan(
        self, members: Sequence[Member], now: int, ends: Ends, acked: frozenset[Told] = frozenset()
    ) -> Plan:
        """Return what is to be sent at UTC nanoseconds ``now`` so that all know of ``members``."""
        look = _Look(now, ends, acked)
        for receiver, wanted in self._sorted(members, now).items():
            for group, current in wanted.items():
                self._group(self._groups[group], self._settings.pace(receiver), current, look)
        self._forget(members)
        return look.plan

    def settled(self, letter_id: str, *, accepted: bool) -> None:
        """Note what became of a letter: a receiver accepted it, or it was given up."""
        letter = self._letters.pop(letter_id, None)
        for group in self._groups.values():
            if group.waiting == letter_id:
                group.waiting, group.resolving = None, frozenset()
                if accepted:
                    group.accepted = dict(group.view)
            elif accepted and letter is not None and group.id == letter.group:
                group.accepted = firing(letter.members)

    def _forget(self, members: Iterable[Member]) -> None:
        told = {member.told for member in members}
        self._seen = {key: at for key, at in self._seen.items() if key[1] in told}
        idle = [
            group.id
            for group in self._groups.values()
            if not (group.view or group.accepted or group.waiting) and group.flushed is None
        ]
        for gone in idle:
            del self._groups[gone]
        for old in list(self._letters)[:-REMEMBERED]:
            del self._letters[old]

    def _sorted(
        self, members: Sequence[Member], now: int
    ) -> dict[str, dict[str, dict[str, Member]]]:
        """Return who is to be in which group, by receiver; every known group is there."""
        known = self._settings.receivers
        found: dict[str, dict[str, dict[str, Member]]] = {name: {} for name in known}
        home: dict[tuple[str, Told], str] = {}
        for group in self._groups.values():
            if group.receiver in known:
                found[group.receiver][group.id] = {}
                for member in group.view.values():
                    home[group.receiver, member.told] = group.id
        fresh: dict[str, list[Member]] = {}
        for member in members:
            for receiver in receivers_of(member.labels, self._settings.routes, list(known)):
                at = home.get((receiver, member.told))
                if at is None:
                    fresh.setdefault(receiver, []).append(member)
                    self._seen.setdefault((receiver, member.told), now)
                else:
                    found[receiver][at][member.key] = member
        for receiver, news in fresh.items():
            for id_, member in self._settle(receiver, news, now):
                found[receiver].setdefault(id_, {})[member.key] = member
        return found

    def _settle(self, receiver: str, news: Sequence[Member], now: int) -> list[tuple[str, Member]]:
        """Give each new alert its group: its own, or in a storm the one of all."""
        by = self._settings.pace(receiver).by
        own = [group_labels(member.labels, by) for member in news]
        if self._storm(receiver, [group_id(receiver, labels) for labels in own], now):
            own = [{} for _ in news]
        found = []
        for labels, member in zip(own, news, strict=True):
            id_ = group_id(receiver, labels)
            if id_ not in self._groups:
                self._groups[id_] = Group(receiver, id_, labels)
            found.append((id_, member))
        return found

    def _storm(self, receiver: str, wanted: Sequence[str], now: int) -> bool:
        pace = self._settings.pace(receiver)
        edge = now - pace.interval_seconds * SECOND
        recent = {
            group.id
            for group in self._groups.values()
            if group.receiver == receiver and group.flushed is not None and group.flushed > edge
        }
        if group_id(receiver, {}) in recent:
            return True
        groups = set(wanted)
        if len(groups) > 1 and len(wanted) > pace.storm_alerts:
            return True
        return len(groups | recent) > pace.storm_groups and bool(groups - recent)

    def _group(
        self, group: Group, pace: Groups, current: Mapping[str, Member], look: "_Look"
    ) -> None:
        new = [m for m in current.values() if _differs(group.view.get(m.key), m)]
        gone = {key for key, m in group.view.items() if _differs(current.get(key), m)}
        gone |= group.accepted.keys() - current.keys() - group.resolving
        if not new and not gone:
            self._repeat(group, pace, current, look)
            return
        due = self._due(group, pace, new, look.now)
        if due > look.now:
            look.plan.wait((due - look.now) / SECOND)
            return
        ended = [m for key, m in group.accepted.items() if key not in current]
        if group.waiting is not None:
            look.plan.dropped.append(group.waiting)
        if current or ended:
            self._write(group, [*current.values(), *_ended(ended, look)], look)
        else:
            group.drop()

    def _due(self, group: Group, pace: Groups, new: Sequence[Member], now: int) -> int:
        if not group.view and not group.accepted:
            first = min(self._seen.get((group.receiver, member.told), now) for member in new)
            return min(first, now) + round(pace.wait_seconds * SECOND)
        if group.flushed is None:
            return now
        # A clock that was set back holds nothing up for longer than one interval.
        return min(group.flushed, now) + round(pace.interval_seconds * SECOND)

    def _repeat(
        self, group: Group, pace: Groups, current: Mapping[str, Member], look: "_Look"
    ) -> None:
        if not current or group.waiting is not None or group.flushed is None:
            return
        groups_itself = self._settings.receivers[group.receiver].type == "alertmanager"
        calm = (member.clearing or member.told in look.acked for member in current.values())
        if not groups_itself and all(calm):
            return
        known = all(member.labels.get("severity") == "info" for member in current.values())
        pause = pace.info_repeat_seconds if known and not groups_itself else pace.repeat_seconds
        due = min(group.flushed, look.now) + round(pause * SECOND)
        if due > look.now:
            look.plan.wait((due - look.now) / SECOND)
        else:
            self._write(group, list(current.values()), look)

    def _write(self, group: Group, members: Sequence[Member], look: "_Look") -> None:
        letter = Letter(group.receiver, group.id, group.labels, tuple(members), look.now)
        group.send(letter)
        self._letters[letter.id] = letter
        look.plan.letters.append(letter)


@dataclass(slots=True)
class _Look:
    """One planning: the moment (UTC nanoseconds), what it may ask, and what it came to."""

    now: int
    ends: Ends
    acked: frozenset[Told]
    plan: Plan = field(default_factory=Plan)


def _differs(one: Member | None, other: Member) -> bool:
    return one is None or one.started != other.started


def _ended(members: Sequence[Member], look: _Look) -> list[Member]:
    if not members:
        return []
    known = look.ends(members)
    return [over(m, *known.get(m.told, (look.now, m.value))) for m in members]
