"""Each kind of receiver: what it is sent, by real peers where there is one."""

import asyncio
import base64
import email
import hashlib
import hmac
import json
import time

import httpx
import pytest
from rigs.mail import post_office
from rigs.ports import free_port

from headroom_collector.alert_settings import Alerts, Receiver
from headroom_collector.alerts.delivery import deliver, http_client
from headroom_collector.alerts.forms import FORMS, Given
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.alerts.payload import body
from headroom_collector.alerts.record import NoticeKind

SECOND = 1_000_000_000


def envelope(*, over=False, host="web-1", hosts=1, severity="warning"):
    now = time.time_ns()
    members = tuple(
        Member(
            f"k{n}",
            "HostAboveCeiling",
            f"{host}{n or ''}",
            now - 900 * SECOND,
            now if over else None,
            0.523,
            0.4,
            {
                "alertname": "HostAboveCeiling",
                "host": f"{host}{n or ''}",
                "severity": severity,
            },
        )
        for n in range(hosts)
    )
    letter = Letter("r", "group-1", {"alertname": "HostAboveCeiling"}, members, now)
    text = json.dumps(body(letter, {}, Alerts(runbook_url="https://wiki.example"), 100))
    return Envelope(letter.id, letter.group, letter.kind, text, now, 0, now, "r")


def sent(receiver, letter):
    async def go():
        async with http_client() as client:
            return await deliver(client, receiver, letter, time.time_ns(), "en")

    return asyncio.run(go())


def form(type_, letter, **more):
    settings = {"url": "http://x/", "topic": "t", "key_file": None, **more}
    if type_ == "pagerduty":
        settings["key_file"] = "/dev/null"
    receiver = Receiver(type=type_, **settings)
    request = FORMS[type_](Given(receiver, receiver.url, "key", letter, letter.created))
    return json.loads(request.content), request


