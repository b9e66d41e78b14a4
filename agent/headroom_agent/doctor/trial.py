"""A trial of the certificate: the handshake that the collector would do, held in memory."""

import contextlib
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from headroom_agent.config import Tls

ROUNDS = 8
"""A TLS handshake takes three flights."""
CODES = {
    2: "its issuer is not in the CA file: it is of another authority",
    9: "it is not valid yet: is this host's clock right?",
    10: "it has expired: enrol this host anew",
    18: "it is signed by itself and by no authority",
    19: "it is of an authority that is not in the CA file",
    20: "it is of an authority that is not in the CA file",
    21: "it is of an authority that is not in the CA file",
    26: "it is no client's: its extended key usage lacks clientAuth",
}
"""X509_V_ERR_* of OpenSSL's x509_vfy.h, and what they mean to a person."""


def verify(tls: Tls) -> tuple[str, Sequence[str]]:
    """
    Return what a collector with this CA file would say of the certificate, and its URI SANs.

    The first is empty where it is good. Raises OSError, ssl.SSLError among them, for the files.
    """
    ca, cert, key = tls.files()
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    for side in (server, client):
        side.load_cert_chain(cert, key, lambda: "")
    server.load_verify_locations(ca)
    server.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server)
    try:
        for _ in range(ROUNDS):
            for end in (here, there):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return CODES.get(error.verify_code, error.verify_message), ()
    return "", _uris(there.getpeercert() or {})


def _uris(certificate: Mapping[str, Any]) -> Sequence[str]:
    return [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
