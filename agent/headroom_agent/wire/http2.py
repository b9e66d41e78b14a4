"""The stream over an HTTP/2 client of our own: h2 for the protocol, Python's ssl for TLS."""

import time
from contextlib import closing, suppress

from google.protobuf.message import DecodeError

from headroom_agent import __version__
from headroom_agent.channel import Endpoint
from headroom_agent.session import Session
from headroom_agent.wire.call import Call
from headroom_agent.wire.link import Bell, Link, connect
from headroom_agent.wire.seam import Answer, WireError
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2

SERVICE = telemetry_pb2.DESCRIPTOR.services_by_name["TelemetryService"]
PATH = f"/{SERVICE.full_name}/Push"


class Http2Wire:
    """
    Carries streams in the very thread that holds them, one connection for each.

    It takes half of grpcio's memory: gRPC brings an event engine, a TLS library and asyncio.
    """

    def __init__(self) -> None:
        self._bell = Bell()

    def hold(self, endpoint: Endpoint, session: Session, answer: Answer) -> None:
        """Hold one stream until it ends; see ``Wire``."""
        session.on_news = session.on_cancel = self._bell.ring
        with closing(connect(endpoint, self._bell, lambda: not session.cancelled)) as link:
            call = Call(COLLECTOR_NAME, PATH, f"headroom-agent/{__version__}", endpoint.keepalive)
            call.begin(time.monotonic())
            try:
                _converse(link, call, session, answer)
            finally:
                with suppress(WireError):
                    link.write(call.abandon())

    def close(self) -> None:
        """Give the bell back."""
        self._bell.close()


def _converse(link: Link, call: Call, session: Session, answer: Answer) -> None:
    while not call.over:
        wait = _send(link, call, session)
        link.wait(min(wait, call.keep_alive(time.monotonic())))
        for data in link.read():
            for message in call.feed(data, time.monotonic()):
                answer(_response(message))
            if call.over:
                return


def _send(link: Link, call: Call, session: Session) -> float:
    """Send what may go out now; returns the seconds until the session has to be looked at."""
    link.write(call.outgoing())
    wait = session.patience()
    while call.idle and link.clear and not session.cancelled:
        found = session.step()
        if isinstance(found, float):
            wait = found
            break
        if found is None:
            if session.said_goodbye or session.leaving:
                call.finish()
                link.write(call.outgoing())
            break
        call.send(found.SerializeToString())
        link.write(call.outgoing())
    if session.cancelled:
        raise WireError(session.ended or "stopped")
    return wait


def _response(message: bytes) -> telemetry_pb2.PushResponse:
    try:
        return telemetry_pb2.PushResponse.FromString(message)
    except DecodeError:
        raise WireError("INTERNAL: an answer that cannot be read") from None
