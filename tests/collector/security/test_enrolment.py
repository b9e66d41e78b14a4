"""Enrolment and renewal over real mutual TLS: who gets a certificate, which one, and who does not."""

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from rigs.enrolment import EnrolRig, enrolling, request
from rigs.ingest import Agent, batch, cycle

from headroom_collector.tls import Authority
from headroom_collector.tls_change import begin, finish, forget
from headroom_core.identity import uri_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig(tmp_path: Path, anyio_backend: str) -> AsyncIterator[EnrolRig]:
    async with enrolling(tmp_path) as made:
        yield made


async def test_a_token_gives_a_certificate_for_seven_days_and_one_host(rig: EnrolRig) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    answer = await rig.enrol(await rig.token("web-1"), csr=request(key)[1])
    assert answer.host == "web-1"
    made = x509.load_pem_x509_certificate(answer.issued.certificate.encode())
    assert made.public_key() == key.public_key()
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=7, hours=1)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier(uri_of("web-1"))]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert answer.issued.authorities.encode() == rig.authority.trusted()


async def test_an_enrolled_host_sends_and_renews(rig: EnrolRig) -> None:
    files = await rig.enrolled("web-1")
    again = await rig.renewed(files, "web-1")
    async with Agent(rig.port, again) as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(rig.clock.now(), cpu_utilisation_ratio=0.5)))
        await agent.acked(1)
    assert [host.name for host in rig.store.hosts()] == ["web-1"]
    assert [one.how for one in rig.identity.ledger.certificates("web-1")] == ["enrol", "renew"]


async def refused(rig: EnrolRig, **asked: object) -> str:
    token = asked.pop("token")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rig.enrol(token, **asked)  # type: ignore[arg-type]
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    return str(caught.value.details())


async def test_a_token_is_good_once(rig: EnrolRig, caplog: pytest.LogCaptureFixture) -> None:
    token = await rig.token("web-1")
    await rig.enrol(token)
    with caplog.at_level(logging.WARNING, "headroom.audit"):
        assert "web-1 used before" in await refused(rig, token=token)
    assert caplog.messages[0].startswith("audit: refused enrol peer=127.0.0.1:")
    assert token.secret.decode() not in caplog.text


async def test_of_many_that_use_a_token_at_once_one_gets_a_certificate(rig: EnrolRig) -> None:
    token, good = await rig.token("web-*"), []

    async def attempt(number: int) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            good.append((await rig.enrol(token, f"web-{number}")).host)

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(attempt, number)
    assert len(good) == 1


async def test_a_token_is_for_its_host(rig: EnrolRig) -> None:
    token = await rig.token("web-1")
    assert "for web-1, not for db-1" in await refused(rig, token=token, host="db-1")
    pattern = await rig.token("web-*")
    assert "say --name NAME" in await refused(rig, token=pattern)
    assert "not for db-1" in await refused(rig, token=pattern, host="db-1")
    assert "host name" in await refused(rig, token=pattern, host="web-1/../db")
    assert (await rig.enrol(pattern, "web-7")).host == "web-7"
    assert (await rig.enrol(token)).host == "web-1"


async def test_a_token_ends_at_its_time(rig: EnrolRig) -> None:
    token = await rig.token("web-1", 60.0)
    rig.clock.ahead = 61.0
    assert "has expired" in await refused(rig, token=token)


