"""Bearer tokens for programs that use the HTTP side: made, found, listed, revoked."""

import asyncio
from dataclasses import dataclass, replace

import duckdb

from headroom_collector.roles import Role
from headroom_collector.security import secrets
from headroom_collector.security.access import Who
from headroom_collector.store.api import Change, Store
from headroom_core.clock import Clock

PREFIX = "hrt"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token, without its secret; times in UTC nanoseconds."""

    id: str
    name: str
    role: Role
    hash: str
    created: int
    expires: int | None = None
    revoked: int | None = None


def _adding(token: AccessToken) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute(
            "INSERT INTO access_tokens VALUES (?, ?, ?, ?, ?, ?, NULL)",
            [token.id, token.name, token.role.value, token.hash, token.created, token.expires],
        )

    return write


def _revoking(token: str, now: int) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute("UPDATE access_tokens SET revoked = ? WHERE id = ?", [now, token])

    return write


class AccessTokens:
    """The tokens of one store, all of them in memory: each request asks for one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        rows = store.query("SELECT * FROM access_tokens ORDER BY created").to_pylist()
        self._tokens = {
            row["id"]: AccessToken(**{**row, "role": Role(row["role"])}) for row in rows
        }

    async def create(
        self, name: str, role: Role, ttl_seconds: float | None
    ) -> tuple[str, AccessToken]:
        """Return a new token's text, which nothing keeps, and what is kept of it."""
        now = self._clock.now()
        secret = secrets.new_secret()
        expires = None if ttl_seconds is None else now + round(ttl_seconds * 1e9)
        token = AccessToken(secrets.new_id(), name, role, secrets.hashed(secret), now, expires)
        await asyncio.wrap_future(self._store.change(_adding(token)))
        self._tokens[token.id] = token
        return f"{PREFIX}_{token.id}_{secret}", token

    async def revoke(self, token: str) -> AccessToken | None:
        """Let a token be good for nothing from now on; None where it is not known."""
        known = self._tokens.get(token)
        if known is None:
            return None
        now = self._clock.now()
        self._tokens[token] = replace(known, revoked=known.revoked or now)
        await asyncio.wrap_future(self._store.change(_revoking(token, now)))
        return self._tokens[token]

    def all(self) -> list[AccessToken]:
        """Return every token that there ever was."""
        return list(self._tokens.values())

    def find(self, text: str) -> Who | None:
        """Return who presents a token; None where it is not good."""
        prefix, _, rest = text.partition("_")
        name, _, secret = rest.partition("_")
        token = self._tokens.get(name)
        if prefix != PREFIX or token is None or not secrets.same(secret, token.hash):
            return None
        ended = token.expires is not None and token.expires <= self._clock.now()
        return None if ended or token.revoked else Who(token.name, token.role, "token")
