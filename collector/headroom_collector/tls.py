"""File authority: makes and renews the certificates of collector and hosts in one folder."""

import contextlib
import fcntl
import ipaddress
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from headroom_core.clock import Clock
from headroom_core.identity import COLLECTOR_NAME, check_name, uri_of

log = logging.getLogger(__name__)

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)
"""Below the 398 days that TLS libraries accept of a server."""
RENEW_BEFORE = timedelta(days=132)
"""A third of a leaf's life: a collector that starts every few months never serves an old one."""
CLOCK_SKEW = timedelta(hours=1)
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - named to be left out of certificates

NEXT, PREVIOUS = "ca-next.pem", "ca-previous.pem"

Names = Sequence[x509.GeneralName]


class TlsError(Exception):
    """Certificates that cannot be made or used; the text is one line."""


@dataclass(frozen=True, slots=True)
class Files:
    """What one side of a connection needs, as PEM files."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key in PEM, without a pass phrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Put a whole file in place, durable, or leave the old one. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second process out while files are made; the kernel frees the lock with us."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def as_tls_error(folder: Path) -> Iterator[None]:
    """Have what fails on the disk come out as TlsError."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise TlsError(
            f"{where}: {error.strerror}; certificates are kept in {folder}, which the collector's"
            f" user must be able to read and write"
        ) from None


def load_pair(cert: Path, key: Path) -> Pair:
    """Read a certificate and its key. Raises OSError, and ValueError where they are damaged."""
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    except ValueError:
        raise ValueError(f"{cert}: is no certificate in PEM format") from None
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{key}: is no private key in PEM format") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key}: is no elliptic-curve key")  # noqa: TRY004 - the file is at fault
    if private.public_key() != certificate.public_key():
        raise ValueError(f"{key}: does not belong to {cert}")
    return Pair(certificate, private)


PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def _builder(name: str, key: PublicKey, now: datetime, life: timedelta) -> x509.CertificateBuilder:
    # A common name has at most 64 characters (RFC 5280, ub-common-name); only the SAN counts.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_authority(now: datetime) -> Pair:
    """Return a new authority, good from ``now`` on."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("Headroom authority", key.public_key(), now, CA_LIFE)
    cert = (
        builder.issuer_name(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Headroom authority")])
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(cert, key)


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError:
        raise TlsError(
            f"{text!r}: expected an address or an ASCII host name to listen on"
        ) from None


def _server_names(hosts: Sequence[str]) -> Names:
    wanted = [COLLECTOR_NAME, "localhost", "127.0.0.1", "::1", *hosts]
    return [_address(name) for name in dict.fromkeys(wanted) if name not in WILDCARDS]


class Authority:
    """
    Certificate authority of one estate, kept in a folder of the collector.

    The folder has mode 0700 and every key 0600. ``ca.pem`` and ``ca.key`` are the authority,
    ``collector/`` and ``hosts/NAME/`` what it issued. All is EC P-256.
    """

    def __init__(self, folder: Path, ca: Pair, clock: Clock) -> None:
        self.folder = folder
        self._ca = ca
        self._clock = clock

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "Authority":
        """Open the authority in ``folder``, or make it on first use. Raises TlsError."""
        with as_tls_error(folder):
            _folder(folder)
            with locked(folder):
                return cls(folder, cls._read_or_make(folder, clock), clock)

    @staticmethod
    def _read_or_make(folder: Path, clock: Clock) -> Pair:
        cert, key = folder / "ca.pem", folder / "ca.key"
        now = datetime.fromtimestamp(clock.now() / 1e9, UTC)
        if cert.exists():
            try:
                pair = load_pair(cert, key)
            except (ValueError, FileNotFoundError) as error:
                what = error if isinstance(error, ValueError) else f"{key}: is missing"
                raise TlsError(
                    f"{what}; restore {cert} and {key} from a backup, or remove {folder} to begin"
                    f" with a new authority (every agent then needs new certificates)"
                ) from None
            if pair.cert.not_valid_after_utc <= now:
                raise TlsError(f"{cert}: expired; remove {folder} to begin with a new authority")
            return pair
        made = make_authority(now)
        # The key first: without its certificate it was never used, and is made anew.
        write_file(key, key_pem(made.key), 0o600)
        write_file(cert, made.cert.public_bytes(serialization.Encoding.PEM), 0o644)
        return made

    def collector_files(self, hosts: Sequence[str]) -> Files:
        """
        Return the collector's certificate, made or renewed where needed. Raises TlsError.

        It is good for ``hosts`` (names or addresses it listens on), for this machine, and for
        COLLECTOR_NAME, which agents check whatever address they dial.
        """
        names = _server_names(hosts)
        folder = self.folder / "collector"
        return self._issue(folder, COLLECTOR_NAME, names, ExtendedKeyUsageOID.SERVER_AUTH)

    def issue_host(self, name: str) -> Files:
        """
        Return a host's certificate, made or renewed where needed, in ``hosts/NAME``.

        Raises TlsError, and IdentityError where ``name`` cannot name a host.
        """
        names = [x509.UniformResourceIdentifier(uri_of(name))]
        folder = self.folder / "hosts" / check_name(name)
        return self._issue(folder, name, names, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(self, folder: Path, name: str, names: Names, usage: x509.ObjectIdentifier) -> Files:
        files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        ca_pem = self.trusted()
        with as_tls_error(self.folder), locked(self.folder):
            _folder(folder)
            if not (files.ca.exists() and files.ca.read_bytes() == ca_pem):
                write_file(files.ca, ca_pem, 0o644)
            if not self._usable(files, names):
                pair = self._sign(name, names, usage)
                write_file(files.key, key_pem(pair.key), 0o600)
                write_file(files.cert, pair.cert.public_bytes(serialization.Encoding.PEM), 0o644)
        return files

    def _usable(self, files: Files, names: Names) -> bool:
        """Whether what is there can stay; what is damaged is said and made anew."""
        try:
            cert = load_pair(files.cert, files.key).cert
            cert.verify_directly_issued_by(self._ca.cert)
            found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except FileNotFoundError:
            return False
        except InvalidSignature:
            log.warning("%s: is of another authority; made anew", files.cert)
            return False
        except (ValueError, x509.ExtensionNotFound) as error:
            log.warning("%s; made anew", error)
            return False
        return set(found) == set(names) and cert.not_valid_after_utc - self._now() > RENEW_BEFORE

    def _sign(self, name: str, names: Names, usage: x509.ObjectIdentifier) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        return Pair(self.certify(name, key.public_key(), names, usage, LEAF_LIFE), key)

    def certify(
        self,
        name: str,
        key: PublicKey,
        names: Names,
        usage: x509.ObjectIdentifier,
        life: timedelta,
    ) -> x509.Certificate:
        """Return a certificate for somebody's key, for so long; nothing is kept of it."""
        return (
            _builder(name, key, self._now(), life)
            .issuer_name(self._ca.cert.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(self._authority_id(), critical=False)
            .sign(self._ca.key, hashes.SHA256())
        )

    def trusted(self) -> bytes:
        """
        Return every authority whose certificates count, in PEM, one after the other.

        Beside this one the next, made ready by `headroom certificate authority next`, and the one
        before, until it is forgotten. Raises OSError.
        """
        own = self._ca.cert.public_bytes(serialization.Encoding.PEM)
        others = (self.folder / name for name in (NEXT, PREVIOUS))
        return own + b"".join(path.read_bytes() for path in others if path.exists())

    def issued(self, cert: Path, key: Path, host: str) -> bool:
        """Whether these files hold a certificate of this authority for that host, in force."""
        try:
            pair = load_pair(cert, key)
            pair.cert.verify_directly_issued_by(self._ca.cert)
            found = pair.cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (OSError, ValueError, InvalidSignature, x509.ExtensionNotFound):
            return False
        names = {x509.UniformResourceIdentifier(uri_of(host))}
        return set(found) == names and pair.cert.not_valid_after_utc > self._now() + CLOCK_SKEW

    def refresh(self) -> None:
        """Have the collector trust what ``trusted`` says now. Raises TlsError."""
        path = self.folder / "collector" / "ca.pem"
        with as_tls_error(self.folder):
            if path.exists():
                write_file(path, self.trusted(), 0o644)

    @property
    def certificate(self) -> x509.Certificate:
        """The authority's own certificate."""
        return self._ca.cert

    def _authority_id(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca.key.public_key())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now() / 1e9, UTC)
