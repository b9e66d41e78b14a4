"""Every kind of receiver: what it is sent keeps to its schema, and what goes wrong is handled."""

import asyncio
import json
import sys
import time
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it comes without types
import pytest
from rigs.mail import dripping, post_office

from headroom_collector.alert_settings import Alerts, Receiver
from headroom_collector.alerts.delivery import deliver, http_client
from headroom_collector.alerts.forms import FORMS, Given
from headroom_collector.alerts.judge import Changes
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.outbox import Envelope, read_waiting
from headroom_collector.alerts.payload import body
from headroom_collector.alerts.sender import Room, Sender
from headroom_collector.alerts.state import Written, writing

SECOND = 1_000_000_000
SCHEMAS = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parent / "schemas").glob("*.json")
}
HTTP = ("webhook", "alertmanager", "pagerduty", "slack", "teams", "ntfy")
KEY = "0123456789abcdef0123456789abcdef"


def letter_of(hosts=1, host="web-1", over=False, language="en", receiver="r"):
    now = time.time_ns()
    rules = {rule.name: rule for rule in Alerts().every_rule()}
    members = tuple(
        Member(
            f"k{n}",
            "HostAboveCeiling",
            f"{host}{n or ''}",
            now - 900 * SECOND,
            now if over else None,
            0.523,
            0.4,
            {"alertname": "HostAboveCeiling", "host": f"{host}{n or ''}", "severity": "warning"},
        )
        for n in range(hosts)
    )
    letter = Letter(receiver, "group-1", {"alertname": "HostAboveCeiling"}, members, now)
    text = json.dumps(body(letter, rules, Alerts(language=language), 100))
    return letter, Envelope(letter.id, letter.group, letter.kind, text, now, 0, now, receiver)


def where(type_, url, tmp_path, timeout=5.0):
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    return Receiver(
        type=type_,
        url=url,
        key_file=tmp_path / "key",
        topic="oncall",
        timeout_seconds=timeout,
    )


def sent(receiver, envelope, language="en"):
    async def go():
        async with http_client() as client:
            return await deliver(client, receiver, envelope, time.time_ns(), language)

    return asyncio.run(go())


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize(
    ("hosts", "host"),
    [(1, "web-1"), (100, "web-"), (3, "x" * 253), (1, "<!channel> & {{x}} \r\n*é*")],
)
@pytest.mark.parametrize("type_", list(SCHEMAS))
def test_what_is_sent_keeps_to_the_receivers_schema(type_, hosts, host, over, language, tmp_path):
    _, envelope = letter_of(hosts, host, over, language)
    receiver = where(type_, "http://x/", tmp_path)
    request = FORMS[type_](Given(receiver, "http://x/", KEY, envelope, envelope.created, language))
    jsonschema.validate(json.loads(request.content), SCHEMAS[type_])
    assert len(request.content) < {"pagerduty": 512_000, "teams": 28_000}.get(type_, 100_000)


