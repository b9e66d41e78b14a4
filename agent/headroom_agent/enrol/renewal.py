"""Renewal: a new certificate over the connection of the old one, at half of its life."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import grpc

from headroom_agent.channel import explain
from headroom_agent.enrol.files import CertificateError, Files, new_request, validity
from headroom_agent.notices import Notices

CALL_SECONDS = 30.0
LOOK_SECONDS = 30.0
"""Between two looks at the files and the time."""
LEAST_PAUSE_SECONDS = 60.0
MOST_PAUSE_SECONDS = 6 * 3600.0


class Renewal:
    """
    Knows when the host's certificate has to be renewed, and when its files were changed by others.

    Asked by the transport's thread, which also makes the call. ``clock`` gives Unix seconds,
    ``monotonic`` what pauses are measured with.
    """

    def __init__(
        self,
        files: Files,
        notices: Notices,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._files, self._notices = files, notices
        self._clock, self._monotonic, self._pace = clock, monotonic, look_seconds
        self._next_look = monotonic()
        self._not_before = monotonic()
        self._stamp = files.stamp()
        self._times: tuple[datetime, datetime] | None = None
        self._read()

    def _read(self) -> None:
        try:
            self._files.finish()
            self._times = validity(self._files.cert.read_bytes())
        except OSError:
            self._times = None
        self._stamp = self._files.stamp()

    def interrupt(self) -> bool:
        """Whether the stream should make way, for a renewal or for files that others changed."""
        now = self._monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + self._pace
        if self._files.stamp() != self._stamp:
            self._read()
            return True
        return self.due()

    def due(self) -> bool:
        """Whether the certificate is past half of its life, and was not asked for just now."""
        if self._times is None or self._monotonic() < self._not_before:
            return False
        first, last = self._times
        now = datetime.fromtimestamp(self._clock(), UTC)
        return first + (last - first) / 2 <= now < last

    def renew(self, channel: grpc.Channel) -> bool:
        """Ask for a new certificate over that channel; whether it is in place. Never raises."""
        from headroom_proto.v1 import enrolment_pb2, enrolment_pb2_grpc  # noqa: PLC0415 - twice a week

        self._pause()
        try:
            key, request = new_request()
            stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
            answer = stub.Renew(enrolment_pb2.RenewRequest(csr=request), timeout=CALL_SECONDS)
            issued = answer.issued
            self._files.put(issued.authorities.encode(), issued.certificate.encode(), key)
        except grpc.RpcError as error:
            self._failed(error)
            return False
        except CertificateError as error:
            self._notices.fault("certificate", f"certificate: cannot be renewed: {error}")
            return False
        self._read()
        until = f" until {self._times[1]:%Y-%m-%d %H:%M} UTC" if self._times else ""
        self._notices.news("certificate", f"certificate: renewed, valid{until}")
        return True

    def _failed(self, error: grpc.RpcError) -> None:
        code = error.code() if isinstance(error, grpc.Call) else None
        if code in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.FAILED_PRECONDITION}:
            # Certificates come from elsewhere: whoever made this one makes the next.
            self._not_before = self._monotonic() + MOST_PAUSE_SECONDS
            return
        said = error.details() if code is grpc.StatusCode.PERMISSION_DENIED else explain(error)  # type: ignore[attr-defined]  # a Call has details
        self._notices.fault("certificate", f"certificate: cannot be renewed: {said}")

    def _pause(self) -> None:
        """Wait before the next try: a tenth of what is left, so that there are some tries."""
        left = 0.0
        if self._times is not None:
            left = self._times[1].timestamp() - self._clock()
        pause = min(max(left / 10, LEAST_PAUSE_SECONDS), MOST_PAUSE_SECONDS)
        self._not_before = self._monotonic() + pause
