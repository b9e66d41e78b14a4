"""Guard: lets through what may pass to the application on TCP, and answers the rest."""

import json
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headroom_collector.roles import needed
from headroom_collector.security.access import Access, RefusedError, Who
from headroom_collector.security.audit import Audit
from headroom_collector.security.webfile import WebFile

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CHALLENGE = (b"www-authenticate", b'Basic realm="Headroom", charset="UTF-8"')


def host_of(value: str) -> str:
    """Return the name in a Host header or an origin, without port and brackets, in lower case."""
    try:
        return (urlsplit(value if "//" in value else f"//{value}").hostname or "").lower()
    except ValueError:
        return ""


class Guard:
    """
    An ASGI application around the real one.

    ``names``: what browsers may call this collector by; None where any will do, because everybody
    has to say who they are. Without it a page elsewhere could have its visitor's browser read a
    collector on loopback, by a name that it lets lead there (DNS rebinding).
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        web: WebFile,
        audit: Audit,
        names: Collection[str] | None,
    ) -> None:
        self._app = app
        self._access = access
        self._web = web
        self._audit = audit
        self._names = None if names is None else LOOPBACK_NAMES | set(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        answer = Answer(send, self._web, secure=scope["scheme"] == "https")
        method, path = scope["method"], scope["path"]
        peer = scope["client"] or ("", 0)
        where = f"{peer[0]}:{peer[1]}"
        wrong = self._wrong(method, headers)
        if wrong:
            self._audit.refused("http", where, wrong, path=path)
            await answer.say(403, wrong)
            return
        need = needed(method, path)
        try:
            who = None if need is None else await self._access.who(peer[0], headers)
        except RefusedError as error:
            self._audit.refused("http", where, str(error), path=path)
            await answer.say(401, f"{error}: say who you are", CHALLENGE)
            return
        if who is not None and need is not None and not who.role.may(need):
            reason = (
                f"{who.name or 'anybody'} has the role {who.role.value}, needed is {need.value}"
            )
            self._audit.refused("http", where, reason, path=path, user=who.name)
            await answer.say(403, reason)
            return
        if who is not None and method not in {"GET", "HEAD", "OPTIONS"} and path[:7] == "/admin/":
            self._audit.granted("http", where, path=path, user=who.name, how=who.how)
        scope.setdefault("state", {})["who"] = who or Who("", need, "open") if need else None
        await self._app(scope, receive, answer.send)

    def _wrong(self, method: str, headers: dict[str, str]) -> str:
        """Return what is wrong with where a request comes from; empty where nothing is."""
        host = headers.get("host", "")
        if self._names is not None and host_of(host) not in self._names:
            return (
                f"this collector is not called {host_of(host)!r}: names are listed in [http] names"
            )
        origin = headers.get("origin", "")
        changes = method not in {"GET", "HEAD", "OPTIONS"}
        strange = origin and host_of(origin) != host_of(host)
        if changes and (strange or headers.get("sec-fetch-site", "") == "cross-site"):
            return "another site's page may change nothing here"
        return ""


class Answer:
    """The way back: with the web configuration's headers, and for refusals a line of JSON."""

    def __init__(self, send: Send, web: WebFile, *, secure: bool) -> None:
        self._send = send
        self._web = web
        self._secure = secure

    async def send(self, message: Message) -> None:
        """Pass a message on, with the headers."""
        if message["type"] == "http.response.start":
            more = dict(self._web.current().headers)
            if self._secure:
                more.setdefault("Strict-Transport-Security", "max-age=31536000")
            named = {name.lower().encode(): value.encode() for name, value in more.items()}
            kept = [(n, v) for n, v in message.get("headers", []) if n.lower() not in named]
            message["headers"] = [*kept, *named.items()]
        await self._send(message)

    async def say(self, status: int, detail: str, *more: tuple[bytes, bytes]) -> None:
        """Refuse with one line."""
        body = json.dumps({"detail": detail}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *more,
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
