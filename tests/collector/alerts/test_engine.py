import asyncio
import contextlib
import json
import os
from dataclasses import replace

import pytest

from headroom_collector.alert_settings import Groups, Receiver
from headroom_collector.alerts.engine import AlertEngine
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.outbox import read_waiting, sent
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.alerts.state import DAY, read_alerts, read_cursor, tidying
from headroom_collector.bench.alert_replay import quick_rule
from headroom_collector.config import Alerts, Webhook
from headroom_collector.store.api import StoreError
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Status
from headroom_core.rules import SHIPPED, Override

RULE = quick_rule(window_seconds=30)
HIGH, LOW = 0.8, 0.1


ALONE = {rule.name: Override(enabled=False) for rule in SHIPPED}


def config(url="http://127.0.0.1:1/"):
    groups = Groups(wait_seconds=0.0, interval_seconds=0.001)
    return Alerts(
        rule=RULE, webhook=Webhook(url), evaluate_seconds=0.05, rules=ALONE, groups=groups
    )


@pytest.fixture
def evaluator(store, estate, clock):
    return Evaluator(store, estate, Ceiling(), config(), clock)


async def catch_up(evaluator):
    while await evaluator.look():
        pass


def looked(evaluator):
    asyncio.run(catch_up(evaluator))


def accept(store, clock, *engines):
    """Let the receivers accept what waits."""
    for letter in read_waiting(store):
        store.change(sent(letter.id, clock.time)).result(20)
        for engine in engines:
            engine.settled(letter.id, True)


def above(*seconds):
    return [(second, HIGH) for second in range(*seconds)]


def below(*seconds):
    return [(second, LOW) for second in range(*seconds)]


def history(store):
    return store.query(
        "SELECT event, historical FROM alert_history ORDER BY commit_id, position"
    ).to_pylist()


def test_state_history_outbox_and_position_are_kept_together(store, feed, clock, evaluator):
    feed("a", above(0, 300, 15))
    clock.set(300)
    looked(evaluator)
    (alert,) = read_alerts(store).values()
    assert (alert.host, alert.state.phase.value, alert.value) == ("a", "firing", HIGH)
    (letter,) = read_waiting(store)
    assert letter.kind is NoticeKind.FIRING
    assert history(store) == [{"event": "fired", "historical": False}]
    commits = store.query(
        "SELECT (SELECT max(commit_id) FROM outbox) AS outbox,"
        " (SELECT max(commit_id) FROM alert_history) AS history"
    ).to_pylist()[0]
    assert commits["outbox"] == commits["history"]
    assert (
        read_cursor(store)
        == store.query("SELECT max(commit_id) AS c FROM host_sample")["c"].to_pylist()[0]
    )


def test_a_look_without_new_samples_writes_nothing(store, feed, clock, evaluator):
    feed("a", above(0, 300, 15))
    clock.set(300)
    looked(evaluator)
    commits: list[object] = []
    store.subscribe(commits.append)
    looked(evaluator)
    assert commits == []


def test_a_new_engine_goes_on_in_the_middle_of_a_hold(store, feed, clock, estate):
    def engine():
        return Evaluator(store, estate, Ceiling(), config(), clock)

    for second in range(0, 300, 15):  # a restart after every single sample
        feed("a", [(second, HIGH)])
        clock.set(second)
        looked(engine())
    assert [letter.kind for letter in read_waiting(store)] == [NoticeKind.FIRING]
    assert history(store) == [{"event": "fired", "historical": False}]


def test_restarts_change_nothing_of_what_is_told(store, feed, clock, estate):
    engine = Evaluator(store, estate, Ceiling(), config(), clock)
    samples = [*above(0, 240, 15), *below(240, 480, 15), *above(480, 720, 15)]
    for n, (second, ratio) in enumerate(samples):
        feed("a", [(second, ratio)])
        clock.set(second)
        if n % 5 == 0:
            engine = Evaluator(store, estate, Ceiling(), config(), clock)
        looked(engine)
        accept(store, clock, engine)
    kinds = store.query("SELECT kind FROM outbox ORDER BY commit_id")["kind"].to_pylist()
    assert kinds == ["firing", "resolved", "firing"]
    assert [row["event"] for row in history(store)] == ["fired", "resolved", "fired"]


def test_what_was_committed_while_nobody_looked_is_judged_after_the_start(
    store, feed, clock, estate, evaluator
):
    feed("a", above(0, 60, 15))
    clock.set(60)
    looked(evaluator)
    feed("a", above(60, 300, 15))
    clock.set(300)
    looked(Evaluator(store, estate, Ceiling(), config(), clock))
    (alert,) = read_alerts(store).values()
    assert alert.state.phase.value == "firing"
    assert alert.state.started == alert.told == clock.time - 285 * 10**9


def test_the_first_engine_of_a_store_does_not_dig_through_all_of_its_past(
    store, feed, clock, evaluator
):
    feed("a", above(0, 600, 15))
    feed("a", below(600, 700, 15))
    feed("a", below(9000, 9300, 15))
    clock.set(9300)
    looked(evaluator)
    assert history(store) == []


def test_an_engine_whose_store_fails_judges_the_same_samples_again(
    store, feed, clock, estate, until
):
    class Failing:
        """The store, refusing its first change."""

        def __init__(self):
            self.refused = False

        def __getattr__(self, name):
            return getattr(store, name)

        def change(self, change):
            if self.refused:
                return store.change(change)
            self.refused = True

            def broken(cursor, commit_id):
                change(cursor, commit_id)
                raise StoreError("the disk is full")

            return store.change(broken)

    feed("a", above(0, 300, 15))
    clock.set(300)
    engine = AlertEngine(Failing(), estate, Ceiling(), config(), clock)
    asyncio.run(running(engine, lambda: until(lambda: read_alerts(store))))
    assert history(store) == [{"event": "fired", "historical": False}]


