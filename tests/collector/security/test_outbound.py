"""Where notifications may go: what was configured, private too, but to no machine's secrets."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence

import httpx
import pytest

from headroom_collector.security.outbound import Outbound, forbidden, plain

BAD = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"),
    *("100.100.100.200", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1"),
    *("::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe"),
    *("2002:a9fe:a9fe::1", "255.255.255.255", "nonsense", ""),
]
GOOD = ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "192.0.43.8", "2606:4700::1"]


@pytest.mark.parametrize("address", BAD)
def test_link_local_and_metadata_addresses_are_refused_however_they_are_spelled(
    address: str,
) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", GOOD)
def test_private_loopback_and_public_addresses_are_not(address: str) -> None:
    assert not forbidden(address)


def send(url: str, *addresses: str, looked: list[str] | None = None) -> httpx.Response:
    async def lookup(host: str, _port: int) -> Sequence[str]:
        if looked is not None:
            looked.append(host)
        return addresses

    async def go() -> httpx.Response:
        transport = Outbound(lookup=lookup)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            return await client.post(url, content=b"x", timeout=5)

    return asyncio.run(go())


@pytest.fixture
def port() -> Iterator[int]:
    """A receiver that says which host it was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    head = link.recv(65536).decode()
                    host = next(
                        line for line in head.splitlines() if line.lower().startswith("host:")
                    )
                    body = host.partition(":")[2].strip().encode()
                    link.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
                    # A body that comes after the head, left unread, would reset the connection.
                    link.shutdown(socket.SHUT_WR)
                    while link.recv(65536):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_the_checked_address_is_gone_to_under_the_name_that_was_configured(port: int) -> None:
    looked: list[str] = []
    answer = send(f"http://receiver.example:{port}/hook", "127.0.0.1", looked=looked)
    assert answer.text == f"receiver.example:{port}"
    assert looked == ["receiver.example"]


def test_one_bad_address_among_good_ones_is_enough(port: int) -> None:
    for addresses in (["169.254.169.254"], ["127.0.0.1", "fe80::1"]):
        with pytest.raises(httpx.ConnectError, match="refused"):
            send(f"http://receiver.example:{port}/", *addresses)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
    ],
)
def test_other_spellings_of_a_metadata_address_are_refused(url: str) -> None:
    async def go() -> None:
        async with httpx.AsyncClient(transport=Outbound(), trust_env=False) as client:
            await client.post(url, timeout=5)

    with pytest.raises((httpx.ConnectError, httpx.InvalidURL)):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("http://hooks.example/x", True),
        ("http://10.0.0.9:8080/", True),
        ("https://hooks.example/x", False),
        ("http://127.0.0.1:9093/", False),
        ("http://[::1]/", False),
        ("http://localhost/", False),
        ("", False),
    ],
)
def test_an_address_in_the_clear_is_known(url: str, clear: bool) -> None:
    assert plain(url) is clear
