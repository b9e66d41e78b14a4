"""
Receivers whose libraries block: mail, and the services that apprise speaks to.

Each letter has a thread of its own, which is left behind when its time is over: a server that drips
holds up neither the other receivers nor the judging.
"""

import asyncio
import smtplib
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from headroom_collector.alerts.answer import Answer
from headroom_collector.alerts.forms import Given, mail, summary, text

MISSING = "apprise is not installed: pip install 'headroom[apprise]'"


class NoServiceError(Exception):
    """An address that apprise can do nothing with."""


async def apart(work: Callable[[], None], seconds: float) -> None:
    """Do blocking work in a thread of its own; raises what it raises, and TimeoutError."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as found:  # noqa: BLE001  # handed to who waits, nothing is swallowed
            error = found
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, daemon=True, name="headroom-letter").start()
    async with asyncio.timeout(seconds):
        await done


@dataclass(slots=True)
class _Session:
    """One mail on its way; ``stop`` hangs up, so that the thread behind ends."""

    given: Given
    server: smtplib.SMTP | None = None

    def send(self) -> None:
        """Send the mail; raises OSError and SMTPException."""
        receiver = self.given.receiver
        host, _, port = receiver.server.rpartition(":")
        self.server = server = smtplib.SMTP(timeout=receiver.timeout_seconds)
        with ExitStack() as stack:
            server.connect(host.strip("[]"), int(port))
            stack.callback(server.close)
            if receiver.starttls:
                server.starttls()
            if receiver.user:
                server.login(receiver.user, self.given.key)
            server.send_message(mail(self.given))
            with suppress(OSError, smtplib.SMTPException):  # it has been accepted by now
                server.quit()

    def stop(self) -> None:
        """Hang up."""
        sock = getattr(self.server, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(2)


async def send_mail(given: Given) -> Answer:
    """Send a letter as a mail."""
    limit, session = given.receiver.timeout_seconds, _Session(given)
    try:
        await apart(session.send, 3 * limit)
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
    finally:
        session.stop()
    return Answer(accepted=True)


def _notify(given: Given) -> None:
    import apprise  # noqa: PLC0415  # an extra

    box = apprise.Apprise()
    if not box.add(given.url):
        raise NoServiceError
    fires = given.body["status"] == "firing"
    kind = apprise.NotifyType.WARNING if fires else apprise.NotifyType.SUCCESS
    title = summary(given.body, given.language)
    if not box.notify(body=text(given), title=title, notify_type=kind):
        raise OSError("apprise could not deliver it; the log has its words")


async def send_apprise(given: Given) -> Answer:
    """Send a letter by apprise, which says of a failure only that there was one."""
    limit = given.receiver.timeout_seconds
    try:
        await apart(lambda: _notify(given), limit)
    except ModuleNotFoundError:
        return Answer(accepted=False, reason=MISSING)
    except NoServiceError:
        return Answer(accepted=False, reason="apprise knows no service for this address")
    except TimeoutError:
        return Answer(accepted=False, retry=True, reason=f"no answer within {limit:g} s")
    except OSError as error:
        return Answer(accepted=False, retry=True, reason=str(error))
    return Answer(accepted=True)
