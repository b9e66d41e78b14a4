"""Credentials that are wrong in twenty ways: each refused, in the audit log, and diagnosed."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from headroom_collector.bench import security_parts as parts
from headroom_collector.bench.report import Figure
from headroom_collector.bench.security_parts import DAY, Rig, write
from headroom_collector.security.audit import QUIET_SECONDS
from headroom_collector.tls import Authority, Files, Pair
from headroom_core.identity import uri_of
from headroom_proto.v1 import telemetry_pb2, telemetry_pb2_grpc


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault. ``audit`` and ``says`` are words of the audit line and of the diagnosis.

    ``attempt`` tries and returns whether it was refused, and the diagnosis.
    """

    name: str
    audit: str
    says: str
    attempt: Callable[[Rig, Path], tuple[bool, str]]


def _uri(*uris: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(uri) for uri in uris]


def _stream(make: Callable[[Rig, Path], Files]) -> Callable[[Rig, Path], tuple[bool, str]]:
    def attempt(rig: Rig, folder: Path) -> tuple[bool, str]:
        files = make(rig, folder)
        return parts.refused(rig.grpc, files), parts.diagnosis(rig.grpc, files)

    return attempt


def _odd(
    *names: x509.GeneralName,
    by: timedelta = timedelta(),
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Callable[[Rig, Path], tuple[bool, str]]:
    def make(rig: Rig, folder: Path) -> Files:
        pair = parts.signed(rig.authority(by), names or _uri(uri_of("web-1")), usage)
        return write(folder, pair, rig.authority().trusted())

    return _stream(make)


def _none(rig: Rig, folder: Path) -> tuple[bool, str]:
    files = rig.authority().issue_host("web-1")
    refused = parts.refused(rig.grpc, files, certified=False)
    folder.mkdir()
    (folder / "ca.pem").write_bytes(files.ca.read_bytes())
    bare = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    return refused, parts.diagnosis(rig.grpc, bare)


def _other(rig: Rig, folder: Path) -> Files:
    stranger = Authority.open(folder / "stranger", parts.Shifted(timedelta()))
    pair = parts.signed(stranger, _uri(uri_of("web-1")))
    return write(folder / "agent", pair, rig.authority().trusted())


def _alone(rig: Rig, folder: Path) -> Files:
    return write(folder, parts.alone("web-1"), rig.authority().trusted())


def _issued(rig: Rig, folder: Path, host: str) -> tuple[Files, Pair]:
    pair = parts.signed(rig.authority(), _uri(uri_of(host)))
    return write(folder, pair, rig.authority().trusted()), pair


def _denied(rig: Rig, folder: Path) -> Files:
    files, _ = _issued(rig, folder, "denied-1")
    rig.post("denied", {"what": "host", "value": "denied-1", "reason": "bench"})
    return files


def _revoked(rig: Rig, folder: Path) -> Files:
    files, pair = _issued(rig, folder, "revoked-1")
    rig.post("denied", {"what": "serial", "value": f"{pair.cert.serial_number:x}"})
    return files


def _streaming(rig: Rig, folder: Path) -> tuple[bool, str]:
    """Revoke a host whose stream is open."""
    files, _ = _issued(rig, folder, "open-1")
    hello = telemetry_pb2.Hello(epoch=bytes(16), first_seq=1, next_seq=1, interval_seconds=10)

    def requests() -> Iterator[telemetry_pb2.PushRequest]:
        yield telemetry_pb2.PushRequest(hello=hello)
        time.sleep(parts.WAIT_SECONDS)

    refused = False
    with parts.channel(rig.grpc, files) as channel:
        call = telemetry_pb2_grpc.TelemetryServiceStub(channel).Push(requests())
        next(call)
        rig.post("denied", {"what": "host", "value": "open-1"})
        try:
            next(call)
        except grpc.RpcError as error:
            refused = isinstance(error, grpc.Call) and (
                error.code() is grpc.StatusCode.UNAUTHENTICATED
            )
    return refused, parts.diagnosis(rig.grpc, files)


def _token(rig: Rig, folder: Path, host: str, ttl: float = 3600.0) -> tuple[Path, str]:
    made = rig.post("enrol-tokens", {"host": host, "ttl_seconds": ttl})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "token"
    path.write_text(made["token"])
    return path, made["fingerprint"]


def _enrol(rig: Rig, token: Path, fingerprint: str, folder: Path, *more: str) -> tuple[bool, str]:
    flags = ["--collector", rig.grpc, "--token-file", str(token), "--tls", str(folder / "tls")]
    done = parts.agent("enrol", *flags, "--ca-fingerprint", fingerprint, *more)
    return done.returncode != 0 and not (folder / "tls" / "cert.pem").exists(), done.stderr


def _reused(rig: Rig, folder: Path) -> tuple[bool, str]:
    token, fingerprint = _token(rig, folder, "web-2")
    first, said = _enrol(rig, token, fingerprint, folder / "first")
    if first:
        raise parts.BenchError(f"a good token was refused: {said}")
    return _enrol(rig, token, fingerprint, folder / "second")


def _late(rig: Rig, folder: Path) -> tuple[bool, str]:
    token, fingerprint = _token(rig, folder, "web-3", 1.0)
    # Another peer of this address was refused for the same reason: the audit log tells of it once
    # in so many seconds.
    time.sleep(QUIET_SECONDS + 1.0)
    return _enrol(rig, token, fingerprint, folder)


def _elsewhere(rig: Rig, folder: Path) -> tuple[bool, str]:
    token, fingerprint = _token(rig, folder, "web-4")
    return _enrol(rig, token, fingerprint, folder, "--name", "db-1")


def _guessed(rig: Rig, folder: Path) -> tuple[bool, str]:
    token, fingerprint = _token(rig, folder, "web-5")
    token.write_text(re.sub(r"(?m)^secret: .*$", "secret: " + "A" * 43, token.read_text()))
    return _enrol(rig, token, fingerprint, folder)


def _as_host(rig: Rig, folder: Path) -> Files:
    """Return a token's own certificate, put where a host's should be."""
    token, _ = _token(rig, folder, "web-6")
    blocks = re.findall(
        r"(-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n)", token.read_text(), re.DOTALL
    )
    files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    files.cert.write_text(blocks[0])
    files.key.touch(mode=0o600)
    files.key.write_text(blocks[1])
    files.ca.write_text(blocks[2])
    return files


ONE = "expected exactly one URI SAN"
FAULTS: tuple[Fault, ...] = (
    Fault("none", "no client certificate", "No such file or directory", _none),
    Fault(
        "other-authority",
        "issuer certificate",
        "another authority|not in the CA file",
        _stream(_other),
    ),
    Fault("expired", "certificate has expired", "expired on", _odd(by=-8 * DAY)),
    Fault("not-yet-valid", "not yet valid", "clock right", _odd(by=8 * DAY)),
    Fault("self-signed", "self.signed", "signed by itself|not in the CA file", _stream(_alone)),
    Fault(
        "server-only",
        "certificate purpose",
        "lacks clientAuth",
        _odd(usage=ExtendedKeyUsageOID.SERVER_AUTH),
    ),
    Fault("no-uri", f"{ONE}.*found 0", f"{ONE}.*found 0", _odd(x509.DNSName("web-1"))),
    Fault("other-scheme", ONE, ONE, _odd(*_uri("spiffe://estate/host/web-1"))),
    Fault(
        "two-hosts",
        f"{ONE}.*found 2",
        f"{ONE}.*found 2",
        _odd(*_uri(uri_of("web-1"), uri_of("web-2"))),
    ),
    Fault(
        "two-schemes",
        f"{ONE}.*found 2",
        f"{ONE}.*found 2",
        _odd(*_uri(uri_of("web-1"), "spiffe://a/b")),
    ),
    Fault("wrong-name", "host name", "host name", _odd(*_uri("headroom://estate/host/..%2Fup"))),
    Fault(
        "collectors-name",
        "host name",
        "host name",
        _odd(*_uri("headroom://estate/host/_collector")),
    ),
    Fault("token-as-host", ONE, ONE, _stream(_as_host)),
    Fault("denied-host", "denied-1 is denied", "denied-1 is denied: bench", _stream(_denied)),
    Fault("revoked-serial", "is revoked", "is revoked", _stream(_revoked)),
    Fault("revoked-while-streaming", "open-1 is denied", "open-1 is denied", _streaming),
    Fault("token-reused", "used before", "used before", _reused),
    Fault("token-expired", "certificate has expired", "the token was good until", _late),
    Fault("token-for-another", "not for db-1", "for web-4, not for db-1", _elsewhere),
    Fault("token-guessed", "wrong secret", "wrong secret", _guessed),
)


def figures(*, short: bool) -> Iterator[Figure]:  # noqa: ARG001 - as long in both forms
    """Try every fault on a real collector with real mutual TLS."""
    refused, audited, diagnosed, missed = 0, 0, 0, []
    with TemporaryDirectory() as folder, parts.running(Path(folder)) as rig:
        for fault in FAULTS:
            rig.mark()
            was, said = fault.attempt(rig, Path(folder) / fault.name)
            noted, right = rig.audited(fault.audit), bool(re.search(fault.says, said, re.DOTALL))
            refused, audited, diagnosed = refused + was, audited + noted, diagnosed + right
            if not (was and noted and right):
                missed.append(
                    f"{fault.name}: refused {was}, audited {noted}, diagnosed {right}: {said[:300]}"
                )
    why = {"missed": "; ".join(missed)} if missed else {}
    for metric, value in (
        ("tried", len(FAULTS)),
        ("refused", refused),
        ("audited", audited),
        ("diagnosed", diagnosed),
    ):
        yield Figure("security", "credentials", metric, value, "count", skipped=why)
