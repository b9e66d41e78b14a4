"""Forms of a notification: what each kind of receiver wants to be sent."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from headroom_collector.alert_settings import Receiver
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.alerts.planner import RESEND_SECONDS
from headroom_collector.alerts.texts import words

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_CHARACTERS = 1024
SIGNING_KEYS = 2
"""The new key and the one before, while receivers change over."""
LISTED = 10
"""Alerts that a message for people lists at most; the body for machines has more."""

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """What a form is made from: the receiver, its address and key, the letter, the time (UTC ns)."""

    receiver: Receiver
    url: str
    key: str
    envelope: Envelope
    now: int
    language: str = "en"

    @property
    def body(self) -> dict[str, Any]:
        """The letter in Alertmanager's webhook format."""
        found: dict[str, Any] = json.loads(self.envelope.payload)
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """One POST."""

    url: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def _json(given: Given, value: object, url: str = "", **headers: str) -> Request:
    content = json.dumps(value, ensure_ascii=False).encode()
    shared = {"content-type": "application/json", **headers}
    return Request(url or given.url, content, shared)


def signature(key: str, signed: bytes) -> str:
    """
    Return a signature as Standard Webhooks 1.0.0 write it.

    A key that begins with ``whsec_`` is base64, as the standard has it; any other is taken as it is.
    """
    raw = key.encode()
    if key.startswith("whsec_"):
        with suppress(ValueError):
            raw = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    digest = hmac.new(raw, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def webhook(given: Given) -> Request:
    """Alertmanager's webhook, version 4; signed as Standard Webhooks say where there is a key."""
    content = given.envelope.payload.encode()
    headers = {"content-type": "application/json", "webhook-id": given.envelope.id}
    if given.key:
        stamp = str(given.now // SECOND)
        signed = f"{given.envelope.id}.{stamp}.".encode() + content
        headers["webhook-timestamp"] = stamp
        headers["webhook-signature"] = " ".join(
            signature(key, signed) for key in given.key.split()[:SIGNING_KEYS]
        )
    return Request(given.url, content, headers)


def alertmanager(given: Given) -> Request:
    """Alerts for a running Alertmanager, API v2; they end by themselves if not sent again."""
    ends = datetime.fromtimestamp(given.now // SECOND, UTC) + timedelta(seconds=5 * RESEND_SECONDS)
    alerts = [
        {
            "labels": alert["labels"],
            "annotations": alert["annotations"],
            "startsAt": alert["startsAt"],
            "endsAt": alert["endsAt"] if alert["status"] == "resolved" else ends.isoformat(),
            "generatorURL": alert["generatorURL"],
        }
        for alert in given.body["alerts"]
    ]
    headers = {"authorization": f"Bearer {given.key}"} if given.key else {}
    return _json(given, alerts, f"{given.url.rstrip('/')}/api/v2/alerts", **headers)


def summary(body: Mapping[str, Any], language: str) -> str:
    """Return one line about a letter."""
    alerts = body["alerts"]
    total = len(alerts) + body["truncatedAlerts"]
    if total == 1:
        return str(alerts[0]["annotations"]["summary"])
    resolved = sum(alert["status"] == "resolved" for alert in alerts)
    counts = words(language).alerts.format(firing=total - resolved, resolved=resolved)
    named = " ".join(body["groupLabels"].values())
    return f"{named}: {counts}" if named else counts


def lines(body: Mapping[str, Any], language: str) -> list[str]:
    """Return the alerts of a letter for people, one line each, and how many were left out."""
    alerts = body["alerts"]
    found = [str(alert["annotations"]["summary"]) for alert in alerts[:LISTED]]
    more = len(alerts) - len(found) + body["truncatedAlerts"]
    return [*found, words(language).more.format(count=more)] if more else found


def text(given: Given) -> str:
    """Return a letter as plain text: every alert, what it means, what to do, links."""
    body = given.body
    alerts = body["alerts"]
    parts = lines(body, given.language)
    if alerts:
        notes = alerts[0]["annotations"]
        links = (notes.get(name, "") for name in ("runbook_url", "dashboard_url"))
        parts += ["", notes["description"], "", *filter(None, links), alerts[0]["generatorURL"]]
    return "\n".join(parts)


def _severity(body: Mapping[str, Any]) -> str:
    rank = {"critical": 3, "error": 2, "warning": 1, "info": 0}
    known = [alert["labels"].get("severity", "warning") for alert in body["alerts"]]
    return max(known, key=lambda word: rank.get(word, 1), default="warning")


def pagerduty(given: Given) -> Request:
    """PagerDuty Events API v2: one incident a group."""
    body = given.body
    event: dict[str, Any] = {
        "routing_key": given.key,
        "event_action": "trigger" if body["status"] == "firing" else "resolve",
        "dedup_key": given.envelope.group,
    }
    if body["status"] == "firing":
        source = body["commonLabels"].get("host", body["externalURL"])
        event["client"], event["client_url"] = "Headroom", body["externalURL"]
        event["payload"] = {
            "summary": summary(body, given.language)[:SUMMARY_CHARACTERS],
            "source": source,
            "severity": _severity(body),
            "timestamp": body["alerts"][0]["startsAt"],
            "custom_details": {"alerts": lines(body, given.language), "text": text(given)},
        }
    return _json(given, event, given.url or PAGERDUTY)


def slack(given: Given) -> Request:
    """Slack's incoming webhook."""

    def escaped(raw: str) -> str:
        return raw.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    body = given.body
    mark = ":red_circle:" if body["status"] == "firing" else ":white_check_mark:"
    title = escaped(summary(body, given.language))
    section = {"type": "mrkdwn", "text": escaped(text(given))[:2900]}
    blocks = [{"type": "section", "text": section}]
    return _json(given, {"text": f"{mark} {title}", "blocks": blocks})


def _runs(texts: list[str], **style: str) -> dict[str, Any]:
    return {
        "type": "RichTextBlock",
        "inlines": [{"type": "TextRun", "text": one, **style} for one in texts],
    }


def teams(given: Given) -> Request:
    """Microsoft Teams workflow webhook: an adaptive card."""
    body = given.body
    colour = "Attention" if body["status"] == "firing" else "Good"
    # Runs of text, and no TextBlock: that reads Markdown, so a name could become a link.
    title = _runs([summary(body, given.language)], size="Medium", weight="Bolder", color=colour)
    told = [_runs([line]) for line in text(given)[:8000].splitlines() if line]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *told],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return _json(given, {"type": "message", "attachments": [attachment]})


def ntfy(given: Given) -> Request:
    """Push to phones through ntfy, published as JSON."""
    body = given.body
    fires = body["status"] == "firing"
    severity = _severity(body)
    loud = 5 if severity in {"critical", "error"} else 2 if severity == "info" else 4
    message = {
        "topic": given.receiver.topic,
        "title": summary(body, given.language)[:250],
        "message": text(given)[:4000],
        "priority": loud if fires else min(loud, 3),
        "tags": ["rotating_light" if fires else "white_check_mark"],
        "click": body["externalURL"],
    }
    headers = {"authorization": f"Bearer {given.key}"} if given.key else {}
    return _json(given, message, **headers)


FORMS: Mapping[str, Callable[[Given], Request]] = {
    "webhook": webhook,
    "alertmanager": alertmanager,
    "pagerduty": pagerduty,
    "slack": slack,
    "teams": teams,
    "ntfy": ntfy,
}


def mail(given: Given) -> EmailMessage:
    """Return a letter as a mail; letters of one group form a thread."""
    body = given.body
    message = EmailMessage()
    # A line break in a name must not end the header.
    subject = " ".join(summary(body, given.language).split())
    message["Subject"] = f"[{body['status'].upper()}] {subject}"
    message["From"] = given.receiver.sender
    message["To"] = ", ".join(given.receiver.to)
    message["Message-ID"] = f"<{given.envelope.id}@headroom>"
    message["References"] = f"<{given.envelope.group}@headroom>"
    message["Auto-Submitted"] = "auto-generated"
    message["Date"] = datetime.fromtimestamp(given.envelope.created // SECOND, UTC)
    message.set_content(text(given))
    return message
