import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.alert_metrics import Host, Sample
from headroom_collector.alerts.evaluate import SECOND, Event, Phase
from headroom_collector.alerts.judge import Judge
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.bench.alert_replay import quick_rule
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement, Status
from headroom_core.rules import Rule

RULE = quick_rule(window_seconds=30)
START = 1_790_000_000 * SECOND
HIGH, LOW = 0.8, 0.1


def at(second):
    return START + second * SECOND


def series(host, seconds, ratio):
    return [Sample(host, at(second), ratio) for second in seconds]


@pytest.fixture
def judge(estate):
    hosts = {name: Host(name, name.startswith("sim"), 15.0) for name in ("a", "b", "sim-1")}
    return Judge((RULE,), estate, Ceiling(), 300.0, hosts=hosts)


def live(judge, host, seconds, ratio):
    """Judge each sample as it comes, and return all changes' notices and history."""
    notices, history = [], []
    for sample in series(host, seconds, ratio):
        changes = judge.judge([sample], sample.time)
        notices += changes.notices
        history += changes.history
    return notices, history


def test_a_host_that_stays_above_is_told_of_once_with_the_first_moment_above(judge):
    notices, history = live(judge, "a", range(0, 600, 15), HIGH)
    assert [(notice.kind, notice.started) for notice in notices] == [
        (NoticeKind.FIRING, at(15))  # the first full window is the second sample's
    ]
    assert [(entry.event, entry.time, entry.historical) for entry in history] == [
        (Event.FIRED, at(75), False)
    ]


def test_a_resolve_carries_the_labels_that_the_firing_had(judge, estate):
    (fired,), _ = live(judge, "a", range(0, 300, 15), HIGH)
    estate.members["a"] = estate.member("b")
    (resolved,), _ = live(judge, "a", range(300, 600, 15), LOW)
    assert resolved.kind is NoticeKind.RESOLVED
    assert resolved.started == fired.started
    assert resolved.alert.labels == fired.alert.labels
    assert resolved.alert.labels == {
        "alertname": "HostAboveCeiling",
        "host": "a",
        "site": "dc1",
        "cluster": "c1",
        "class": "web",
        "severity": "warning",
    }
    assert judge.alerts == {}


def test_a_simulated_host_says_so(judge):
    (fired,), _ = live(judge, "sim-1", range(0, 300, 15), HIGH)
    assert fired.alert.labels["simulated"] == "true"


def test_an_overload_that_was_over_before_it_was_known_is_history_only(judge):
    samples = series("a", range(0, 600, 15), HIGH) + series("a", range(600, 4000, 15), LOW)
    changes = judge.judge(samples, at(4000))
    assert changes.notices == []
    assert [(entry.event, entry.historical) for entry in changes.history] == [
        (Event.FIRED, True),
        (Event.RESOLVED, True),
    ]


def test_an_overload_that_lasts_is_one_page_with_its_true_start(judge):
    first = judge.judge(series("a", range(0, 1000, 15), HIGH), at(4000))
    assert first.notices == []
    second = judge.judge(series("a", range(1005, 4000, 15), HIGH), at(4000))
    assert [(notice.kind, notice.started) for notice in second.notices] == [
        (NoticeKind.FIRING, at(15))
    ]
    assert judge.judge(series("a", [4005], HIGH), at(4005)).notices == []


def test_a_page_that_ended_while_nobody_looked_is_closed_once_the_present_is_reached(judge):
    live(judge, "a", range(0, 300, 15), HIGH)
    over = judge.judge(series("a", range(300, 1000, 15), LOW), at(4000))
    assert over.notices == []
    present = judge.judge(series("a", range(1005, 4000, 15), LOW), at(4000))
    assert [notice.kind for notice in present.notices] == [NoticeKind.RESOLVED]
    assert present.notices[0].ended == over.history[-1].time


def test_a_firing_host_that_falls_silent_goes_on_firing(judge):
    live(judge, "a", range(0, 300, 15), HIGH)
    changes = judge.judge([], at(90_000))
    assert changes.notices == []
    assert changes.alerts == {}
    assert judge.alerts[RULE.name, "a"].state.phase is Phase.FIRING


