"""
``headroom-agent enrol`` and ``renew``: the host's first certificate for a token, and the next ones.

Both run as processes of their own, over grpcio, of which the service carries nothing.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from headroom_agent.enrol.files import CertificateError, Files, blocks, der, validity
from headroom_agent.enrol.keys import new_request
from headroom_agent.wire.grpcio import OPTIONS, explain, settle_down
from headroom_proto.v1.enrolment_pb2 import (
    EnrolRequest,
    Issued,
    RenewRequest,
    WhoAmIRequest,
    WhoAmIResponse,
)
from headroom_proto.v1.enrolment_pb2_grpc import EnrolmentServiceStub

CALL_SECONDS = 30.0
LOOK_SECONDS = 5.0
SECRET = re.compile(rb"^secret: (\S+)\s*$", re.MULTILINE)
TOKEN_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Token:
    """What an enrolment token holds; everything but the secret in PEM."""

    secret: bytes
    cert: bytes
    key: bytes
    authorities: tuple[bytes, ...]


def read_token(path: Path) -> Token:
    """Read a token's file; raises CertificateError."""
    try:
        with path.open("rb") as file:
            text = file.read(TOKEN_BYTES)
    except OSError as error:
        raise CertificateError(
            f"{path}: cannot be read: {error.strerror}; --token-file FILE"
        ) from None
    secret = SECRET.search(text)
    keys, certificates = blocks(text, "PRIVATE KEY"), blocks(text, "CERTIFICATE")
    if secret is None or not keys or len(certificates) < 2:
        raise CertificateError(
            f"{path}: is no enrolment token: `headroom enrol-token create --host NAME` on the"
            " collector prints one"
        )
    return Token(secret[1], certificates[0], keys[0], tuple(certificates[1:]))


def pick(authorities: tuple[bytes, ...], fingerprint: str, path: Path) -> bytes:
    """Return the authority with that SHA-256 fingerprint; raises CertificateError."""
    wanted = fingerprint.lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise CertificateError(
            f"--ca-fingerprint {fingerprint}: expected sha256: and 64 hexadecimal digits, as"
            " `headroom certificate authority` prints on the collector"
        )
    found = []
    for pem in authorities:
        try:
            found.append(hashlib.sha256(der(pem)).hexdigest())
        except ValueError:
            continue
        if found[-1] == wanted:
            return pem
    raise CertificateError(
        f"{path}: its authority has the fingerprint sha256:{found[0] if found else 'none'}, not the"
        " one given: the token is not of that collector, or was tampered with: do not use it"
    )


@contextmanager
def _service(
    collector: str, authorities: bytes, cert: bytes, key: bytes
) -> Iterator[EnrolmentServiceStub]:
    """Lend the collector's service; what it refuses comes out as CertificateError."""
    settle_down()
    credentials = grpc.ssl_channel_credentials(authorities, key, cert)
    with grpc.secure_channel(collector, credentials, options=OPTIONS) as channel:
        try:
            yield EnrolmentServiceStub(channel)
        except grpc.RpcError as error:
            raise CertificateError(f"collector {collector}: {_reason(error)}") from None


def _put(files: Files, issued: Issued, key: bytes) -> None:
    files.put(issued.authorities.encode(), issued.certificate.encode(), key)


def enrol(collector: str, token_file: Path, fingerprint: str, name: str, files: Files) -> str:
    """Get the first certificate and put it in place; returns the host's name. Raises CertificateError."""
    token = read_token(token_file)
    authority = pick(token.authorities, fingerprint, token_file)
    key, request = new_request()
    wish = EnrolRequest(secret=token.secret, host=name, csr=request)
    try:
        with _service(collector, authority, token.cert, token.key) as service:
            answer = service.Enrol(wish, timeout=CALL_SECONDS)
    except CertificateError as error:
        raise _over(token, token_file) or error from None
    _put(files, answer.issued, key)
    return str(answer.host)


def _over(token: Token, path: Path) -> CertificateError | None:
    """Return what is wrong with a token's dates, which a collector cannot tell; None where nothing."""
    times, now = validity(token.cert), datetime.now(UTC)
    if times is None or times[0] <= now < times[1]:
        return None
    return CertificateError(
        f"{path}: the token was good until {times[1]:%Y-%m-%d %H:%M} UTC and it is"
        f" {now:%Y-%m-%d %H:%M} here: make another, if this host's clock is right"
    )


def renew(collector: str, files: Files) -> None:
    """Get the next certificate with the one that is there. Raises CertificateError."""
    try:
        files.finish()
        pems = [path.read_bytes() for path in (files.ca, files.cert, files.key)]
    except OSError as error:
        raise CertificateError(f"{error.filename}: cannot be read: {error.strerror}") from None
    key, request = new_request()
    with _service(collector, *pems) as service:
        answer = service.Renew(RenewRequest(csr=request), timeout=CALL_SECONDS)
        _put(files, answer.issued, key)


def who_am_i(collector: str, files: Sequence[Path]) -> WhoAmIResponse | None:
    """Return what the collector makes of CA, certificate and key; None where it does not say."""
    try:
        ca, cert, key = (path.read_bytes() for path in files)
        with _service(collector, ca, cert, key) as service:
            found: WhoAmIResponse = service.WhoAmI(WhoAmIRequest(), timeout=LOOK_SECONDS)
            return found
    except (OSError, CertificateError):
        return None


FINAL = {
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNAUTHENTICATED,
}


def _reason(error: grpc.RpcError) -> str:
    code = error.code() if isinstance(error, grpc.Call) else None
    if code in FINAL:
        return str(error.details())
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return "is of a version without enrolment: upgrade it, or use `headroom certificate issue`"
    return explain(error)
