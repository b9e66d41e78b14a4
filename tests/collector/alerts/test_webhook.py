import asyncio
import logging

import pytest
from rigs.ports import free_port

from headroom_collector.alerts.evaluate import Phase, State
from headroom_collector.alerts.judge import Changes
from headroom_collector.alerts.outbox import NEVER_TOLD
from headroom_collector.alerts.record import Alert, Notice, NoticeKind
from headroom_collector.alerts.state import writing
from headroom_collector.alerts.webhook import Sender, delay, http_client
from headroom_collector.config import Alerts, Webhook


@pytest.fixture
def queue(store, clock):
    """Put a notice about a host into the outbox."""

    def put(kind, host="a"):
        firing = kind is NoticeKind.FIRING
        alert = Alert(
            "HostAboveCeiling",
            host,
            State(Phase.FIRING, clock.time, clock.time),
            0.5,
            0.4,
            labels={"alertname": "HostAboveCeiling", "host": host},
        )
        notice = Notice(kind, alert, clock.time, None if firing else clock.time)
        change = writing(Changes(notices=[notice]), 0, Alerts(), clock.time)
        store.change(change).result(timeout=20)
        return notice.id

    return put


@pytest.fixture
def send(store, clock, receiver):
    """Send what is due, once; returns the seconds until the next is."""

    def send(url=None, timeout=10.0, give_up=86_400.0):
        async def go():
            async with http_client() as client:
                webhook = Webhook(url or receiver.url, timeout, give_up)
                sender = Sender(store, webhook, client, clock, lambda: 0.0)
                return await sender.send_due()

        return asyncio.run(go())

    return send


@pytest.fixture
def letters(store):
    def read():
        return store.query(
            "SELECT kind, attempts, sent IS NOT NULL AS sent, failed IS NOT NULL AS failed, reason"
            " FROM outbox ORDER BY commit_id"
        ).to_pylist()

    return read


FIRING, RESOLVED = NoticeKind.FIRING, NoticeKind.RESOLVED


def test_what_is_accepted_is_sent_once(queue, send, receiver, letters):
    id_ = queue(FIRING)
    send()
    send()
    ((headers, body),) = receiver.requests
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == id_
    assert body["status"] == "firing"
    assert letters()[0]["sent"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_receiver_in_trouble_is_asked_again_later_with_the_same_id(
    status, queue, send, receiver, letters, clock
):
    receiver.answers[:] = [status]
    queue(FIRING)
    assert send() == pytest.approx(1.0)
    assert letters()[0]["reason"] == f"answered HTTP {status}"
    send()
    assert len(receiver.requests) == 1
    clock.time += 10**9
    send()
    assert letters()[0] == {
        "kind": "firing",
        "attempts": 2,
        "sent": True,
        "failed": False,
        "reason": "",
    }
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_a_receiver_that_refuses_is_not_asked_again_and_the_log_says_why(
    status, queue, send, receiver, letters, clock, caplog
):
    receiver.answers[:] = [status]
    queue(FIRING)
    with caplog.at_level(logging.ERROR):
        send()
    clock.time += 3600 * 10**9
    send()
    assert len(receiver.requests) == 1
    assert letters()[0]["failed"]
    (line,) = caplog.messages
    assert f"answered HTTP {status}" in line
    assert "/hook" not in line  # the path may hold a secret


def test_a_receiver_that_hangs_is_left_after_the_limit_and_asked_again(
    queue, send, receiver, letters
):
    receiver.answers[:] = ["hang"]
    queue(FIRING)
    send(timeout=0.3)
    assert letters()[0]["reason"] == "no answer within 0.3 s"
    assert not letters()[0]["failed"]


def test_a_receiver_that_hangs_up_is_asked_again(queue, send, receiver, letters):
    receiver.answers[:] = ["drop"]
    queue(FIRING)
    send()
    assert letters()[0]["reason"].startswith("the connection broke: ")
    assert not letters()[0]["failed"]


def test_an_answer_without_end_is_cut_off_and_its_status_counts(queue, send, receiver, letters):
    receiver.answers[:] = ["flood"]
    queue(FIRING)
    send()
    assert letters()[0]["sent"]


def test_a_receiver_that_is_not_there_is_asked_again(queue, send, letters):
    queue(FIRING)
    send(url=f"http://127.0.0.1:{free_port()}/")
    (letter,) = letters()
    assert (letter["attempts"], letter["failed"], letter["sent"]) == (1, False, False)
    assert letter["reason"].startswith("cannot be reached: ")


def test_an_address_that_is_none_is_final(queue, send, letters):
    queue(FIRING)
    send(url="http://127.0.0.1:port/")
    assert letters()[0]["failed"]
    assert letters()[0]["reason"].startswith("is no URL to send to")


def test_in_the_end_a_notification_is_given_up(queue, send, receiver, letters, clock):
    receiver.answers[:] = [500, 500]
    queue(FIRING)
    send(give_up=60)
    clock.time += 61 * 10**9
    send(give_up=60)
    assert letters()[0]["failed"]


def test_a_resolve_waits_for_its_firing(queue, send, receiver, clock):
    receiver.answers[:] = [500]
    queue(FIRING)
    queue(RESOLVED)
    send()
    assert receiver.statuses == ["firing"]
    clock.time += 10**9
    send()
    assert receiver.statuses == ["firing", "firing", "resolved"]


def test_a_resolve_whose_firing_was_refused_is_not_sent(queue, send, receiver, letters):
    receiver.answers[:] = [404]
    queue(FIRING)
    queue(RESOLVED)
    send()
    assert receiver.statuses == ["firing"]
    assert letters()[1]["reason"] == NEVER_TOLD


def test_the_firing_of_an_earlier_episode_does_not_count_for_a_later_resolve(
    queue, send, receiver, clock
):
    queue(FIRING)
    queue(RESOLVED)
    send()
    clock.time += 3600 * 10**9
    receiver.answers[:] = [404]
    queue(FIRING)
    queue(RESOLVED)
    send()
    assert receiver.statuses == ["firing", "resolved", "firing"]


def test_one_host_in_trouble_does_not_hold_up_the_others(queue, send, receiver, letters):
    receiver.answers[:] = [500]
    for host in ("a", "b", "c"):
        queue(FIRING, host)
    send()
    assert sorted(letter["sent"] for letter in letters()) == [False, True, True]


def test_the_delay_doubles_up_to_a_bound_and_jitter_takes_at_most_half():
    assert [delay(n, 0.0) for n in (0, 1, 2, 8, 9, 1000)] == [1, 2, 4, 256, 300, 300]
    assert delay(2, 1.0) == 2.0
