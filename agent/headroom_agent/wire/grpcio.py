"""The stream over grpcio, gRPC's own client: the reference that the other one is tested beside."""

import os
import re

import grpc

from headroom_agent.channel import Endpoint, Keepalive
from headroom_agent.session import Session
from headroom_agent.wire.seam import Answer, WireError
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2_grpc

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


def settle_down() -> None:
    """
    Make gRPC quiet, for the whole process: its log, and its threads that wait.

    grpc/_common.py wakes every waiting thread ten times a second, for a main thread to see Ctrl-C.
    Our main thread never waits for gRPC, and the wake-ups cost more CPU time than the samplers. Its
    own log repeats in many lines what the transport says in one.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    vars(grpc)["_common"].MAXIMUM_WAIT_TIMEOUT = SLEEP_SECONDS


def _options(keepalive: Keepalive) -> tuple[tuple[str, int | str], ...]:
    patience = round(keepalive.answer_seconds * 1000)
    return (
        *OPTIONS,
        ("grpc.keepalive_time_ms", round(keepalive.idle_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", patience),
        # Without it a stopped peer, whose kernel still acknowledges, is noticed after 60 s.
        ("grpc.http2.ping_timeout_ms", patience),
    )


def _connect(endpoint: Endpoint) -> grpc.Channel:
    ca, cert, key = endpoint.pems()
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    options = _options(endpoint.keepalive)
    return grpc.secure_channel(endpoint.address, credentials, options=options)


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


class GrpcioWire:
    """Carries streams over channels of grpcio, one channel for each stream."""

    def hold(self, endpoint: Endpoint, session: Session, answer: Answer) -> None:
        """Hold one stream until it ends; see ``Wire``."""
        with _connect(endpoint) as channel:
            call = telemetry_pb2_grpc.TelemetryServiceStub(channel).Push(session.requests())
            session.on_cancel = call.cancel
            try:
                if session.cancelled:
                    call.cancel()  # stopped just now: nobody waits for this stream
                for response in call:
                    answer(response)
            except grpc.RpcError as error:
                raise WireError(explain(error)) from None
            finally:
                session.close()
                call.cancel()

    def close(self) -> None:
        """Nothing is held between the streams."""
