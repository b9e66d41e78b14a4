"""A real mail server for tests (aiosmtpd): keeps what it is sent; refuses or is slow where it is told to."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from rigs.ports import free_port


@dataclass
class Post:
    """
    Mails as (recipients, text); ``refuse`` is answered to every recipient where it is set.

    ``logins`` are the users that logged in.
    """

    address: str = ""
    refuse: str = ""
    mails: list[tuple[list[str], str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if not self.refuse:
            envelope.rcpt_tos.append(address)
        return self.refuse or "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        content = envelope.content
        text = content.decode() if isinstance(content, bytes) else str(content)
        self.mails.append((list(envelope.rcpt_tos), text))
        return "250 OK"


@contextmanager
def post_office(password: str = "") -> Iterator[Post]:
    """Serve on a free port of loopback; with a password nobody sends without logging in."""
    post = Post()

    def check(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: object
    ) -> AuthResult:
        if isinstance(data, LoginPassword) and data.password == password.encode():
            post.logins.append(data.login.decode())
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)

    login: dict[str, Any] = {
        "authenticator": check,
        "auth_required": True,
        "auth_require_tls": False,
    }
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=free_port(),
        ready_timeout=60.0,
        **(login if password else {}),
    )
    post.address = f"127.0.0.1:{controller.port}"
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


@contextmanager
def dripping() -> Iterator[str]:
    """Serve a greeting without end, a byte at a time; gives the address."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                while not over.is_set():
                    self.request.sendall(b"2")
                    time.sleep(0.02)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
