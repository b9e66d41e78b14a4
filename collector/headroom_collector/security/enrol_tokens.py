"""Enrolment tokens: single use, bound to a name, kept as hashes."""

import asyncio
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import duckdb

from headroom_collector.security import secrets
from headroom_collector.security.access import RefusedError
from headroom_collector.store.api import Change, Store
from headroom_core.clock import Clock
from headroom_core.identity import IdentityError, check_name

WILD = frozenset("*?[")
LONGEST_SECONDS = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class EnrolToken:
    """One token, without its secret; times in UTC nanoseconds."""

    id: str
    host: str
    """Name of the host, or a pattern with * ? [...] that its name has to fit."""
    hash: str
    created: int
    expires: int
    used: int | None = None
    used_by: str | None = None
    peer: str | None = None


def check_pattern(text: str) -> str:
    """Return a host's name or a pattern; raises IdentityError."""
    if not set(text) & WILD:
        return check_name(text)
    # A wild card stands for letters, so one in its place has to give a name.
    check_name("".join("x" if letter in "*?[]!" else letter for letter in text))
    return text


def _adding(token: EnrolToken) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        # Tokens that expired long ago tell nothing any more.
        cursor.execute("DELETE FROM enrol_tokens WHERE expires < ?", [token.created - DAY])
        cursor.execute(
            "INSERT INTO enrol_tokens VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)",
            [token.id, token.host, token.hash, token.created, token.expires],
        )

    return write


def _using(token: EnrolToken) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute(
            "UPDATE enrol_tokens SET used = ?, used_by = ?, peer = ? WHERE id = ?",
            [token.used, token.used_by, token.peer, token.id],
        )

    return write


DAY = 86_400_000_000_000


class EnrolTokens:
    """The tokens of one store. A token counts as used from the moment it is taken."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        rows = store.query("SELECT * FROM enrol_tokens ORDER BY created").to_pylist()
        self._tokens = {row["id"]: EnrolToken(**row) for row in rows}

    async def create(self, host: str, ttl_seconds: float) -> tuple[EnrolToken, str]:
        """Return a new token and its secret, which nothing keeps. Raises IdentityError, StoreError."""
        now = self._clock.now()
        secret = secrets.new_secret()
        token = EnrolToken(
            secrets.new_id(),
            check_pattern(host),
            secrets.hashed(secret),
            now,
            now + round(ttl_seconds * 1e9),
        )
        await asyncio.wrap_future(self._store.change(_adding(token)))
        self._tokens = {
            name: known for name, known in self._tokens.items() if known.expires >= now - DAY
        }
        self._tokens[token.id] = token
        return token, secret

    def all(self) -> list[EnrolToken]:
        """Return the tokens that were made and have not expired more than a day ago."""
        return list(self._tokens.values())

    async def take(self, name: str, secret: str, host: str, peer: str) -> str:
        """
        Use up a token and return the host's name that it is good for.

        ``host`` is what was asked for, empty where the token is for one name. Raises RefusedError
        with the reason, and StoreError; a token that was refused for the host is not used up.
        """
        token = self._tokens.get(name)
        if token is None:
            raise RefusedError("an enrolment token that this collector does not know")
        if not secrets.same(secret, token.hash):
            raise RefusedError("an enrolment token with a wrong secret")
        if token.used is not None:
            raise RefusedError(f"an enrolment token that {token.used_by} used before")
        now = self._clock.now()
        if token.expires <= now:
            raise RefusedError("an enrolment token that has expired")
        wanted = _named(token, host)
        used = replace(token, used=now, used_by=wanted, peer=peer)
        self._tokens[name] = used
        await asyncio.wrap_future(self._store.change(_using(used)))
        return wanted


def _named(token: EnrolToken, host: str) -> str:
    wild = bool(set(token.host) & WILD)
    wanted = host or ("" if wild else token.host)
    if not wanted:
        raise RefusedError(f"no host name, and the token is for {token.host}: say --name NAME")
    try:
        check_name(wanted)
    except IdentityError as error:
        raise RefusedError(str(error)) from None
    if not fnmatchcase(wanted, token.host):
        raise RefusedError(f"an enrolment token for {token.host}, not for {wanted}")
    return wanted