FAULTS = {
    500: (True, "answered HTTP 500"),
    503: (True, "answered HTTP 503"),
    429: (True, "answered HTTP 429"),
    301: (False, "answered HTTP 301"),
    307: (False, "answered HTTP 307"),
    400: (False, "answered HTTP 400"),
    "hang": (True, "no answer within 0.3 s"),
    "drip": (True, "no answer within 0.3 s"),
    "drop": (True, "the connection broke"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("type_", HTTP)
def test_each_receiver_in_trouble_is_asked_again_where_that_can_help(
    type_, fault, receiver, tmp_path
):
    receiver.answers[:] = [fault]
    limit = 0.3 if fault in {"hang", "drip"} else 10.0
    answer = sent(where(type_, receiver.url, tmp_path, limit), letter_of()[1])
    again, reason = FAULTS[fault]
    assert (answer.accepted, answer.retry) == (False, again)
    assert answer.reason.startswith(reason)
    assert len(receiver.requests) == 1  # no redirect was followed
    assert answer.after_seconds == (7.0 if fault == 429 else 0.0)


@pytest.mark.parametrize("type_", HTTP)
def test_an_answer_of_a_gigabyte_is_not_read(type_, receiver, tmp_path):
    receiver.answers[:] = ["flood"]
    assert sent(where(type_, receiver.url, tmp_path), letter_of()[1]).accepted


def test_a_receiver_that_hangs_holds_up_no_other(store, clock, receiver, tmp_path):
    """While one has been hanging, and a mail server drips, another gets everything."""
    names = ("hangs", "drips", "good")
    for n, name in enumerate(names):
        letter, envelope = letter_of(host=name, receiver=name)
        change = writing(Changes(), [Written(letter, envelope.payload)], [], n, clock.time)
        store.change(change).result(20)
    receiver.answers[:] = ["hang"]

    async def go(drip):
        async with http_client() as client:
            room = Room(store, client, clock, lambda: 0.0, lambda *_: None)
            slow = where("webhook", receiver.url, tmp_path, 60.0)
            mail = Receiver(
                type="email", server=drip, sender="h@x", to=("a@x",), timeout_seconds=60.0
            )
            bad = [
                asyncio.create_task(Sender("hangs", slow, room).send_due()),
                asyncio.create_task(Sender("drips", mail, room).send_due()),
            ]
            await asyncio.to_thread(receiver.wait, 1)
            await Sender("good", where("slack", receiver.url, tmp_path), room).send_due()
            assert not any(task.done() for task in bad)
            for task in bad:
                task.cancel()
            await asyncio.gather(*bad, return_exceptions=True)

    with dripping() as drip:
        asyncio.run(go(drip))
    assert {envelope.receiver for envelope in read_waiting(store)} == {"hangs", "drips"}


def test_a_mail_server_that_drips_is_left_after_the_limit():
    with dripping() as address:
        mail = Receiver(
            type="email", server=address, sender="h@x", to=("a@x",), timeout_seconds=0.1
        )
        answer = sent(mail, letter_of()[1])
    assert (answer.accepted, answer.retry) == (False, True)
    assert answer.reason.startswith("no answer within 0.1 s")


# The server warns that it takes passwords in the clear, over loopback.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_mail_server_that_asks_for_a_login_gets_one(tmp_path):
    (tmp_path / "key").write_text("secret")
    (tmp_path / "key").chmod(0o600)
    with post_office(password="secret") as post:
        mail = Receiver(
            type="email",
            server=post.address,
            sender="h@x",
            to=("a@x",),
            user="headroom",
            key_file=tmp_path / "key",
        )
        assert sent(mail, letter_of()[1]).accepted
        (tmp_path / "key").write_text("wrong")
        answer = sent(mail, letter_of()[1])
    assert post.logins == ["headroom"]
    assert (answer.accepted, answer.retry, answer.reason) == (False, False, "answered SMTP 535")


APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def apprise_to(url, timeout=10.0):
    return Receiver(type="apprise", url=url, timeout_seconds=timeout)


@APPRISE
def test_apprise_delivers_to_what_it_knows(receiver):
    pytest.importorskip("apprise")
    url = receiver.url.replace("http://", "json://")
    assert sent(apprise_to(url), letter_of()[1]).accepted
    ((_, told),) = receiver.requests
    assert told["title"] == "web-1 is above its CPU ceiling: 52.3 %, ceiling 40.0 %"
    assert "What to do" in told["message"]
    assert told["type"] == "warning"


@APPRISE
def test_what_apprise_cannot_deliver_is_tried_again_or_given_up(receiver, monkeypatch):
    pytest.importorskip("apprise")
    url = receiver.url.replace("http://", "json://")
    receiver.answers[:] = [500, "hang"]
    assert sent(apprise_to(url), letter_of()[1]).retry
    slow = sent(apprise_to(url, 0.3), letter_of()[1])
    assert (slow.retry, slow.reason) == (True, "no answer within 0.3 s")
    unknown = sent(apprise_to("nonsense://x"), letter_of()[1])
    assert (unknown.retry, unknown.reason) == (False, "apprise knows no service for this address")
    monkeypatch.setitem(sys.modules, "apprise", None)
    missing = sent(apprise_to(url), letter_of()[1])
    assert (missing.retry, missing.reason) == (
        False,
        "apprise is not installed: pip install 'headroom[apprise]'",
    )
