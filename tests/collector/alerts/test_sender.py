import asyncio
import json
import logging

import pytest
from rigs.ports import free_port

from headroom_collector.alert_settings import Alerts, Receiver
from headroom_collector.alerts.delivery import http_client, retry_after
from headroom_collector.alerts.judge import Changes
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.payload import body
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.alerts.sender import Room, Sender, delay
from headroom_collector.alerts.state import Written, writing


@pytest.fixture
def queue(store, clock):
    """Put a letter about a host into the outbox."""

    def put(kind, host="a", receiver="headroom", later=0):
        ended = None if kind is NoticeKind.FIRING else clock.time
        labels = {"alertname": "HostAboveCeiling", "host": host}
        member = Member(host, "HostAboveCeiling", host, clock.time, ended, 0.5, 0.4, labels)
        letter = Letter(receiver, f"g-{host}", {"host": host}, (member,), clock.time)
        text = json.dumps(body(letter, {}, Alerts(), 100))
        change = writing(Changes(), [Written(letter, text)], [], 0, clock.time + later)
        store.change(change).result(timeout=20)
        return letter.id

    return put


@pytest.fixture
def send(store, clock, receiver):
    """Send what is due, once; returns the seconds until the next is."""

    def send(url=None, timeout=10.0, give_up=86_400.0):
        async def go():
            async with http_client() as client:
                where = Receiver(
                    url=url or receiver.url, timeout_seconds=timeout, give_up_seconds=give_up
                )
                room = Room(store, client, clock, lambda: 0.0, lambda *_: None)
                return await Sender("headroom", where, room).send_due()

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


@pytest.mark.parametrize("status", [500, 503])
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


def test_a_receiver_that_asks_for_peace_is_left_alone_for_so_long(queue, send, receiver, clock):
    receiver.answers[:] = [429]
    queue(FIRING)
    assert send() == pytest.approx(7.0)
    clock.time += 6 * 10**9
    send()
    assert len(receiver.requests) == 1
    clock.time += 10**9
    send()
    assert len(receiver.requests) == 2


def test_peace_is_seconds_or_a_date_and_an_hour_at_most():
    assert retry_after("120") == 120
    assert retry_after("999999999999999") == 3600
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2099 07:28:00 GMT") == 3600
    assert retry_after("") == retry_after("soon") == 0


def test_an_answer_that_drips_is_left_after_the_limit(queue, send, receiver, letters):
    receiver.answers[:] = ["drip"]
    queue(FIRING)
    send(timeout=0.4)
    assert letters()[0]["reason"] == "no answer within 0.4 s"
    assert not letters()[0]["failed"]


def test_a_clock_that_was_set_back_does_not_hold_a_letter_up(queue, send, receiver, clock):
    queue(FIRING, later=86_400 * 10**9)
    send()
    assert len(receiver.requests) == 1


def test_one_host_in_trouble_does_not_hold_up_the_others(queue, send, receiver, letters):
    receiver.answers[:] = [500]
    for host in ("a", "b", "c"):
        queue(FIRING, host)
    send()
    assert sorted(letter["sent"] for letter in letters()) == [False, True, True]


def test_the_delay_doubles_up_to_a_bound_and_jitter_takes_at_most_half():
    assert [delay(n, 0.0) for n in (0, 1, 2, 8, 9, 1000)] == [1, 2, 4, 256, 300, 300]
    assert delay(2, 1.0) == 2.0
