"""A TCP proxy on loopback that can keep a server's answers to itself."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

CHUNK = 65536


@dataclass
class Proxy:
    """Passes bytes on to ``target``, a port of loopback; ``hold`` keeps answers from clients."""

    target: int
    passing: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket = field(init=False)
    ends: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passing.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        found: int = self.listener.getsockname()[1]
        return found

    def hold(self) -> None:
        self.passing.clear()

    def drop_held(self) -> None:
        """End the connections with what they hold, and pass on what comes from now on."""
        ends, self.ends = self.ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.passing.set()

    def close(self) -> None:
        # A shutdown wakes the thread that waits in accept; closing alone does not.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop_held()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.ends += [client, server]
            always = threading.Event()
            always.set()
            for source, sink, gate in (
                (client, server, always),
                (server, client, self.passing),
            ):
                threading.Thread(target=pump, args=(source, sink, gate), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket, gate: threading.Event) -> None:
    """Pass bytes on until an end is closed; what is read while the gate is closed waits."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            gate.wait()
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
