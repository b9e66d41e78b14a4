"""Wire: one stream's messages in and out, and the reasons that end it."""

import contextlib
from collections.abc import Iterator

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from headroom_proto.v1 import telemetry_pb2

Context = grpc.aio.ServicerContext[bytes, bytes]


class Ended(Exception):  # noqa: N818 - it ends a stream for any reason, most are no errors
    """The stream is to end with this status; ``details`` is one line for the agent's log."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class Gone(Exception):  # noqa: N818 - agents come and go
    """The agent is not there any more."""


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except (grpc.aio.UsageError, grpc.aio.InternalError) as error:
        raise Gone(str(error)) from None


class Wire:
    """The messages of the contract over a gRPC stream of bytes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def read(self) -> telemetry_pb2.PushRequest | None:
        """Return the next message, None after the last. Raises Ended and Gone."""
        with _gone():
            message = await self._context.read()
        if not isinstance(message, bytes):
            return None
        try:
            return telemetry_pb2.PushRequest.FromString(message)
        except DecodeError:
            raise Ended(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"a message of {len(message)} bytes is no PushRequest",
            ) from None

    async def write(self, response: telemetry_pb2.PushResponse) -> None:
        """Send a message. Raises Gone."""
        with _gone():
            await self._context.write(response.SerializeToString())
