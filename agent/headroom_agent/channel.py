"""Where the collector is, the certificates to meet it with, and how long its silence is borne."""

from dataclasses import dataclass, replace
from pathlib import Path


class TlsFilesError(Exception):
    """The certificate files cannot be used; one line that names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Seconds without traffic after which a collector is asked, and it has for its answer."""

    idle_seconds: float = 20.0
    answer_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    Where the collector is, HOST:PORT, and the PEM files to meet it with.

    Several collectors are separated by commas; ``each`` gives them one by one.
    """

    address: str
    ca: Path
    cert: Path
    key: Path
    keepalive: Keepalive = Keepalive()

    def each(self) -> "list[Endpoint]":
        """Return an endpoint a collector, in their order."""
        return [replace(self, address=part.strip()) for part in self.address.split(",")]

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The address in two; an IPv6 one without its brackets."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)

    def pems(self) -> tuple[bytes, bytes, bytes]:
        """Read CA certificate, own certificate and key, anew each time; raises TlsFilesError."""
        return _pem(self.ca, "--ca"), _pem(self.cert, "--cert"), _pem(self.key, "--key")


def _pem(path: Path, flag: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TlsFilesError(
            f"{path}: cannot be read: {error.strerror}; {flag} FILE or --tls DIR says where it is"
        ) from None
    if b"-----BEGIN " not in data:
        raise TlsFilesError(f"{path}: is no PEM file; {flag} FILE or --tls DIR takes another")
    return data
