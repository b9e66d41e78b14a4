"""Rules: shipped ones, one's own, whom they are about, what a change of theirs keeps."""

from typing import Any

import pytest

from headroom_collector.alert_metrics import Host, Sample, known_metrics
from headroom_collector.alert_settings import Alerts, Route, Webhook
from headroom_collector.alerts.evaluate import SECOND, Phase, State
from headroom_collector.alerts.evaluator import carried
from headroom_collector.alerts.flapping import MEMORY_SECONDS, Flapping
from headroom_collector.alerts.judge import Judge
from headroom_collector.alerts.own_samples import alert_rows
from headroom_collector.alerts.record import Alert
from headroom_collector.config import CollectorConfig
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement
from headroom_core.rules import ALL_SHIPPED, SHIPPED, CeilingRule, Override, Rule, Scope, all_rules
from headroom_core.settings import SettingsError, read

START = 1_790_000_000 * SECOND


def test_every_shipped_rule_asks_for_a_metric_that_exists():
    assert {rule.metric for rule in ALL_SHIPPED} <= set(known_metrics())
    assert len(Alerts().every_rule()) == 1 + len(SHIPPED)


def configured(**tables):
    config, unknown = read(CollectorConfig, {"alerts": tables}, "collector.toml")
    assert unknown == []
    return {rule.name: rule for rule in config.alerts.every_rule()}


def test_a_configuration_changes_one_key_of_a_shipped_rule_and_leaves_the_others():
    rules = configured(rules={"HostVmDensity": {"threshold": 8, "severity": "error"}})
    shipped = next(rule for rule in SHIPPED if rule.name == "HostVmDensity")
    assert rules["HostVmDensity"].threshold == 8
    assert rules["HostVmDensity"].hold_seconds == shipped.hold_seconds