def test_a_webhook_is_signed_so_that_its_receiver_can_tell(tmp_path, receiver):
    (tmp_path / "key").write_text("secret\n")
    (tmp_path / "key").chmod(0o600)
    letter = envelope()
    assert sent(Receiver(url=receiver.url, key_file=tmp_path / "key"), letter).accepted
    ((headers, _),) = receiver.requests
    signed = f"{letter.id}.{headers['webhook-timestamp']}.".encode() + letter.payload.encode()
    digest = hmac.new(b"secret", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_two_keys_sign_while_receivers_change_over(tmp_path, receiver):
    new = base64.b64encode(b"n" * 24).decode()
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(f"whsec_{new}\nold\nthird\n")
    letter = envelope()
    assert sent(Receiver(url=receiver.url, key_file=tmp_path / "key"), letter).accepted
    ((headers, _),) = receiver.requests
    signed = f"{letter.id}.{headers['webhook-timestamp']}.".encode() + letter.payload.encode()
    wanted = [hmac.new(key, signed, hashlib.sha256).digest() for key in (b"n" * 24, b"old")]
    found = headers["webhook-signature"].split()
    assert found == [f"v1,{base64.b64encode(digest).decode()}" for digest in wanted]


def test_a_redirect_is_not_followed(receiver):
    receiver.answers[:] = [307]
    answer = sent(Receiver(url=receiver.url), envelope())
    assert (answer.accepted, answer.retry) == (False, False)


def test_a_real_alertmanager_takes_alerts_passes_them_on_and_resolves_them(alertmanager, receiver):
    where = Receiver(type="alertmanager", url=alertmanager)
    assert sent(where, envelope()).accepted
    (fired,) = receiver.wait(1)
    assert fired["alerts"][0]["labels"]["host"] == "web-1"
    assert fired["alerts"][0]["annotations"]["summary"].startswith("web-1 is above")
    (kept,) = httpx.get(f"{alertmanager}/api/v2/alerts").json()
    assert kept["endsAt"] > kept["updatedAt"]
    assert sent(where, envelope(over=True)).accepted
    assert receiver.wait(2)[1]["status"] == "resolved"


def test_pagerduty_gets_one_incident_a_group_and_closes_the_same():
    event, request = form("pagerduty", envelope(severity="critical"), url="")
    assert request.url == "https://events.pagerduty.com/v2/enqueue"
    assert (event["routing_key"], event["event_action"]) == ("key", "trigger")
    assert event["dedup_key"] == "group-1"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["source"] == "web-1"
    assert event["payload"]["summary"].startswith("web-1 is above its CPU ceiling: 52.3 %")
    over, _ = form("pagerduty", envelope(over=True))
    assert (over["event_action"], over["dedup_key"]) == ("resolve", "group-1")
    assert "payload" not in over


def test_long_texts_are_cut_to_what_receivers_take():
    long, _ = form("pagerduty", envelope(host="x" * 3000))
    assert len(long["payload"]["summary"]) == 1024
    many, _ = form("ntfy", envelope(hosts=100))
    assert len(many["message"]) <= 4000
    assert "and 90 more" in many["message"]
    assert many["title"] == "HostAboveCeiling: 100 firing, 0 resolved"


def test_slack_markup_in_a_name_stays_text():
    message, _ = form("slack", envelope(host="<!channel> & co"))
    shown = json.dumps(message)
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt; &amp; co" in message["text"]
    assert "https://wiki.example" not in message["text"]
    assert message["blocks"][0]["text"]["type"] == "mrkdwn"


def test_teams_gets_an_adaptive_card():
    message, _ = form("teams", envelope(over=True))
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    title, *told = attachment["content"]["body"]
    assert title["inlines"][0]["color"] == "Good"
    assert "no longer above" in told[0]["inlines"][0]["text"]


def test_ntfy_wakes_people_up_only_for_what_is_urgent():
    urgent, request = form("ntfy", envelope(severity="critical"))
    assert (urgent["topic"], urgent["priority"]) == ("t", 5)
    assert request.headers["authorization"] == "Bearer key"
    assert form("ntfy", envelope())[0]["priority"] == 4
    assert form("ntfy", envelope(over=True))[0]["priority"] == 3
    assert form("ntfy", envelope(severity="info"))[0]["priority"] == 2


def mail_to(address, **more):
    return Receiver(
        type="email", server=address, sender="headroom@example", to=("a@x", "b@x"), **more
    )


def test_a_mail_reaches_every_address_and_one_group_is_one_thread():
    with post_office() as post:
        assert sent(mail_to(post.address), envelope()).accepted
    ((to, text),) = post.mails
    message = email.message_from_string(text)
    assert to == ["a@x", "b@x"]
    assert message["Subject"].startswith("[FIRING] web-1 is above its CPU ceiling")
    assert message["References"] == "<group-1@headroom>"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert "What to do" in payload.decode()


def test_a_line_break_in_a_name_adds_no_header():
    with post_office() as post:
        assert sent(mail_to(post.address), envelope(host="a\r\nBcc: c@x")).accepted
    ((_, text),) = post.mails
    assert email.message_from_string(text)["Bcc"] is None


@pytest.mark.parametrize(("code", "again"), [("450 later", True), ("550 never", False)])
def test_a_mail_server_that_refuses_is_asked_again_where_it_says_so(code, again):
    with post_office() as post:
        post.refuse = code
        answer = sent(mail_to(post.address), envelope())
    assert (answer.accepted, answer.retry) == (False, again)
    assert code[:3] in answer.reason


def test_a_mail_server_that_is_not_there_is_asked_again():
    answer = sent(mail_to(f"127.0.0.1:{free_port()}"), envelope())
    assert (answer.accepted, answer.retry) == (False, True)


def test_a_key_that_cannot_be_read_is_said_and_tried_again(tmp_path, receiver):
    where = Receiver(url=receiver.url, key_file=tmp_path / "gone")
    answer = sent(where, envelope())
    assert answer.retry
    assert answer.reason.startswith("its key cannot be used: ")
    assert receiver.requests == []


def test_an_address_that_is_a_secret_comes_out_of_a_file(tmp_path, receiver):
    (tmp_path / "url").write_text(f"{receiver.url}\n")
    others = sent(Receiver(type="slack", url_file=tmp_path / "url"), envelope())
    assert others.reason.endswith(f"chmod 600 {tmp_path / 'url'}")
    (tmp_path / "url").chmod(0o600)
    assert sent(Receiver(type="slack", url_file=tmp_path / "url"), envelope()).accepted
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"type": "pager"}, "type = 'pager'"),
        ({"url": "ftp://x"}, "url = 'ftp://x'"),
        ({}, "expected url or url_file"),
        ({"type": "email", "server": "x:25"}, "expected server, sender and to"),
        ({"type": "pagerduty"}, "expected key_file"),
        ({"type": "ntfy", "url": "http://x"}, "expected topic"),
        ({"url": "http://x", "timeout_seconds": 0.0}, "more than 0"),
    ],
)
def test_a_receiver_that_reaches_nobody_is_refused_with_the_reason(settings, fault):
    with pytest.raises(ValueError, match=fault):
        Receiver(**settings)


def test_the_kind_of_a_letter_is_firing_while_anything_fires():
    assert envelope().kind is NoticeKind.FIRING
    assert envelope(over=True).kind is NoticeKind.RESOLVED
