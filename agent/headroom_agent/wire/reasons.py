"""Why a connection failed, in words for people: what it is, and what to do where that is known."""

import socket
import ssl

NO_COLLECTOR = "what listens there is no collector; is the port the gRPC one?"
NOT_OURS = "does not accept our certificate"
BROKE = "the connection broke"
SILENT = "no answer; is it reachable?"
WRONG_NAME = 62
"""X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL's x509_vfy.h."""
TIMES = {9: "is not valid yet", 10: "has expired"}
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of the same."""

KINDS = (
    (ssl.SSLEOFError, BROKE),
    (socket.gaierror, "the name cannot be resolved"),
    (ConnectionRefusedError, "nothing listens there; is the collector running?"),
    (TimeoutError, SILENT),
    (ConnectionError, BROKE),
)
"""What a kind of error means, whatever else it says."""


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == WRONG_NAME:
        return "its certificate is not a collector's"
    if error.verify_code in TIMES:
        return f"its certificate {TIMES[error.verify_code]}; is the clock right, here and there?"
    return "its certificate is not of the CA in the agent's CA file"


def of_files(error: ssl.SSLError) -> str:
    """Say why OpenSSL does not take the certificate files."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return "key and certificate of this host do not fit together"
    reason = (error.reason or "no PEM").replace("_", " ").lower()
    return f"the certificate files cannot be used ({reason}); is each of them what its name says?"


def of_connecting(error: OSError) -> str:
    """Say why there is no connection."""
    for kind, reason in KINDS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        return _refused(error) or NO_COLLECTOR
    return f"cannot be reached: {error.strerror or error}"


def of_talking(error: OSError, *, answered: bool) -> str:
    """Say why a connection ended; ``answered`` tells whether the peer had said anything on it."""
    refused = _refused(error) if isinstance(error, ssl.SSLError) else ""
    if refused:
        return refused
    # With TLS 1.3 a client is done before the peer has looked at its certificate.
    return BROKE if answered else NOT_OURS


def _refused(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    named = "CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "DECRYPT_ERROR" in reason
    return NOT_OURS if "ALERT" in reason and named else ""
