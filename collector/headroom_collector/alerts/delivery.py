"""Delivery of one letter to one receiver, and what the receiver made of it."""

import asyncio
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from headroom_collector.alert_settings import Receiver
from headroom_collector.alerts.forms import FORMS, Given, Request, mail
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.security.outbound import Outbound
from headroom_core.secret_file import SecretError, read_secret

RESPONSE_BYTES = 65536
LONGEST_RETRY_AFTER_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a receiver made of a letter; ``retry`` says whether asking again can help.

    ``after_seconds``: how long the receiver asked to be left alone.
    """

    accepted: bool
    retry: bool = False
    reason: str = ""
    after_seconds: float = 0.0


def http_client() -> httpx.AsyncClient:
    """
    Return the client that notifications go out with.

    It follows no redirects, knows no proxies of the environment, and goes to checked addresses only.
    """
    return httpx.AsyncClient(transport=Outbound(), follow_redirects=False, trust_env=False)


async def deliver(
    client: httpx.AsyncClient, receiver: Receiver, envelope: Envelope, now: int, language: str
) -> Answer:
    """Send one letter, within the receiver's time limit as a whole; ``now`` in UTC nanoseconds."""
    try:
        url = _secret(receiver.url_file) or receiver.url
        given = Given(receiver, url, _secret(receiver.key_file), envelope, now, language)
    except SecretError as error:
        return Answer(accepted=False, retry=True, reason=f"its key cannot be used: {error}")
    if receiver.type == "email":
        return await _mail(given)
    return await _post(client, FORMS[receiver.type](given), receiver.timeout_seconds)


def _secret(path: Path | None) -> str:
    return read_secret(path) if path else ""


async def _drain(response: httpx.Response) -> None:
    """Read an answer's body up to a bound: who sends more is cut off, not stored."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > RESPONSE_BYTES:
            return


async def _post(client: httpx.AsyncClient, request: Request, limit: float) -> Answer:
    try:
        async with (
            asyncio.timeout(limit),
            client.stream(
                "POST",
                request.url,
                content=request.content,
                headers=dict(request.headers),
                timeout=limit,
            ) as response,
        ):
            await _drain(response)
    except (TimeoutError, httpx.TimeoutException):
        return Answer(accepted=False, retry=True, reason=f"no answer within {limit:g} s")
    except httpx.ConnectError as error:
        return Answer(accepted=False, retry=True, reason=f"cannot be reached: {error}")
    except httpx.UnsupportedProtocol as error:
        return Answer(accepted=False, reason=f"is no URL to send to: {error}")
    except httpx.TransportError as error:
        reason = f"the connection broke: {str(error) or type(error).__name__}"
        return Answer(accepted=False, retry=True, reason=reason)
    except httpx.InvalidURL as error:
        return Answer(accepted=False, reason=f"is no URL to send to: {error}")
    return _judged(response)


def _judged(response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(accepted=True)
    retry = status == 429 or status >= 500
    after = retry_after(response.headers.get("retry-after", "")) if retry else 0.0
    return Answer(
        accepted=False, retry=retry, reason=f"answered HTTP {status}", after_seconds=after
    )


def retry_after(text: str) -> float:
    """Return the seconds that a Retry-After header asks for, at most an hour; 0 for none."""
    seconds = 0.0
    if text.strip().isdigit():
        seconds = float(text.strip()[:9])
    elif text:
        with suppress(ValueError):
            moment = parsedate_to_datetime(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


async def _mail(given: Given) -> Answer:
    limit = given.receiver.timeout_seconds
    try:
        async with asyncio.timeout(3 * limit):
            await asyncio.to_thread(_send_mail, given)
    except (TimeoutError, smtplib.SMTPServerDisconnected):
        reason = f"no answer within {limit:g} s, or the connection broke"
        return Answer(accepted=False, retry=True, reason=reason)
    except smtplib.SMTPResponseException as error:
        retry = 400 <= error.smtp_code < 500
        return Answer(accepted=False, retry=retry, reason=f"answered SMTP {error.smtp_code}")
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        retry = all(400 <= code < 500 for code in codes)
        said = ", ".join(map(str, codes))
        return Answer(accepted=False, retry=retry, reason=f"refused the addresses: SMTP {said}")
    except (OSError, smtplib.SMTPException) as error:
        return Answer(accepted=False, retry=True, reason=f"cannot be reached: {error}")
    return Answer(accepted=True)


def _send_mail(given: Given) -> None:
    receiver = given.receiver
    host, _, port = receiver.server.rpartition(":")
    with smtplib.SMTP(host.strip("[]"), int(port), timeout=receiver.timeout_seconds) as server:
        if receiver.starttls:
            server.starttls()
        if receiver.user:
            server.login(receiver.user, given.key)
        server.send_message(mail(given))
