"""Bearer tokens: shown once, hashed at rest, of no use once they expired or were revoked."""

import asyncio
from pathlib import Path

from rigs.ingest import HandClock

from headroom_collector.roles import Role
from headroom_collector.security.access_tokens import AccessTokens
from headroom_collector.store.api import Store

HOUR = 3_600 * 10**9


def test_a_token_is_found_by_its_text_and_by_nothing_else(store: Store, clock: HandClock) -> None:
    tokens = AccessTokens(store, clock)
    text, token = asyncio.run(tokens.create("grafana", Role.SILENCE, None))
    found = tokens.find(text)
    assert found is not None
    assert (found.name, found.role, found.how) == ("grafana", Role.SILENCE, "token")
    for wrong in (text[:-1], text + "x", text.upper(), token.id, token.hash, "", "hrt__", "_" * 9):
        assert tokens.find(wrong) is None
    assert AccessTokens(store, clock).find(text) == found


def test_a_token_ends_at_its_time_and_when_it_is_revoked(store: Store, clock: HandClock) -> None:
    tokens = AccessTokens(store, clock)
    short, _ = asyncio.run(tokens.create("ci", Role.READ, 3600.0))
    long, kept = asyncio.run(tokens.create("ci", Role.READ, None))
    clock.time += HOUR
    assert tokens.find(short) is None
    assert tokens.find(long) is not None
    assert asyncio.run(tokens.revoke(kept.id)) is not None
    assert tokens.find(long) is None
    assert AccessTokens(store, clock).find(long) is None
    assert asyncio.run(tokens.revoke("nonsense")) is None


def test_the_secret_is_nowhere_in_the_store(
    store: Store, clock: HandClock, tmp_path: Path
) -> None:
    text, _ = asyncio.run(AccessTokens(store, clock).create("grafana", Role.READ, None))
    store.close()
    secret = text.rpartition("_")[2].encode()
    for path in (tmp_path / "store").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()
