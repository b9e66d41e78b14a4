"""
The book of the estate: where each host stands and whether it counts.

The file says where hosts stand, the store remembers since when; what an operator decides (retired,
in maintenance, renamed) is in the store alone.
"""

import asyncio
import difflib
import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import duckdb

from headroom_collector.inventory import tables
from headroom_collector.inventory.entries import Inventory, InventoryError
from headroom_collector.inventory.file import load_inventory
from headroom_collector.inventory.tables import MIGRATIONS, Stage
from headroom_collector.store.api import Change, Store, StoreError
from headroom_core.clock import Clock
from headroom_core.estate import Member, Placement, Status
from headroom_core.identity import check_name

__all__ = ["MIGRATIONS", "Book", "BookError"]

LOG = logging.getLogger(__name__)
PERIOD_SECONDS = 2.0
WAIT_SECONDS = 60.0


class BookError(ValueError):
    """Something the book cannot do; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _State:
    """One consistent state; replaced whole, so that readers need no lock."""

    inventory: Inventory = field(default_factory=Inventory)
    stages: Mapping[str, Stage] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    digest: bytes = b""


def describe(host: str, old: Placement, new: Placement) -> str:
    """Return one line on what changed for a host."""
    if old == Placement():
        return f"{host}: added to {new.site or '-'}/{new.cluster or '-'}"
    if new == Placement():
        return f"{host}: is no longer in the inventory"
    changed = [
        f"{name.replace('host_class', 'class')} {getattr(old, name) or '-'} -> {getattr(new, name) or '-'}"
        for name in ("site", "cluster", "host_class", "owner", "purchase_date")
        if getattr(old, name) != getattr(new, name)
    ]
    return f"{host}: {', '.join(changed)}"


class Book:
    """
    What is known of each host beside its measurements; an Estate. Safe from any thread.

    ``path`` is the inventory's file, None where there is none: then every host is unassigned.
    Raises InventoryError where the file cannot be used.
    """

    def __init__(self, store: Store, path: Path | None, clock: Clock) -> None:
        self._store = store
        self._path = path
        self._clock = clock
        self._lock = Lock()  # held for a moment only: the store's writer thread takes it as well
        self._reloading = Lock()
        self._refused = b""
        self._state = _State(stages=tables.read_stages(store), renames=tables.read_renames(store))
        self.reload()

    def member(self, host: str) -> Member:
        """
        Return what is known of a host, under its present name.

        An identity that was renamed counts as retired as soon as the new one has reported.
        """
        state = self._state
        name = self._follow(state, host)
        placement = self._placement(state, name)
        if name != host and name in state.seen:
            return Member(name, placement, Status.RETIRED, reason=f"renamed to {name}")
        stage = state.stages.get(name)
        if stage is None or (stage.until is not None and stage.until <= self._clock.now()):
            return Member(name, placement)
        return Member(name, placement, stage.status, stage.since, stage.until, stage.reason)

    def present_name(self, host: str) -> str:
        """Return the name that a host has now."""
        return self._follow(self._state, host)

    def former_names(self, host: str) -> list[str]:
        """Return the names under which a host reported before, oldest name first in the alphabet."""
        return self._former(self._state, host)

    def placement_at(self, host: str, at: int) -> Placement:
        """Return where a host stood at a moment (UTC nanoseconds); raises StoreError."""
        return tables.read_placement(self._store, host, at)

    def unassigned(self) -> list[str]:
        """Return the hosts that reported and that the inventory gives no site and cluster."""
        members = (self.member(host) for host in sorted(self._state.seen))
        return [
            member.host
            for member in members
            if not member.placement.assigned and member.status is not Status.RETIRED
        ]

    def reload(self) -> list[str]:
        """
        Read the file again and write what changed into the store; returns one line a change.

        Raises InventoryError where the new file cannot be used; the old book then stays.
        """
        with self._reloading:
            digest = self._digest()
            inventory = load_inventory(self._path) if self._path else Inventory()
            seen = tables.read_seen(self._store)
            changes = self._record(inventory, seen)
            with self._lock:
                self._state = replace(self._state, inventory=inventory, seen=seen, digest=digest)
            return changes

    async def watch(self) -> None:
        """Follow the file until cancelled; a broken one is logged once and the old book stays."""
        fault = ""
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            try:
                await asyncio.to_thread(self.poll)
            except (StoreError, TimeoutError) as error:
                if str(error) != fault:
                    LOG.error("inventory: cannot be kept in step, tried again: %s", error)  # noqa: TRY400 -- the line says it all
                fault = str(error)
            else:
                fault = ""

    def poll(self) -> list[str]:
        """Reload where the file or the set of hosts changed; returns one line a change."""
        digest = self._digest()
        seen = tables.read_seen(self._store)
        if digest == self._refused or (digest, seen) == (self._state.digest, self._state.seen):
            return []
        try:
            changes = self.reload()
        except InventoryError as error:
            self._refused = digest
            more = f" (and {len(error.lines) - 1} more)" if len(error.lines) > 1 else ""
            LOG.error("inventory: kept the one before: %s%s", error.lines[0], more)  # noqa: TRY400 -- the line says it all, a traceback is for nobody
            return []
        self._refused = b""
        for change in changes:
            LOG.info("inventory: %s", change)
        return changes

    def retire(self, host: str, reason: str = "", author: str = "") -> "Future[int]":
        """Say that a host was freed and switched off; raises BookError for an unknown one."""
        return self._enter(host, Stage(Status.RETIRED, self._clock.now(), None, reason, author))

    def restore(self, host: str, reason: str = "", author: str = "") -> "Future[int]":
        """Take back retirement or maintenance; raises BookError for an unknown host."""
        return self._enter(host, Stage(Status.PRESENT, self._clock.now(), None, reason, author))

    def maintenance(
        self, host: str, until: int | None, reason: str = "", author: str = ""
    ) -> "Future[int]":
        """Page nobody for a host, until a moment (UTC nanoseconds) or restored; raises BookError."""
        now = self._clock.now()
        if until is not None and until <= now:
            raise BookError(f"maintenance of '{host}': its end is in the past; give a later one")
        if self.member(host).status is Status.RETIRED:
            raise BookError(f"maintenance of '{host}': it is retired; restore it first")
        return self._enter(host, Stage(Status.MAINTENANCE, now, until, reason, author))

    def rename(self, old: str, new: str, author: str = "") -> "Future[int]":
        """Let a host go by a new name, its history with it; raises BookError, IdentityError."""
        name = self._known(old)
        if name == check_name(new):
            raise BookError(f"rename of '{old}': it has that name already")
        self._check_apart(name, new)
        now = self._clock.now()
        stage = self._state.stages.get(name)
        moved = replace(stage, since=now, author=author) if stage else None

        def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:
            del commit_id  # the moment is what counts
            tables.write_rename(cursor, name, new, now)
            if moved:
                tables.write_stage(cursor, new, moved)

        def become(state: _State) -> _State:
            stages = {**state.stages, new: moved} if moved else state.stages
            return replace(
                state, renames=tables.with_rename(state.renames, name, new), stages=stages
            )

        return self._apply(write, become)

    def _check_apart(self, name: str, new: str) -> None:
        """Refuse to make one host of two that reported side by side; raises BookError."""
        rows = {row.name: row for row in self._store.hosts()}
        if name not in rows or new not in rows or new in self._former(self._state, name):
            return
        if rows[name].last_seen > rows[new].first_seen:
            raise BookError(
                f"rename of '{name}': '{new}' is another host, both reported at the same time"
            )

    def _enter(self, host: str, stage: Stage) -> "Future[int]":
        name = self._known(host)
        return self._apply(
            lambda cursor, _: tables.write_stage(cursor, name, stage),
            lambda state: replace(state, stages={**state.stages, name: stage}),
        )

    def _apply(self, write: Change, become: Callable[[_State], _State]) -> "Future[int]":
        """Write, and once that is durable change the state, and only then tell the caller."""
        told: Future[int] = Future()

        def finish(durable: "Future[int]") -> None:
            error = durable.exception()
            if error is not None:
                told.set_exception(error)
                return
            with self._lock:
                self._state = become(self._state)
            told.set_result(durable.result())

        self._store.change(write).add_done_callback(finish)
        return told

    def _record(self, inventory: Inventory, seen: frozenset[str]) -> list[str]:
        """Bring the placements in the store into step; one reload at a time."""
        if self._path is None:
            return []
        before = tables.read_placements(self._store)
        pairs = [
            (host, before.get(host, Placement()), inventory.placement(host))
            for host in sorted({*before, *seen, *inventory.exact})
        ]
        changed = [(host, old, new) for host, old, new in pairs if old != new]
        if changed:
            now = self._clock.now()
            rows = [(host, new) for host, _, new in changed]
            self._store.change(
                lambda cursor, _: tables.write_placements(cursor, rows, now)
            ).result(WAIT_SECONDS)
        return [describe(host, old, new) for host, old, new in changed]

    def _known(self, host: str) -> str:
        state = self._state
        name = self._follow(state, host)
        known = {*state.seen, *state.inventory.exact, *state.renames, *state.renames.values()}
        if host not in known:
            known.update(tables.read_seen(self._store))
        if host not in known:
            near = difflib.get_close_matches(host, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise BookError(f"host '{host}' is not known{hint}")
        return name

    def _digest(self) -> bytes:
        if self._path is None:
            return b""
        try:
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError as error:
            return str(error).encode()

    @classmethod
    def _placement(cls, state: _State, name: str) -> Placement:
        """Look a host up under its present name, then under those it had."""
        found = state.inventory.placement(name)
        if found == Placement():
            for former in cls._former(state, name):
                found = state.inventory.exact.get(former, found)
        return found

    @classmethod
    def _former(cls, state: _State, name: str) -> list[str]:
        return sorted(old for old in state.renames if cls._follow(state, old) == name)

    @staticmethod
    def _follow(state: _State, host: str) -> str:
        while host in state.renames:
            host = state.renames[host]
        return host
