"""Who may speak with the collector, and where it listens."""

import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import anyio
import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rigs.ingest import Agent, HandClock, MemoryStore, Rig, batch, cycle, until
from rigs.proxy import Proxy

from headroom_collector.ingest.server import IngestError, IngestServer
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.tls import Authority, Files
from headroom_core.clock import SystemClock
from headroom_core.identity import uri_of

pytestmark = pytest.mark.anyio


def odd_files(
    authority: Authority,
    folder: Path,
    names: Sequence[x509.GeneralName],
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Files:
    """Return a certificate of the real authority that it would never issue by itself."""
    return authority._issue(folder, "odd", names, usage)


async def refusal(agent: Agent) -> tuple[grpc.StatusCode, str]:
    async with agent:
        try:
            await agent.hello()
        except (grpc.aio.AioRpcError, pytest.fail.Exception):
            return await agent.ended()
    pytest.fail("the collector let it in")


async def test_a_peer_without_a_certificate_is_refused(rig: Rig) -> None:
    files = rig.authority.issue_host("web-1")
    code, _ = await refusal(Agent(rig.port, files, certified=False))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert rig.store.kept == {}


async def test_a_certificate_of_another_authority_is_refused(rig: Rig, tmp_path: Path) -> None:
    foreign = Authority.open(tmp_path, SystemClock()).issue_host("web-1")
    ours = rig.authority.issue_host("web-1")
    code, _ = await refusal(Agent(rig.port, Files(ours.ca, foreign.cert, foreign.key)))
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_the_collectors_own_certificate_makes_no_agent(rig: Rig) -> None:
    code, _ = await refusal(Agent(rig.port, rig.authority.collector_files([])))
    assert code is not grpc.StatusCode.OK


async def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    long_ago = HandClock(SystemClock().now() - 2 * 365 * 86_400 * 1_000_000_000)
    old = Authority.open(tmp_path, long_ago)
    expired = old.issue_host("web-1")
    today = Authority.open(tmp_path, SystemClock())
    store = MemoryStore()
    server = IngestServer(store, today.collector_files([]), HandClock())
    port = await server.start("127.0.0.1:0")
    try:
        code, _ = await refusal(Agent(port, expired))
    finally:
        await server.stop(1.0)
        store.close()
    assert code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName("web-1")],
        [x509.UniformResourceIdentifier("spiffe://estate/host/web-1")],
        [
            x509.UniformResourceIdentifier(uri_of("web-1")),
            x509.UniformResourceIdentifier(uri_of("web-2")),
        ],
        [x509.UniformResourceIdentifier("headroom://estate/host/_collector")],
        [x509.UniformResourceIdentifier("headroom://estate/host/..%2Fup")],
    ],
    ids=["no URI", "another scheme", "two hosts", "the collector itself", "no name"],
)
async def test_a_certificate_that_does_not_name_one_host_is_refused_with_one_line(
    rig: Rig,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    names: list[x509.GeneralName],
) -> None:
    files = odd_files(rig.authority, tmp_path / "odd", names)
    with caplog.at_level(logging.WARNING):
        code, details = await refusal(Agent(rig.port, files))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert details.startswith("certificate: ")
    assert len([line for line in caplog.messages if "refused" in line]) == 1
    assert rig.server.statistics()["streams_refused_total"] == 1
    assert rig.store.kept == {}


async def test_a_second_collector_on_the_same_port_is_refused_in_one_line(rig: Rig) -> None:
    second = IngestServer(rig.store, rig.authority.collector_files([]), rig.clock)
    with pytest.raises(IngestError) as caught:
        await second.start(f"127.0.0.1:{rig.port}")
    text = str(caught.value)
    assert f"127.0.0.1:{rig.port}" in text
    assert "already in use" in text
    assert "--grpc" in text
    assert "\n" not in text
    async with rig.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now())))
        await agent.acked(1)


@pytest.mark.parametrize("address", ["localhost:0", "[::1]:0"])
async def test_an_address_is_a_name_or_a_number_of_either_kind(rig: Rig, address: str) -> None:
    server = IngestServer(rig.store, rig.authority.collector_files([]), rig.clock)
    port = await server.start(address)
    files = rig.authority.issue_host("web-1")
    async with Agent(port, files, host=address.removesuffix(":0")) as agent:
        assert (await agent.hello()).welcome.window == 16
    await server.stop(1.0)


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no.such.name.invalid:0", "nonsense"])
async def test_an_address_that_is_not_this_machines_is_refused_in_one_line(
    rig: Rig, address: str
) -> None:
    server = IngestServer(rig.store, rig.authority.collector_files([]), rig.clock)
    with pytest.raises(IngestError) as caught:
        await server.start(address)
    assert address in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_certificates_that_are_not_there_are_one_line(rig: Rig, tmp_path: Path) -> None:
    missing = Files(tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises(IngestError, match=r"ca\.pem: cannot be read"):
        await IngestServer(rig.store, missing, rig.clock).start("127.0.0.1:0")


async def test_a_stopped_server_frees_its_port_and_stops_twice(rig: Rig) -> None:
    server = IngestServer(rig.store, rig.authority.collector_files([]), rig.clock)
    port = await server.start("127.0.0.1:0")
    await server.stop(1.0)
    await server.stop(1.0)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


async def test_garbage_on_the_port_disturbs_nobody(rig: Rig) -> None:
    async with await anyio.connect_tcp("127.0.0.1", rig.port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\n\r\n")
    async with rig.agent() as agent:
        assert (await agent.hello()).welcome.window == 4


async def test_an_agent_behind_a_network_that_went_dead_is_let_go(authority: Authority) -> None:
    store = MemoryStore()
    settings = IngestSettings(keepalive_seconds=0.5, keepalive_timeout_seconds=0.5)
    server = IngestServer(store, authority.collector_files([]), HandClock(), settings)
    proxy = Proxy(await server.start("127.0.0.1:0"))
    try:
        async with Agent(proxy.port, authority.issue_host("web-1")) as agent:
            await agent.hello()
            assert server.statistics()["agents_connected"] == 1
            # No end of the connection reaches the collector: only its pings go unanswered.
            proxy.hold()
            await until(lambda: server.statistics()["agents_connected"] == 0)
    finally:
        proxy.close()
        await server.stop(1.0)
        store.close()
