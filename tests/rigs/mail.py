"""A small mail server for tests: keeps what it is sent; refuses where it is told to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Post:
    """Mails as (recipients, text); ``refuse`` is answered to every recipient where it is set."""

    address: str = ""
    refuse: str = ""
    mails: list[tuple[list[str], str]] = field(default_factory=list)


@contextmanager
def post_office() -> Iterator[Post]:
    """Serve on a free port of loopback."""
    post = Post()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 test")
            to: list[str] = []
            while line := self.rfile.readline().decode():
                verb = line[:4].upper()
                if verb == "RCPT":
                    to.append(line.split("<")[1].split(">")[0])
                    self.say(post.refuse or "250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    post.mails.append((to, self.text()))
                    self.say("250 ok")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def text(self) -> str:
            lines = []
            while (line := self.rfile.readline().decode()) != ".\r\n":
                lines.append(line)
            return "".join(lines)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    post.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield post
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
