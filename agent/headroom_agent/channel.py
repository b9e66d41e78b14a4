"""The channel to the collector: mutual TLS, and a dead peer noticed in seconds."""

import re
from dataclasses import dataclass
from pathlib import Path

import grpc

from headroom_core.identity import COLLECTOR_NAME

OPTIONS = (
    # The collector's certificate has this name, whatever address it is reached at.
    ("grpc.ssl_target_name_override", COLLECTOR_NAME),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 * 1024),
    # A new channel after a failure tries at once, and not when the failed one would have.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


SLEEP_SECONDS = 5.0
"""Longest sleep of a thread that waits for gRPC; what it waits for wakes it at once."""


def sleep_soundly() -> None:
    """
    Let threads that wait for gRPC sleep until there is something, for the whole process.

    grpc/_common.py wakes every waiting thread ten times a second, for a main thread to see Ctrl-C.
    Our main thread never waits for gRPC, and the wake-ups cost more CPU time than the samplers.
    """
    vars(grpc)["_common"].MAXIMUM_WAIT_TIMEOUT = SLEEP_SECONDS


class TlsFilesError(Exception):
    """The certificate files cannot be used; one line that names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Seconds without traffic after which a collector is asked, and it has for its answer."""

    idle_seconds: float = 20.0
    answer_seconds: float = 10.0

    def options(self) -> tuple[tuple[str, int], ...]:
        """Return gRPC's settings for it."""
        patience = round(self.answer_seconds * 1000)
        return (
            ("grpc.keepalive_time_ms", round(self.idle_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", patience),
            # Without it a stopped peer, whose kernel still acknowledges, is noticed after 60 s.
            ("grpc.http2.ping_timeout_ms", patience),
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the collector is, HOST:PORT, and the PEM files to meet it with."""

    address: str
    ca: Path
    cert: Path
    key: Path
    keepalive: Keepalive = Keepalive()

    def connect(self) -> grpc.Channel:
        """Make a channel; the files are read anew each time. Raises TlsFilesError."""
        credentials = grpc.ssl_channel_credentials(
            root_certificates=_pem(self.ca, "--ca"),
            private_key=_pem(self.key, "--key"),
            certificate_chain=_pem(self.cert, "--cert"),
        )
        options = (*OPTIONS, *self.keepalive.options())
        return grpc.secure_channel(self.address, credentials, options=options)


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


REASONS = (
    (r"Connection refused", "nothing listens there; is the collector running?"),
    (r"CERTIFICATE_VERIFY_FAILED", "its certificate is not of the CA in the agent's CA file"),
    (r"Hostname Verification|peer name", "its certificate is not a collector's"),
    (r"WRONG_VERSION_NUMBER", "what listens there is no collector; is the port the gRPC one?"),
    (r"security handshaker", "key and certificate of this host do not fit together"),
    (r"resolving|DNS|lookup", "the name cannot be resolved"),
    (r"failed to connect.*(Socket closed|recvmsg|reset)", "does not accept our certificate"),
    (r"andshake", "no TLS with it; are both certificates of the same CA, and valid?"),
    (r"Socket closed|recvmsg|reset", "the connection broke"),
    (r"Cancelling all calls|GOAWAY", "it stopped"),
    (r"timed out|FD Shutdown|eadline|ping timeout|keepalive", "no answer; is it reachable?"),
)
"""What gRPC's details say of a connection that failed, and what it means to a person."""


def explain(error: grpc.RpcError) -> str:
    """Return why a call failed, in a few words and with what to do where that is known."""
    code = error.code() if isinstance(error, grpc.Call) else None
    details = (error.details() if isinstance(error, grpc.Call) else "") or ""
    if code is grpc.StatusCode.UNAVAILABLE:
        for pattern, reason in REASONS:
            if re.search(pattern, details, re.DOTALL):
                return reason
    name = code.name if code is not None else "UNKNOWN"
    return f"{name}: {' '.join(details.split())[:200]}"
