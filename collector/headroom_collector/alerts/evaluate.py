"""
State machine of one rule on one host.

::

    inactive --above--> pending --above for hold--> firing --below clear--> clearing
       ^                   |                          ^                        |
       |<---not above------+                          +<----not below clear----+
       +<-------------------- resolved: below clear for clear_hold ------------+

"Above" is strictly above the rule's level, "below clear" strictly below its clear level; a rule
that is turned round has it the other way. A window without a verdict proves nothing: the two holds
start anew after it, and what fires goes on firing. A rule with a ``falling_factor`` stays pending
after its hold while the window is on its way back already.
"""

from dataclasses import dataclass
from enum import Enum

from headroom_core.rules import Rule

SECOND = 1_000_000_000


class Phase(Enum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    CLEARING = "clearing"
    """Still firing, but below the clear level since a while."""


class Event(Enum):
    """What a step can bring about."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class State:
    """
    ``since``: first moment of the phase. ``started``: first moment above the level of the episode.

    Both in UTC nanoseconds of the samples' own time, None while inactive.
    """

    phase: Phase = Phase.INACTIVE
    since: int | None = None
    started: int | None = None

    @property
    def firing(self) -> bool:
        """Whether on-call's answer is wanted."""
        return self.phase in {Phase.FIRING, Phase.CLEARING}


INACTIVE = State()


@dataclass(frozen=True, slots=True)
class Transition:
    """
    An alert that fired or resolved, in UTC nanoseconds.

    ``started`` is the first moment above the level of the episode, not the moment it fired;
    ``time`` is the end of the window that decided.
    """

    event: Event
    time: int
    started: int


Step = tuple[State, Transition | None]


def _quiet(rule: Rule, state: State, time: int, *, falling: bool) -> Step:
    since = state.since if state.phase is Phase.PENDING and state.since is not None else time
    if falling or time - since < rule.hold_seconds * SECOND:
        return State(Phase.PENDING, since, since), None
    return State(Phase.FIRING, time, since), Transition(Event.FIRED, time, since)


def _firing(rule: Rule, state: State, time: int, below: bool) -> Step:
    started = time if state.started is None else state.started
    if not below:
        return _held(state, time, started), None
    since = state.since if state.phase is Phase.CLEARING and state.since is not None else time
    if time - since < rule.clear_hold_seconds * SECOND:
        return State(Phase.CLEARING, since, started), None
    return INACTIVE, Transition(Event.RESOLVED, time, started)


def _held(state: State, time: int, started: int) -> State:
    if state.phase is Phase.FIRING:
        return state
    return State(Phase.FIRING, time, started)


def step(
    rule: Rule,
    state: State,
    time: int,
    value: float | None,
    level: float,
    context: float | None = None,
) -> Step:
    """
    Return the state after the window that ends at ``time``, and what that brought about.

    ``time`` in UTC nanoseconds, later than the step before; ``value`` and ``level`` in the unit of
    the rule's metric, ``value`` None where the window has no verdict; ``context`` the mean over
    window and hold, for a rule that does not page for what is falling already.
    """
    if state.firing:
        below = value is not None and rule.clear(value, level)
        return _firing(rule, state, time, below)
    if value is None or not rule.over(value, level):
        return INACTIVE, None
    return _quiet(rule, state, time, falling=rule.falling(value, context))
