"""Issuer: certificates for keys that hosts made themselves, and for enrolment tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from headroom_collector.security.access import RefusedError
from headroom_collector.security.enrol_tokens import EnrolToken
from headroom_collector.tls import Authority, PublicKey
from headroom_core.identity import ENROL_PREFIX, uri_of

HOST_LIFE = timedelta(days=7)
REQUEST_BYTES = 8_192
CURVES = ("secp256r1", "secp384r1")
RSA_BITS = range(2048, 4097)


@dataclass(frozen=True, slots=True)
class HostCertificate:
    """A certificate for a host, in PEM; ``expires`` in UTC nanoseconds."""

    pem: str
    serial: str
    expires: int


def fingerprint(certificate: x509.Certificate) -> str:
    """Return a certificate's fingerprint as people compare it."""
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def read_request(der: bytes) -> PublicKey:
    """Return the key in a PKCS #10 request, whose asker holds it. Raises RefusedError."""
    if len(der) > REQUEST_BYTES:
        raise RefusedError(f"a certificate request of {len(der)} bytes")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        good = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        raise RefusedError("a certificate request that cannot be read") from None
    if not good:
        raise RefusedError("a certificate request that its own key did not sign")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return key
    raise RefusedError("a key that is neither EC P-256, P-384 nor RSA of 2048 to 4096 bits")


class Issuer:
    """Issues from an authority that the collector keeps itself."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def fingerprint(self) -> str:
        """Return the fingerprint of the authority that enrolment tokens carry."""
        return fingerprint(self._authority.certificate)

    def authorities(self) -> str:
        """Return what hosts have to trust, in PEM."""
        return self._authority.trusted().decode()

    def host(self, name: str, request: bytes) -> HostCertificate:
        """Return a certificate for that host and for the key in its request. Raises RefusedError."""
        made = self._authority.certify(
            name,
            read_request(request),
            [x509.UniformResourceIdentifier(uri_of(name))],
            ExtendedKeyUsageOID.CLIENT_AUTH,
            HOST_LIFE,
        )
        pem = made.public_bytes(serialization.Encoding.PEM).decode()
        expires = round(made.not_valid_after_utc.timestamp()) * 1_000_000_000
        return HostCertificate(pem, f"{made.serial_number:x}", expires)

    def token_file(self, token: EnrolToken, secret: str) -> str:
        """
        Return the file that a host enrols with.

        Beside the secret it carries a key and a certificate that can do nothing but enrol, as long
        as the token: so even enrolment is behind mutual TLS, and strangers reach nothing.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        life = timedelta(microseconds=(token.expires - token.created) / 1000)
        made = self._authority.certify(
            "Headroom enrolment",
            key.public_key(),
            [x509.UniformResourceIdentifier(ENROL_PREFIX + token.id)],
            ExtendedKeyUsageOID.CLIENT_AUTH,
            life,
        )
        until = datetime.fromtimestamp(token.expires / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        parts = [
            f"# Headroom enrolment token for {token.host}: good for one use, until {until}.",
            f"id: {token.id}",
            f"host: {token.host}",
            f"secret: {secret}",
            made.public_bytes(serialization.Encoding.PEM).decode().strip(),
            private.decode().strip(),
            self._authority.certificate.public_bytes(serialization.Encoding.PEM).decode().strip(),
        ]
        return "\n".join([*parts, ""])