async def test_guesses_open_nothing(rig: EnrolRig) -> None:
    token = await rig.token("web-1")
    for guess in (b"", b"x", token.secret[:-1], token.secret + b"x", b"\xff" * 40):
        assert "wrong secret" in await refused(rig, token=token, secret=guess)
    assert (await rig.enrol(token)).host == "web-1"


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP521R1()])
async def test_a_key_of_another_kind_is_refused_and_the_token_stays_good(
    rig: EnrolRig, curve: ec.EllipticCurve
) -> None:
    token = await rig.token("web-1")
    key = ec.generate_private_key(curve)
    assert "a key that is neither" in await refused(rig, token=token, csr=request(key)[1])
    weak = rsa.generate_private_key(65537, 1024)
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    der = csr.sign(weak, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert "a key that is neither" in await refused(rig, token=token, csr=der)
    broken = bytearray(request()[1])
    broken[-1] ^= 1
    assert "certificate request" in await refused(rig, token=token, csr=bytes(broken))
    assert "cannot be read" in await refused(rig, token=token, csr=b"\x30\x00")
    assert "of 9000 bytes" in await refused(rig, token=token, csr=b"x" * 9000)
    assert (await rig.enrol(token)).host == "web-1"


async def test_a_tokens_certificate_can_do_nothing_but_enrol(rig: EnrolRig) -> None:
    token = await rig.token("web-1")
    files = rig.write("x", token.authorities[0].decode(), token.cert.decode(), token.key)
    async with Agent(rig.port, files) as agent:
        with pytest.raises((grpc.aio.AioRpcError, pytest.fail.Exception)):
            await agent.hello()
        assert (await agent.ended())[0] is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rig.renewed(files, "x")
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_hosts_certificate_cannot_enrol_and_renews_its_own_name_only(
    rig: EnrolRig,
) -> None:
    files = await rig.enrolled("web-1")
    pems = [path.read_bytes() for path in (files.cert, files.key, files.ca)]
    token = await rig.token("web-2")
    posing = type(token)(token.secret, pems[0], pems[1], token.authorities)
    assert "URI SAN" in await refused(rig, token=posing)
    again = await rig.renewed(files, "web-1")
    made = x509.load_pem_x509_certificate(again.cert.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier(uri_of("web-1"))]


async def test_who_is_denied_gets_in_no_more_and_is_thrown_out(
    rig: EnrolRig, caplog: pytest.LogCaptureFixture
) -> None:
    files = await rig.enrolled("web-1")
    async with Agent(rig.port, files) as agent:
        await agent.hello()
        with caplog.at_level(logging.WARNING):
            await rig.identity.ledger.deny("host", "web-1", "stolen", "")
            code, details = await agent.ended()
        assert code is grpc.StatusCode.UNAUTHENTICATED
        assert details == "host web-1 is denied: stolen"
    async with Agent(rig.port, files) as agent:
        with pytest.raises((grpc.aio.AioRpcError, pytest.fail.Exception)):
            await agent.hello()
    with pytest.raises(grpc.aio.AioRpcError, match="denied: stolen"):
        await rig.renewed(files, "web-1")
    assert "denied" in await refused(rig, token=await rig.token("web-1"))
    assert await rig.identity.ledger.allow("host", "web-1")
    async with Agent(rig.port, files) as agent:
        await agent.hello()


async def test_one_certificate_can_be_revoked(rig: EnrolRig) -> None:
    files = await rig.enrolled("web-1")
    other = await rig.renewed(files, "web-1")
    serial = x509.load_pem_x509_certificate(files.cert.read_bytes()).serial_number
    spelled = f"{serial:040X}"
    await rig.identity.ledger.deny(
        "serial", ":".join(spelled[i : i + 2] for i in range(0, 40, 2)), "", ""
    )
    with pytest.raises(grpc.aio.AioRpcError, match="is revoked"):
        await rig.renewed(files, "web-1")
    async with Agent(rig.port, other) as agent:
        await agent.hello()


async def test_a_stream_ends_with_its_certificate(rig: EnrolRig) -> None:
    async with Agent(rig.port, await rig.enrolled("web-1")) as agent:
        await agent.hello()
        rig.clock.ahead = 8 * 86_400.0
        await agent.send(batch(1, cycle(rig.clock.now())))
        code, details = await agent.ended()
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert details.endswith("has expired")


async def test_deny_list_and_used_tokens_outlive_a_restart(
    tmp_path: Path, anyio_backend: str
) -> None:
    async with enrolling(tmp_path) as rig:
        token = await rig.token("web-1")
        await rig.enrol(token)
        await rig.identity.ledger.deny("host", "web-2", "", "")
    async with enrolling(tmp_path) as rig:
        assert "used before" in await refused(rig, token=token)
        assert rig.identity.ledger.denied("web-2", "") == "host web-2 is denied"


async def test_with_certificates_of_another_authority_nobody_enrols(
    tmp_path: Path, anyio_backend: str
) -> None:
    async with enrolling(tmp_path, issues=False) as rig:
        files = rig.authority.issue_host("web-1")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rig.renewed(files, "web-1")
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "another authority" in str(caught.value.details())


async def test_a_second_agent_of_the_same_name_is_refused(
    rig: EnrolRig, caplog: pytest.LogCaptureFixture
) -> None:
    files = await rig.enrolled("web-1")
    async with Agent(rig.port, files) as first, Agent(rig.port, files) as second:
        await first.hello()
        with caplog.at_level(logging.WARNING, "headroom.audit"):
            with pytest.raises((grpc.aio.AioRpcError, pytest.fail.Exception)):
                await second.hello(epoch=bytes(16))
            code, details = await second.ended()
        assert code is grpc.StatusCode.ALREADY_EXISTS
        assert details.startswith("another agent speaks as web-1 now")
        assert "host=web-1" in caplog.messages[0]
        await first.send(batch(1, cycle(rig.clock.now())))
        await first.acked(1)
        assert rig.server.statistics()["identity_conflicts_total"] == 1
    async with Agent(rig.port, files) as second:
        await second.hello(epoch=bytes(16))


async def test_an_authority_is_changed_in_steps_while_agents_renew(
    rig: EnrolRig, tmp_path: Path
) -> None:
    folder, clock = tmp_path / "tls", rig.clock
    files = await rig.enrolled("web-1")
    old = rig.authority.certificate
    assert "beside the present one" in begin(folder, clock)
    files = await rig.renewed(files, "web-1")
    assert files.ca.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert "the new authority issues" in finish(folder, clock)
    new = Authority.open(folder, clock)
    assert new.certificate != old
    new.collector_files([])  # as the collector's restart does
    async with Agent(rig.port, files) as agent:  # of the old authority, trusting both
        await agent.hello()
    issued = new.issue_host("web-2")
    async with Agent(rig.port, issued) as agent:
        await agent.hello()
    assert "trusted no more" in forget(folder, clock)
    async with Agent(rig.port, files) as agent:
        with pytest.raises((grpc.aio.AioRpcError, pytest.fail.Exception)):
            await agent.hello()
    async with Agent(rig.port, issued) as agent:
        await agent.hello()
