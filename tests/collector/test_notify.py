import socket
from pathlib import Path

from headroom_collector.notify import READY, notify


def test_systemd_is_told_over_the_socket_it_named(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        assert notify(READY, {"NOTIFY_SOCKET": str(path)})
        assert systemd.recv(64) == b"READY=1"


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    assert not notify(READY, {})
    assert not notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
