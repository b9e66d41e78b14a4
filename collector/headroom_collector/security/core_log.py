"""
What gRPC's core says on standard error, turned into audit lines.

A peer whose certificate is refused never reaches our code: the core ends the handshake and tells
nobody, but its own log names the reason, and its trace of handshakes the peer. So standard error is
read through a pipe: refusals become audit lines, errors of the core are passed on, and the rest of
what it says is dropped. Python's own standard error goes where it always went.
"""

import contextlib
import fcntl
import os
import re
import select
import sys
import threading
from collections.abc import Callable, Iterator

PIPE_BYTES = 1 << 20
FLUSH_SECONDS = 0.5
CORE = re.compile(rb"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (\S+):\d+\] (.*)")
FAILED = re.compile(rb"SSL routines:OPENSSL_internal:([A-Z0-9_]+)(?:: ([^:\n]*))?")
PEER = re.compile(rb"grpc\.internal\.endpoint_peer_address=(?:ipv[46]:)?([^,}]+)")

WANTED = {"GRPC_VERBOSITY": "INFO", "GRPC_TRACE": "handshaker"}

REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no client certificate",
    "HTTP_REQUEST": "an HTTP request where TLS was expected",
    "HTTPS_PROXY_REQUEST": "a proxy request where TLS was expected",
    "WRONG_VERSION_NUMBER": "something that is no TLS",
    "UNSUPPORTED_PROTOCOL": "a version of TLS older than 1.2",
    "NO_SHARED_CIPHER": "no cipher in common",
}
OnRefused = Callable[[str, str], None]


def reason_of(line: bytes) -> str:
    """Return why a handshake failed, as the core's line has it; empty where it tells of none."""
    found = FAILED.search(line)
    if found is None:
        return ""
    code, detail = found[1].decode(), (found[2] or b"").decode("utf-8", "replace").strip()
    if code == "CERTIFICATE_VERIFY_FAILED":
        return detail or "a certificate that cannot be verified"
    return REASONS.get(code, code.replace("_", " ").lower())


class Reader:
    """Takes the core's log line by line; ``on_refused`` gets peer and reason."""

    def __init__(self, pass_on: Callable[[bytes], object]) -> None:
        self._pass_on = pass_on
        self._reason = ""
        self._ours = False
        self.on_refused: OnRefused = lambda _peer, _reason: None

    def take(self, line: bytes) -> None:
        """Take one line."""
        core = CORE.match(line)
        if core is None:
            peer = PEER.search(line) if self._ours else None
            if peer is not None:
                self._told(peer[1].decode("utf-8", "replace"))
            elif not self._ours:
                self._pass_on(line)
            return
        level, file, text = core[1], core[2], core[3]
        self._ours = file in {b"handshaker.cc", b"channel_trace.h", b"ssl_transport_security.cc"}
        if file == b"ssl_transport_security.cc":
            self.flush()
            self._reason = reason_of(text)
        elif self._ours and self._reason:
            peer = PEER.search(text)
            if peer is not None and b"error=OK" not in text:
                self._told(peer[1].decode("utf-8", "replace"))
        if not self._ours and level in {b"E", b"F"}:
            self._pass_on(line)

    def _told(self, peer: str) -> None:
        reason, self._reason = self._reason, ""
        if reason:
            self.on_refused(peer, reason)

    def flush(self) -> None:
        """Tell of a refusal whose peer the core did not name."""
        self._told("")


def _follow(source: int, reader: Reader, stop: threading.Event) -> None:
    left = b""
    while True:
        ready, _, _ = select.select([source], [], [], FLUSH_SECONDS)
        if not ready:
            reader.flush()
            if stop.is_set():
                return
            continue
        chunk = os.read(source, 65_536)
        if not chunk:
            return
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            reader.take(line)


def prepare() -> None:
    """
    Have the core tell of refused handshakes; before gRPC is imported, which reads this once.

    Whoever set one of the variables wants to see the core's log as it is, and does.
    """
    if not set(WANTED) & set(os.environ):
        os.environ.update(WANTED)


@contextlib.contextmanager
def core_log() -> Iterator[Reader]:
    """
    Read what the core says while this lasts, in a process that is prepared for it.

    The pipe's end that the core writes to never blocks: a core that waited for us while we wait for
    it would stand still, so what does not fit is lost.
    """
    if any(os.environ.get(name) != value for name, value in WANTED.items()):
        yield Reader(lambda _: None)  # not prepared, or somebody wants to see it all
        return
    kept = os.dup(2)
    source, target = os.pipe()
    fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(target, False)
    before = sys.stderr
    sys.stderr = os.fdopen(
        os.dup(kept), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
    )
    reader, stop = Reader(lambda line: os.write(kept, line + b"\n")), threading.Event()
    os.dup2(target, 2)
    os.close(target)
    thread = threading.Thread(
        target=_follow, args=(source, reader, stop), name="core-log", daemon=True
    )
    thread.start()
    try:
        yield reader
    finally:
        os.dup2(kept, 2)
        stop.set()
        thread.join(5)
        sys.stderr.close()
        sys.stderr = before
        os.close(kept)
        os.close(source)
