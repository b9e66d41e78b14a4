from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.alerts.evaluate import INACTIVE, SECOND, Event, Phase, State, step
from headroom_core.rules import Rule

CEILING = 0.4
RULE = Rule(hold_seconds=30, clear_hold_seconds=60)


def walk(series, rule=RULE, ceiling=CEILING):
    """Step through (second, mean) and return the phases and what happened."""
    state, phases, events = INACTIVE, [], []
    for second, mean in series:
        state, transition = step(rule, state, second * SECOND, mean, ceiling)
        phases.append(state.phase)
        if transition is not None:
            events.append(
                (transition.event, transition.time // SECOND, transition.started // SECOND)
            )
    return phases, events


def naive(series, rule, ceiling):
    """Say what happened by looking back over the whole series at each step."""
    events, firing, started = [], False, None
    for i, (now, _) in enumerate(series):

        def run(test, i=i):
            first = None
            for second, mean in reversed(series[: i + 1]):
                if mean is None or not test(mean):
                    break
                first = second
            return first

        if firing:
            first = run(lambda mean: mean < rule.clear_factor * ceiling)
            if first is not None and now - first >= rule.clear_hold_seconds:
                events.append((Event.RESOLVED, now, started))
                firing = False
        else:
            first = run(lambda mean: mean > ceiling)
            if first is not None and now - first >= rule.hold_seconds:
                events.append((Event.FIRED, now, first))
                firing, started = True, first
    return events


def test_an_alert_goes_through_its_whole_life():
    means = [0.3, 0.5, 0.5, 0.5, 0.38, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    phases, events = walk([(15 * n, mean) for n, mean in enumerate(means)])
    pending, firing, clearing = Phase.PENDING, Phase.FIRING, Phase.CLEARING
    assert phases == [
        Phase.INACTIVE,
        *[pending] * 2,
        *[firing] * 2,
        *[clearing] * 4,
        *[Phase.INACTIVE] * 3,
    ]
    assert events == [(Event.FIRED, 45, 15), (Event.RESOLVED, 135, 15)]


def test_at_the_ceiling_is_not_above_it():
    assert walk([(15 * n, CEILING) for n in range(10)])[1] == []


def test_a_dip_below_the_ceiling_starts_the_hold_anew():
    means = [0.5, 0.5, 0.39, 0.5, 0.5, 0.5]
    assert walk([(15 * n, m) for n, m in enumerate(means)])[1] == [(Event.FIRED, 75, 45)]


def test_between_clear_level_and_ceiling_nothing_resolves():
    series = [(15 * n, 0.5) for n in range(3)] + [(15 * n, 0.38) for n in range(3, 100)]
    assert walk(series)[0][-1] is Phase.FIRING


def test_without_a_hold_the_first_window_fires():
    rule = Rule(hold_seconds=0, clear_hold_seconds=0)
    assert walk([(0, 0.5), (15, 0.3)], rule)[1] == [
        (Event.FIRED, 0, 0),
        (Event.RESOLVED, 15, 0),
    ]


def test_windows_without_verdict_prove_nothing_and_end_nothing():
    assert walk([(0, 0.5), (15, None), (3600, 0.5)])[1] == []
    fired = [(0, 0.5), (30, 0.5)]
    phases, events = walk([*fired, (45, None), (4000, None), (4015, 0.3), (4030, None)])
    assert phases[-3:] == [Phase.FIRING, Phase.CLEARING, Phase.FIRING]
    assert events == [(Event.FIRED, 30, 0)]


def test_a_phase_that_lasts_keeps_its_first_moment():
    state = State(Phase.FIRING, 30 * SECOND, 0)
    assert step(RULE, state, 45 * SECOND, 0.5, CEILING)[0] is state


@given(
    st.lists(
        st.tuples(
            st.integers(1, 40),
            st.none() | st.sampled_from([0.1, 0.35, 0.36, 0.37, 0.4, 0.41, 0.6]),
        ),
        max_size=120,
    ),
    st.sampled_from([0.0, 15.0, 60.0]),
    st.sampled_from([0.0, 30.0, 90.0]),
)
def test_the_machine_agrees_with_looking_back_over_everything(steps, hold, clear_hold):
    series, now = [], 0
    for distance, mean in steps:
        now += distance
        series.append((now, mean))
    rule = Rule(hold_seconds=hold, clear_hold_seconds=clear_hold)
    assert walk(series, rule)[1] == naive(series, rule, CEILING)
