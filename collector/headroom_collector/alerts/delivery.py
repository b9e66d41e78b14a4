"""Delivery of one letter to one receiver, and what the receiver made of it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from headroom_collector.alert_settings import Receiver
from headroom_collector.alerts.answer import Answer
from headroom_collector.alerts.blocking import send_apprise, send_mail
from headroom_collector.alerts.forms import FORMS, Given, Request
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.security.outbound import Outbound
from headroom_core.secret_file import SecretError, read_secret

RESPONSE_BYTES = 65536
LONGEST_RETRY_AFTER_SECONDS = 3600.0


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
        return await send_mail(given)
    if receiver.type == "apprise":
        return await send_apprise(given)
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