def test_a_host_that_is_retired_leaves_no_open_alert(store, feed, clock, estate, evaluator):
    feed("a", above(0, 300, 15))
    clock.set(300)
    looked(evaluator)
    estate.put("a", Status.RETIRED)
    looked(evaluator)
    assert read_alerts(store) == {}
    assert [row["event"] for row in history(store)] == ["fired", "resolved"]


def test_alerts_are_samples_of_the_collectors_own(store, feed, clock, estate):
    feed("a", above(0, 300, 15))
    clock.set(300)
    producer = OwnProducer(store, clock, os.urandom)
    looked(Evaluator(store, estate, Ceiling(), config(), clock, producer))
    (sample,) = store.query(
        "SELECT s.time, s.firing, s.value, t.key, t.labels::VARCHAR AS labels"
        " FROM alert_sample s JOIN things t ON t.id = s.thing_id"
    ).to_pylist()
    assert (sample["time"], sample["firing"], sample["value"]) == (clock.time, 1, HIGH)
    assert json.loads(sample["labels"]) == {
        "alertname": "HostAboveCeiling",
        "host": "a",
        "severity": "warning",
    }
    assert sample["key"] == "HostAboveCeiling\x1fa\x1fwarning"


def test_what_is_old_and_done_is_let_go_of(store, feed, clock, evaluator):
    for second in range(0, 1800, 300):
        ratio = LOW if second % 600 else HIGH
        feed("over", [(at, ratio) for at in range(second, second + 300, 15)])
        feed("lasting", [(at, HIGH) for at in range(second, second + 300, 15)])
        clock.set(second + 300)
        looked(evaluator)
        accept(store, clock, evaluator)

    def left():
        letters = store.query("SELECT id FROM outbox").to_pylist()
        members = store.query("SELECT DISTINCT letter_id AS id FROM letter_member").to_pylist()
        return len(letters), len(members), len(history(store))

    assert left() == (6, 6, 7)
    store.change(tidying(clock.time + 31 * DAY)).result(20)
    assert left() == (1, 1, 7)  # what the receiver knows of the group
    store.change(tidying(clock.time + 401 * DAY)).result(20)
    assert left() == (1, 1, 0)


def test_a_page_that_never_got_through_is_not_resolved(store, feed, clock, evaluator):
    feed("a", [*above(0, 240, 15)])
    clock.set(240)
    looked(evaluator)
    feed("a", below(240, 480, 15))
    clock.set(480)
    looked(evaluator)
    assert read_waiting(store) == []
    assert read_alerts(store) == {}


def test_a_replaced_letter_that_was_accepted_all_the_same_is_followed_by_a_resolve(
    store, feed, clock, evaluator
):
    feed("a", above(0, 240, 15))
    clock.set(240)
    looked(evaluator)
    (letter,) = read_waiting(store)
    feed("a", below(240, 480, 15))
    clock.set(480)
    looked(evaluator)
    store.change(sent(letter.id, clock.time)).result(20)
    evaluator.settled(letter.id, True)
    clock.set(481)
    looked(evaluator)
    assert [letter.kind for letter in read_waiting(store)] == [NoticeKind.RESOLVED]


async def running(engine, work):
    """Do ``work`` in a thread while the engine runs."""
    task = asyncio.create_task(engine.run())
    try:
        await asyncio.to_thread(work)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_load_is_one_firing_and_after_it_one_resolved_request(
    store, feed, clock, estate, receiver, until
):
    engine = AlertEngine(store, estate, Ceiling(), config(receiver.url), clock)

    def load():
        for second in range(0, 240, 15):
            clock.set(second)
            feed("a", [(second, HIGH)])
        receiver.wait(1)
        for second in range(240, 480, 15):
            clock.set(second)
            feed("a", [(second, LOW)])
        done = {"notifications_total": 2, "notifications_waiting": 0}
        until(lambda: engine.statistics() == {**done, "notifications_failed_total": 0})

    asyncio.run(running(engine, load))
    assert receiver.statuses == ["firing", "resolved"]


def test_a_restart_between_firing_and_resolve_neither_repeats_nor_loses(
    store, feed, clock, estate, receiver, until
):
    def accepted(count):
        sent = "SELECT count(*) AS count FROM outbox WHERE sent IS NOT NULL"
        until(lambda: store.query(sent)["count"].to_pylist() == [count])

    def engine():
        return AlertEngine(store, estate, Ceiling(), config(receiver.url), clock)

    def first():
        feed("a", above(0, 240, 15))
        accepted(1)

    def second():
        clock.set(480)
        feed("a", below(240, 480, 15))
        accepted(2)

    clock.set(240)
    asyncio.run(running(engine(), first))
    asyncio.run(running(engine(), lambda: None))
    asyncio.run(running(engine(), second))
    asyncio.run(running(engine(), lambda: None))
    assert receiver.statuses == ["firing", "resolved"]
    fired, resolved = receiver.bodies
    assert fired["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]
    assert fired["alerts"][0]["startsAt"] == resolved["alerts"][0]["startsAt"]


def test_a_receiver_that_hangs_holds_up_no_other(store, feed, clock, estate, receiver, until):
    both = replace(
        config(receiver.url),
        receivers={"stuck": Receiver(url=f"{receiver.url}/stuck", timeout_seconds=20.0)},
    )
    receiver.answers[:] = ["hang"]
    engine = AlertEngine(store, estate, Ceiling(), both, clock)

    def load():
        feed("a", above(0, 240, 15))
        receiver.wait(2)
        until(lambda: engine.statistics()["notifications_total"] == 1)
        receiver.released.set()

    clock.set(240)
    asyncio.run(running(engine, load))