def test_a_rule_can_be_switched_off_and_one_of_ones_own_added():
    rules = configured(
        runbook_url="https://wiki.example/all",
        rules={
            "HostSteal": {"enabled": False},
            "Swaps": {"metric": "swap_in_bytes_total", "aggregate": "rate", "threshold": 1e6},
        },
    )
    assert "HostSteal" not in rules
    assert rules["Swaps"].aggregate == "rate"
    assert rules["Swaps"].runbook_url == "https://wiki.example/all"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"rules": {"X": {"metric": "load1"}}}, "rules.X: is not a shipped rule"),
        (
            {"rules": {"X": {"metric": "lod1", "threshold": 1}}},
            "metric = 'lod1': does not exist; did you mean 'load1'",
        ),
        ({"rules": {"HostSteal": {"aggregate": "p101"}}}, "aggregate = 'p101'"),
        ({"rules": {"HostSteal": {"severity": "dire"}}}, "severity = 'dire'"),
        ({"rule": {"metric": "load1"}}, "threshold: expected a number"),
        ({"routes": [{"receiver": "phone"}]}, "receiver 'phone' is not there"),
        ({"language": "de"}, "language = 'de'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_the_start(table, fault):
    with pytest.raises(SettingsError) as refused:
        configured(**table)
    assert fault in str(refused.value)


def test_a_rule_looks_only_at_the_hosts_of_its_scope():
    place = Placement("fra1", "web-2", "r640")
    assert Scope().takes(Member("a", Placement()))
    assert Scope(sites=("fra*",), clusters=("db", "web-?")).takes(Member("a", place))
    assert not Scope(hosts=("b*",)).takes(Member("a", place))
    assert not Scope(classes=("r740",)).takes(Member("a", place))


class Fleet:
    def member(self, host):
        return Member(host, Placement("fra1", host[0], "r640", assigned=True))


def judged(rule, values, host="a-1"):
    judge = Judge((rule,), Fleet(), Ceiling(), 300.0, hosts={host: Host(host, False, 15.0)})
    told = []
    for n, value in enumerate(values):
        time = START + 15 * n * SECOND
        told += judge.judge([Sample(host, time, value, rule.metric)], time).notices
    return [notice.kind.value for notice in told]


QUICK: dict[str, Any] = {
    "window_seconds": 30.0,
    "hold_seconds": 30.0,
    "clear_hold_seconds": 30.0,
}


def test_a_rule_with_a_level_of_its_own_and_a_scope():
    rule = Rule("Load", metric="load1", threshold=10.0, scope=Scope(clusters=("a",)), **QUICK)
    assert judged(rule, [20.0] * 10) == ["firing"]
    assert judged(rule, [20.0] * 10, "b-1") == []
    assert judged(rule, [9.0] * 10) == []


def test_a_rule_that_is_turned_round_fires_below_its_level():
    rule = Rule("Idle", metric="load1", threshold=1.0, below=True, clear_factor=0.5, **QUICK)
    assert judged(rule, [0.5] * 10) == ["firing"]
    assert judged(rule, [0.5] * 10 + [1.5] * 10) == ["firing"]  # not yet above 1 / 0.5
    assert judged(rule, [0.5] * 10 + [2.5] * 10) == ["firing", "resolved"]


def test_a_counters_growth_is_looked_at_a_second_and_survives_a_reboot():
    rule = Rule("Wait", metric="load1", aggregate="rate", threshold=0.5, **QUICK)
    assert judged(rule, [15.0 * 0.6 * n for n in range(10)]) == ["firing"]
    assert judged(rule, [15.0 * 0.4 * n for n in range(10)]) == []
    assert judged(rule, [1000.0 + 6.0 * n if n < 5 else 6.0 * (n - 5) for n in range(10)]) == []


def test_an_alert_that_fired_often_lately_takes_longer_to_end():
    flapping, key, rule = Flapping(), ("r", "h"), Rule()
    holds = []
    for n in range(6):
        flapping.fired(key, START + n * 1800 * SECOND)
        damped = flapping.damped(rule, key, START + n * 1800 * SECOND)
        holds.append(damped.clear_hold_seconds / rule.clear_hold_seconds)
    assert holds == [1, 2, 4, 8, 8, 8]
    later = START + (9000 + MEMORY_SECONDS) * SECOND
    assert flapping.damped(rule, key, later) == rule
    assert flapping.damped(rule, ("r", "other"), later) == rule


def test_a_host_that_hovers_round_its_ceiling_for_a_day_pages_at_most_twice():
    values = [0.405 if (n // 40) % 2 else 0.395 for n in range(24 * 240)]
    assert len(judged(CeilingRule(), values)) <= 2


def kept(before, after):
    started = State(Phase.FIRING, START, START)
    pending = State(Phase.PENDING, START, START)
    alerts = {
        ("r", host): Alert("r", host, state, told=told, judged_by=before.fingerprint())
        for host, state, told in (("a", started, START), ("b", pending, None))
    }
    return {host: alert.state.phase for (_, host), alert in carried(alerts, [after]).items()}


def test_a_rule_that_judges_as_before_keeps_all_state():
    both = {"a": Phase.FIRING, "b": Phase.PENDING}
    assert kept(Rule("r"), Rule("r")) == both
    assert kept(Rule("r"), Rule("r", severity="error", runbook_url="https://x")) == both


def test_a_rule_that_judges_otherwise_begins_anew_but_closes_no_page_by_itself():
    assert kept(Rule("r"), Rule("r", hold_seconds=1.0)) == {"a": Phase.FIRING}


def test_overrides_name_the_rule_that_cannot_be():
    with pytest.raises(ValueError, match=r"rules\.HostSteal: hold_seconds = -1"):
        all_rules(Rule(), {"HostSteal": Override(hold_seconds=-1.0)})


def test_the_webhook_is_a_receiver_among_others():
    alerts = Alerts(webhook=Webhook("http://x/"), routes=(Route("headroom"),))
    assert list(alerts.all_receivers()) == ["headroom"]


def test_only_a_ratio_is_shown_as_one():
    firing = State(Phase.FIRING, START, START)
    alerts = [
        Alert("HostAboveCeiling", "a", firing, 0.5),
        Alert("AgentSilent", "b", firing, 350.0),
    ]
    (rows,) = alert_rows(alerts, ALL_SHIPPED, START)
    assert [row[2] for row in rows.rows] == [[1, 0.5], [1, None]]


def test_a_step_is_never_longer_than_its_window():
    rules = configured(rule={"window_seconds": 60})
    assert rules["HostAboveCeiling"].step_seconds == 60
    assert rules["HostAboveCeiling"].hold_seconds == CeilingRule().hold_seconds
