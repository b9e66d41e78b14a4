"""Ledger: which certificates were issued, and who is denied whatever certificate it shows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import duckdb

from headroom_collector.store.api import Change, Store
from headroom_core.clock import Clock
from headroom_core.identity import IdentityError, check_name

What = Literal["host", "serial"]


@dataclass(frozen=True, slots=True)
class Denial:
    """A host, or one certificate by its serial number, that is let in no more."""

    what: What
    value: str
    reason: str
    author: str
    since: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued to a host over the network; times in UTC nanoseconds."""

    serial: str
    host: str
    issued: int
    expires: int
    how: str
    peer: str


def check_value(what: What, value: str) -> str:
    """Return a host's name, or a serial number as hexadecimal digits; raises IdentityError."""
    if what == "host":
        return check_name(value)
    digits = value.replace(":", "").lower().removeprefix("0x").lstrip("0")
    if not (0 < len(digits) <= 40 and set(digits) <= set("0123456789abcdef")):
        raise IdentityError(f"serial number {value!r}: expected hexadecimal digits, at most 40")
    return digits


def _denying(denial: Denial) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute(
            "INSERT INTO denied VALUES (?, ?, ?, ?, ?)",
            [denial.what, denial.value, denial.reason, denial.author, denial.since],
        )

    return write


def _allowing(what: What, value: str) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute("DELETE FROM denied WHERE what = ? AND value = ?", [what, value])

    return write


def _noting(issued: Issued) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        # What has expired can speak no more; a host has one or two certificates that have not.
        cursor.execute("DELETE FROM certificates WHERE expires < ?", [issued.issued])
        cursor.execute(
            "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?)",
            [issued.serial, issued.host, issued.issued, issued.expires, issued.how, issued.peer],
        )

    return write


class Ledger:
    """
    The deny list of one store, in memory: it is asked for every batch.

    ``listeners`` are called after a denial, in the event loop.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        rows = store.query("SELECT * FROM denied ORDER BY since").to_pylist()
        self._denied = {(row["what"], row["value"]): Denial(**row) for row in rows}
        self.listeners: list[Callable[[], None]] = []

    def denied(self, host: str, serial: str) -> str:
        """Return why a host with that certificate is not let in; empty where it is."""
        if not self._denied:
            return ""
        found = self._denied.get(("host", host))
        if found is not None:
            return f"host {host} is denied" + (f": {found.reason}" if found.reason else "")
        found = self._denied.get(("serial", serial))
        if found is not None:
            return f"certificate {serial} is revoked" + (
                f": {found.reason}" if found.reason else ""
            )
        return ""

    async def deny(self, what: What, value: str, reason: str, author: str) -> Denial:
        """Let in no more; raises IdentityError, StoreError. It holds from before it is durable."""
        denial = Denial(what, check_value(what, value), reason, author, self._clock.now())
        self._denied[what, denial.value] = denial
        for listener in self.listeners:
            listener()
        await asyncio.wrap_future(self._store.change(_denying(denial)))
        return denial

    async def allow(self, what: What, value: str) -> bool:
        """Take a denial back; whether there was one. Raises IdentityError, StoreError."""
        key = (what, check_value(what, value))
        if key not in self._denied:
            return False
        await asyncio.wrap_future(self._store.change(_allowing(*key)))
        del self._denied[key]
        return True

    def denials(self) -> list[Denial]:
        """Return the deny list."""
        return list(self._denied.values())

    async def note(self, issued: Issued) -> None:
        """Note a certificate before it is handed out; raises StoreError."""
        await asyncio.wrap_future(self._store.change(_noting(issued)))

    def certificates(self, host: str = "") -> list[Issued]:
        """Return the certificates that were issued and have not expired, of one host or all."""
        sql = "SELECT * FROM certificates WHERE expires >= ? AND (? = '' OR host = ?) ORDER BY issued"
        rows = self._store.query(sql, [self._clock.now(), host, host]).to_pylist()
        return [Issued(**row) for row in rows]
