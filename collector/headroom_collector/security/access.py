"""Access: who asks over HTTP, and with which role; by password, token, or a proxy's word."""

import asyncio
import base64
import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import bcrypt

from headroom_collector.http_settings import HttpSettings
from headroom_collector.roles import Role
from headroom_collector.security.webfile import WebFile

NOBODY = b"$2b$10$gbFC0t9GS7vlSORcPX1vHetomNNPObdm34LBhLh5x2E9UkUDvjy.K"
"""Hash that an unknown user's password is held against: the answer takes as long."""
REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who was let in: name, role, and by what."""

    name: str
    role: Role
    how: str


ANYBODY = Who("", Role.READ, "loopback")


class RefusedError(Exception):
    """Somebody who is not let in; the text says why, without what was presented."""


FindToken = Callable[[str], Who | None]


class Passwords:
    """Checks passwords; bcrypt takes long on purpose, so what was right is remembered."""

    def __init__(self) -> None:
        self._right: dict[bytes, None] = {}
        self._slots = asyncio.Semaphore(2)

    async def right(self, user: str, password: str, hashed: bytes | None) -> bool:
        """Whether that is the user's password; ``hashed`` None: there is no such user."""
        secret = password.encode()
        parts = (user.encode(), secret, hashed or b"")
        key = hashlib.sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()
        if hashed is not None and key in self._right:
            return True
        async with self._slots:
            good = await asyncio.to_thread(_same, secret, hashed or NOBODY)
        if not good or hashed is None:
            return False
        while len(self._right) >= REMEMBERED:
            self._right.pop(next(iter(self._right)))
        self._right[key] = None
        return True


def _same(secret: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(secret, hashed)
    except ValueError:
        return False  # longer than bcrypt reads, or a NUL in it


def inside(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is one of these or in one of these networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)


class Access:
    """Says who asks. ``find_token`` knows bearer tokens."""

    def __init__(self, settings: HttpSettings, web: WebFile, find_token: FindToken) -> None:
        self._settings = settings
        self._web = web
        self._find_token = find_token
        self._passwords = Passwords()

    def asks(self) -> bool:
        """Whether everybody has to say who they are."""
        settings = self._settings
        return bool(
            self._web.current().users or settings.proxy.user_header or settings.authenticate
        )

    async def who(self, address: str, headers: dict[str, str]) -> Who:
        """Return who asks, from ``address`` and with these headers. Raises RefusedError."""
        proxy = self._settings.proxy
        user = headers.get(proxy.user_header.lower(), "") if proxy.user_header else ""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._token(given.strip())
        # A proxy that asked for the password may pass that on, too: its word goes first.
        if user and inside(address, proxy.addresses):
            return Who(user, self._role(user), "proxy")
        if user:
            raise RefusedError("the proxy's header from an address that is not the proxy's")
        if kind.lower() == "basic":
            return await self._password(given.strip())
        if kind:
            raise RefusedError("an authorization that is neither Basic nor Bearer")
        if self.asks():
            raise RefusedError("neither a name nor a token")
        return ANYBODY

    def _role(self, user: str) -> Role:
        return Role(self._settings.roles.get(user, self._settings.default_role))

    def _token(self, given: str) -> Who:
        found = self._find_token(given)
        if found is None:
            raise RefusedError("a token that is not known, has expired or was revoked")
        return found

    async def _password(self, given: str) -> Who:
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            raise RefusedError("a Basic authorization that cannot be read") from None
        hashed = self._web.current().users.get(user) if colon else None
        if not await self._passwords.right(user, password, hashed):
            raise RefusedError("a user name or password that is wrong")
        return Who(user, self._role(user), "password")
