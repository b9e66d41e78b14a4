"""The body against what a real Alertmanager sends, and its texts."""

import json
import time
from dataclasses import replace

import httpx
import pytest

from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.payload import (
    NEVER,
    annotations,
    body,
    figure,
    fingerprint,
    rfc3339,
    span,
)
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.config import Alerts
from headroom_core.rules import ALL_SHIPPED, CeilingRule, Rule

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
LABELS = {"alertname": "HostAboveCeiling", "host": "web-1", "severity": "warning", "site": "dc1"}

RULES = {"HostAboveCeiling": CeilingRule(runbook_url="https://wiki.example/ceiling")}


def member(kind=NoticeKind.FIRING, labels=LABELS, **changes):
    ended = None if kind is NoticeKind.FIRING else START + 1800 * SECOND
    one = Member("k", "HostAboveCeiling", "web-1", START, ended, 0.523, 0.4, labels)
    return replace(one, **changes)


def letter(*members, labels=None):
    group = {"alertname": "HostAboveCeiling", "host": "web-1"} if labels is None else labels
    return Letter("headroom", "g", group, members or (member(),), START)


def body_of(kind=NoticeKind.FIRING):
    return body(letter(member(kind)), RULES, Alerts(), 100)


def types(value):
    """Return the shape of a JSON value; free mappings of texts count as such."""
    if isinstance(value, dict):
        return {key: types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [types(item) for item in value]
    return type(value).__name__


def shape(sent):
    """Return keys in order and types of a body, labels and annotations by type only."""
    free = {"groupLabels", "commonLabels", "commonAnnotations", "labels", "annotations"}

    def plain(table):
        return {k: "texts" if k in free else types(v) for k, v in table.items()}

    return [
        *plain({**sent, "alerts": 0}).items(),
        [list(plain(a).items()) for a in sent["alerts"]],
    ]


def test_a_person_reads_value_ceiling_since_when_and_what_to_do():
    notes = annotations(member(), RULES["HostAboveCeiling"], "en")
    assert notes["summary"] == "web-1 is above its CPU ceiling: 52.3 %, ceiling 40.0 %"
    assert "52.3 % on average over the last 5 min" in notes["description"]
    assert "Above it since 2026-09-21T14:13:20Z." in notes["description"]
    assert "What to do: " in notes["description"]
    assert notes["runbook_url"] == "https://wiki.example/ceiling"


@pytest.mark.parametrize("rule", ALL_SHIPPED, ids=lambda rule: rule.name)
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_shipped_rule_has_texts_of_its_own_in_both_languages(rule, language, kind):
    general = annotations(member(kind), Rule("Own", metric=rule.metric), language)
    notes = annotations(member(kind), rule, language)
    assert "{" not in notes["summary"] + notes["description"]
    assert notes["summary"] != general["summary"].replace("Own", rule.name)
    others = {"en": ("À faire", "Depuis"), "fr": ("What to do", "Since")}[language]
    assert not any(word in notes["description"] for word in others)


def test_values_are_said_in_their_unit():
    def said(value, **of):
        return figure(value, Rule(**of), "unknown")

    assert said(0.5) == "50.0 %"
    assert said(None) == "unknown"
    assert said(305.2, metric="agent_silent_seconds") == "305 s"
    assert said(0.25, metric="pressure_cpu_some_seconds_total", aggregate="rate") == "25.0 %"
    assert said(7.5, metric="vcpus_per_core") == "7.5"


def test_a_resolve_says_that_it_is_over():
    sent = body(letter(member(NoticeKind.RESOLVED)), {}, Alerts(), 100)
    (alert,) = sent["alerts"]
    assert sent["status"] == alert["status"] == "resolved"
    assert alert["endsAt"] == "2026-09-21T14:43:20Z"
    assert "no longer above" in alert["annotations"]["summary"]
    assert "runbook_url" not in alert["annotations"]


def test_a_firing_has_not_ended():
    (alert,) = body_of()["alerts"]
    assert alert["endsAt"] == NEVER
    assert alert["startsAt"] == "2026-09-21T14:13:20Z"


def test_a_letter_lists_so_many_alerts_the_firing_ones_first_and_counts_the_rest():
    members = [
        member(
            NoticeKind.RESOLVED if n < 5 else NoticeKind.FIRING,
            labels=LABELS | {"host": f"web-{n}"},
            host=f"web-{n}",
            key=str(n),
        )
        for n in range(10)
    ]
    sent = body(letter(*members), RULES, Alerts(), 6)
    assert [alert["status"] for alert in sent["alerts"]] == ["firing"] * 5 + ["resolved"]
    assert (sent["status"], sent["truncatedAlerts"]) == ("firing", 4)
    assert "host" not in sent["commonLabels"]
    assert sent["commonLabels"]["site"] == "dc1"


def test_times_are_utc_with_z_and_as_exact_as_they_are():
    assert rfc3339(START) == "2026-09-21T14:13:20Z"
    assert rfc3339(START + 120_000_000) == "2026-09-21T14:13:20.12Z"
    assert rfc3339(START + 1) == "2026-09-21T14:13:20.000000001Z"


def test_lengths_of_time_read_well():
    assert [span(300), span(90), span(2.5), span(60)] == ["5 min", "90 s", "2.5 s", "1 min"]


def test_the_body_is_made_like_a_real_alertmanagers(alertmanager, receiver):
    ours = body_of()
    (alert,) = ours["alerts"]
    # A start of today: an alert that is too old would count as resolved.
    posted = {key: alert[key] for key in ("labels", "annotations", "generatorURL")}
    posted["startsAt"] = rfc3339(time.time_ns())
    answer = httpx.post(f"{alertmanager}/api/v2/alerts", json=[posted])
    assert answer.is_success, answer.text
    (theirs,) = receiver.wait(1)
    assert shape(ours) == shape(theirs)
    kept = ("status", "labels", "annotations", "endsAt", "generatorURL", "fingerprint")
    assert {key: alert[key] for key in kept} == {key: theirs["alerts"][0][key] for key in kept}
    same = ("receiver", "status", "groupLabels", "commonLabels", "commonAnnotations", "version")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["groupKey"] == theirs["groupKey"]
    assert ours["truncatedAlerts"] == theirs["truncatedAlerts"]

    posted["endsAt"] = rfc3339(time.time_ns())
    httpx.post(f"{alertmanager}/api/v2/alerts", json=[posted]).raise_for_status()
    theirs = receiver.wait(2)[1]
    assert shape(body_of(NoticeKind.RESOLVED)) == shape(theirs)


def test_fingerprints_do_not_depend_on_the_order_of_labels():
    assert fingerprint(LABELS) == fingerprint(dict(reversed(LABELS.items())))
    assert fingerprint(LABELS) != fingerprint(LABELS | {"host": "web-2"})


def test_texts_that_need_it_are_quoted_in_the_group_key():
    sent = body(letter(labels={"alertname": 'a"b', "host": "h"}), RULES, Alerts(), 100)
    assert sent["groupKey"] == '{}:{alertname="a\\"b", host="h"}'
    assert json.loads(json.dumps(sent)) == sent