def test_a_host_in_maintenance_is_paged_for_only_when_that_is_over(judge, estate):
    estate.put("a", Status.MAINTENANCE)
    notices, history = live(judge, "a", range(0, 300, 15), HIGH)
    assert notices == []
    assert [entry.event for entry in history] == [Event.FIRED]
    estate.put("a", Status.PRESENT)
    (notice,) = judge.judge([], at(300)).notices
    assert (notice.kind, notice.started) == (NoticeKind.FIRING, at(15))


def test_a_page_that_is_open_is_closed_in_maintenance_too(judge, estate):
    live(judge, "a", range(0, 300, 15), HIGH)
    estate.put("a", Status.MAINTENANCE)
    notices, _ = live(judge, "a", range(300, 600, 15), LOW)
    assert [notice.kind for notice in notices] == [NoticeKind.RESOLVED]


def test_retiring_a_host_ends_its_alert_and_closes_a_page_that_was_open(judge, estate):
    live(judge, "a", range(0, 300, 15), HIGH)
    estate.put("a", Status.RETIRED)
    changes = judge.judge([], at(90_000))
    assert [notice.kind for notice in changes.notices] == [NoticeKind.RESOLVED]
    assert [(entry.event, entry.reason) for entry in changes.history] == [
        (Event.RESOLVED, "the host was retired")
    ]
    assert judge.alerts == {}


def test_retiring_a_host_that_nobody_was_told_of_tells_nobody(judge, estate):
    estate.put("a", Status.MAINTENANCE)
    live(judge, "a", range(0, 300, 15), HIGH)
    estate.put("a", Status.RETIRED)
    assert judge.judge([], at(300)).notices == []
    assert live(judge, "a", range(315, 900, 15), HIGH) == ([], [])


def test_an_alert_whose_rule_is_gone_is_closed(judge):
    live(judge, "a", range(0, 300, 15), HIGH)
    judge.rules = (Rule(name="Other", window_seconds=30),)
    changes = judge.judge([], at(300))
    assert [notice.kind for notice in changes.notices] == [NoticeKind.RESOLVED]


def test_hosts_do_not_mix(judge):
    samples = series("a", range(0, 300, 15), HIGH) + series("b", range(0, 300, 15), LOW)
    (notice,) = judge.judge(samples, at(300)).notices
    assert notice.alert.host == "a"


def test_the_ceiling_of_the_hosts_own_place_holds(judge):
    judge.ceiling = Ceiling(classes={"web": 0.9})
    assert live(judge, "a", range(0, 300, 15), HIGH) == ([], [])


def test_with_nobody_to_tell_there_is_history_and_no_notice(judge):
    judge.telling = False
    notices, history = live(judge, "a", range(0, 300, 15), HIGH)
    assert notices == []
    assert len(history) == 1


def test_a_notice_has_the_same_id_however_often_it_is_made(judge, estate):
    samples = series("a", range(0, 300, 15), HIGH)
    (one,) = judge.judge(samples, at(300)).notices
    again = Judge((RULE,), estate, Ceiling(), 300.0, hosts=judge.hosts)
    (two,) = again.judge(samples, at(301)).notices
    assert one.id == two.id


class Anywhere:
    """An estate of hosts without a place."""

    def member(self, host):
        return Member(host, Placement())


@given(
    st.lists(st.sampled_from([HIGH, HIGH, HIGH, 0.39, LOW, None]), min_size=10, max_size=120),
    st.lists(st.integers(0, 119), max_size=12),
)
def test_it_does_not_matter_in_which_portions_the_samples_come(ratios, cuts):
    def made(edges):
        judge = Judge(
            (RULE,), Anywhere(), Ceiling(), 1e9, hosts={"a": Host("a", interval_seconds=15.0)}
        )
        samples = [Sample("a", at(15 * n), r) for n, r in enumerate(ratios) if r is not None]
        history = []
        for start, end in zip([0, *edges], [*edges, len(samples)], strict=True):
            history += judge.judge(samples[start:end], at(4000)).history
        return history, {key: alert.state for key, alert in judge.alerts.items()}

    assert made(sorted(set(cuts))) == made(range(len(ratios)))
