"""The seam between the protocol's stream and the client that carries it."""

from collections.abc import Callable
from typing import Protocol

from headroom_agent.channel import Endpoint
from headroom_agent.session import Session
from headroom_proto.v1 import telemetry_pb2

Answer = Callable[[telemetry_pb2.PushResponse], None]


class WireError(Exception):
    """A stream that cannot be had, or that broke; one line that says why."""


class Wire(Protocol):
    """Carries one stream after another, in the transport's thread."""

    def hold(self, endpoint: Endpoint, session: Session, answer: Answer) -> None:
        """
        Connect, send what ``session`` has, hand on each answer, until the stream ends.

        Returns after the collector's good end of it. Raises WireError, TlsFilesError, and what
        ``answer`` raises; whatever happens, the connection is closed. A session that is cancelled
        ends it at once, from whatever thread.
        """
        ...

    def close(self) -> None:
        """Give back what it holds; called once no stream is held any more."""
        ...
