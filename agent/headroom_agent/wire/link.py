"""A TLS connection that never blocks, and a bell that ends every wait for it."""

import contextlib
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterator

from headroom_agent.channel import Endpoint
from headroom_agent.wire import reasons
from headroom_agent.wire.seam import WireError
from headroom_core.identity import COLLECTOR_NAME

CONNECT_SECONDS = 20.0
CHUNK = 1 << 16
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Bell:
    """Wakes who waits for a connection, from any thread."""

    def __init__(self) -> None:
        self._ear, self._rope = socket.socketpair()
        for end in (self._ear, self._rope):
            end.setblocking(False)

    def ring(self) -> None:
        """End the wait that is going on, or the next one."""
        with contextlib.suppress(OSError):  # full: it rings already; closed: nobody waits
            self._rope.send(b"!")

    def hush(self) -> None:
        """Forget that it rang."""
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(CHUNK)

    def fileno(self) -> int:
        """Return what a selector waits for."""
        return self._ear.fileno()

    def close(self) -> None:
        """Give both ends back."""
        self._ear.close()
        self._rope.close()


def make_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Read the certificate files; raises TlsFilesError and WireError."""
    endpoint.pems()  # a file that is missing or is no PEM is said by name
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        context.load_verify_locations(endpoint.ca)
        context.load_cert_chain(endpoint.cert, endpoint.key, password=_no_password)
    except ssl.SSLError as error:
        raise WireError(reasons.of_files(error)) from None
    except OSError as error:
        raise WireError(f"the certificate files cannot be read: {error.strerror}") from None
    return context


def _no_password() -> str:
    """Refuse a key that needs one, where OpenSSL would ask at the terminal."""
    raise WireError("the key has a password; the agent needs one without")


class Link:
    """
    One connection.

    ``write`` and ``read`` do what can be done at once, ``wait`` waits for more, for the bell or
    for the time. All raise WireError once it has ended.
    """

    def __init__(self, sock: socket.socket, bell: Bell, context: ssl.SSLContext) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = context.wrap_socket(
            sock, server_hostname=COLLECTOR_NAME, do_handshake_on_connect=False
        )
        self._bell = bell
        self._selector = selectors.DefaultSelector()
        self._selector.register(bell, READ)
        self._selector.register(self._sock, READ)
        self._wants = READ
        self._left = memoryview(b"")
        self._answered = False

    def greet(self, until: float, is_wanted: Callable[[], bool]) -> None:
        """Do the TLS handshake by ``until``, monotonic seconds, while ``is_wanted`` says so."""
        while True:
            try:
                self._sock.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._want(READ)
            except ssl.SSLWantWriteError:
                self._want(WRITE)
            except OSError as error:
                raise WireError(reasons.of_connecting(error)) from None
            _check(until, is_wanted)
            self.wait(until - time.monotonic())
        if self._sock.selected_alpn_protocol() != "h2":
            raise WireError(reasons.NO_COLLECTOR)
        self._want(READ)

    def _want(self, events: int) -> None:
        if events != self._wants:
            self._selector.modify(self._sock, events)
            self._wants = events

    @property
    def clear(self) -> bool:
        """Whether all that was written is on its way."""
        return not self._left

    def write(self, data: bytes) -> None:
        """Send ``data`` after what is left of earlier ones, as far as there is room."""
        if data:
            self._left = memoryview(bytes(self._left) + data if self._left else data)
        try:
            while self._left:
                self._left = self._left[self._sock.send(self._left) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._want(READ | WRITE)
            return
        except OSError as error:
            raise self._ended(error) from None
        self._want(READ)

    def read(self) -> Iterator[bytes]:
        """Yield what has come; raises WireError after the last of it where the peer closed."""
        while True:
            try:
                data = self._sock.recv(CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                raise self._ended(error) from None
            if not data:
                raise self._ended(ConnectionResetError())
            self._answered = True
            yield data

    def _ended(self, error: OSError) -> WireError:
        return WireError(reasons.of_talking(error, answered=self._answered))

    def wait(self, seconds: float) -> None:
        """Wait until something can be read or written, the bell rings, or the time is over."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            if key.fileobj is self._bell:
                self._bell.hush()

    def close(self) -> None:
        """Close it; what was not sent is gone."""
        self._selector.close()
        self._sock.close()


def _check(until: float, is_wanted: Callable[[], bool]) -> None:
    if not is_wanted():
        raise WireError("stopped before the collector answered")
    if time.monotonic() >= until:
        raise WireError(reasons.SILENT)


def _dial(
    family: int, address: tuple[object, ...], bell: Bell, until: float, wanted: Callable[[], bool]
) -> socket.socket:
    """Connect to one address; raises OSError, and WireError where nobody wants it any more."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
        _await(sock, bell, until, wanted)
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        stack.pop_all()
    return sock


def _await(sock: socket.socket, bell: Bell, until: float, wanted: Callable[[], bool]) -> None:
    """Wait until a connection is made or has failed."""
    with selectors.DefaultSelector() as selector:
        selector.register(bell, READ)
        selector.register(sock, WRITE)
        while True:
            ready = selector.select(max(0.0, until - time.monotonic()))
            if any(key.fileobj is sock for key, _ in ready):
                return
            bell.hush()
            _check(until, wanted)


def connect(endpoint: Endpoint, bell: Bell, is_wanted: Callable[[], bool]) -> Link:
    """
    Connect to the first address that answers, and meet the collector there with mutual TLS.

    Ends as soon as the bell rings and ``is_wanted`` says no. Raises WireError and TlsFilesError.
    """
    context = make_context(endpoint)
    until = time.monotonic() + CONNECT_SECONDS
    host, port = endpoint.host_and_port
    failed: OSError = socket.gaierror()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WireError(reasons.of_connecting(error)) from None
    for family, _, _, _, address in found:
        try:
            sock = _dial(family, address, bell, until, is_wanted)
        except OSError as error:
            failed = error
            continue
        link = Link(sock, bell, context)
        try:
            link.greet(until, is_wanted)
        except BaseException:
            link.close()
            raise
        return link
    raise WireError(reasons.of_connecting(failed))
