"""Peer: who is at the other end of a gRPC connection, off the certificate it showed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cryptography import x509

from headroom_core.identity import IdentityError, enrolment_of, host_of


@dataclass(frozen=True, slots=True)
class Peer:
    """
    One end of a connection that gRPC let in: its certificate is of the authority and in force.

    ``serial`` in hexadecimal digits, ``expires`` in UTC nanoseconds; 0 where gRPC does not tell.
    """

    address: str
    uris: tuple[str, ...]
    serial: str = ""
    expires: int = 0

    def host(self) -> str:
        """Return the host that it is; raises IdentityError."""
        return host_of(self.uris)

    def enrolment(self) -> str:
        """Return the enrolment token that it was given; raises IdentityError."""
        return enrolment_of(self.uris)


AuthContext = Mapping[str, Iterable[bytes]]


def address_of(peer: str) -> str:
    """Return gRPC's name of a peer as HOST:PORT."""
    return unquote(peer).partition(":")[2] or peer


def peer_of(auth: AuthContext, address: str) -> Peer:
    """Read what gRPC says of a connection; raises IdentityError where that is no certificate."""
    uris = tuple(uri.decode("utf-8", "replace") for uri in auth.get("peer_uri", ()))
    pem = next(iter(auth.get("x509_pem_cert", ())), b"")
    if not pem:
        return Peer(address_of(address), uris)
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise IdentityError("a certificate that cannot be read") from None
    expires = round(certificate.not_valid_after_utc.timestamp()) * 1_000_000_000
    return Peer(address_of(address), uris, f"{certificate.serial_number:x}", expires)
