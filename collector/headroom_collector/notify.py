"""Tells systemd how far the service is (sd_notify(3)); elsewhere nobody listens and nothing happens."""

import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send a state to the socket that systemd named; returns whether there was one to send it to."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
        try:
            to.connect(address.replace("@", "\0", 1))
            to.sendall(state.encode())
        except OSError:
            return False
    return True
