"""Who is let in over HTTP: on loopback, by password, by token, by a proxy's word; and who is not."""

import asyncio
import base64
import logging
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import trustme
from rigs.ingest import HandClock
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from headroom_collector import http as http_module
from headroom_collector.config import CollectorConfig, HttpSettings, Listen
from headroom_collector.http import HttpError, HttpServer, is_loopback, listen_tcp
from headroom_collector.http_settings import ProxySettings
from headroom_collector.roles import Role, needed
from headroom_collector.security.access import Who
from headroom_collector.security.audit import Audit
from headroom_collector.web_side import WebSide, web_side

pytestmark = pytest.mark.anyio

TOKENS = {role.value: Who(role.value, role, "token") for role in Role}
PASSWORD = "right horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


async def who_am_i(scope: Scope, receive: Receive, send: Send) -> None:
    who = scope["state"]["who"]
    answer = {"path": Request(scope).url.path, "who": who and [who.name, who.role.value, who.how]}
    await JSONResponse(answer)(scope, receive, send)


def side(
    *, http: HttpSettings | None = None, address: str = "127.0.0.1:0", clock: HandClock
) -> WebSide:
    config = CollectorConfig(listen=Listen(http=address), http=http or HttpSettings())
    return web_side(config, TOKENS.get, Audit(clock))


def ask(
    web: WebSide,
    path: str = "/api/v1/hosts",
    method: str = "GET",
    client: tuple[str, int] = ("127.0.0.1", 4711),
    base: str = "http://127.0.0.1:9441",
    **headers: Any,
) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(web.around(who_am_i), client=client)
        async with httpx.AsyncClient(transport=transport, base_url=base) as http:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await http.request(method, path, headers=named)

    return asyncio.run(send())


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def write_web(folder: Path, text: str, name: str = "web.yml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return write_web(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n", "users.yml")


def test_on_loopback_everybody_reads_without_a_name(clock: HandClock) -> None:
    web = side(clock=clock)
    assert ask(web).json()["who"] == ["", "read", "loopback"]
    assert ask(web, "/prometheus/api/v1/query", "POST").status_code == 200
    assert ask(web, "/healthz").json()["who"] is None


def test_on_loopback_nobody_changes_anything_without_a_name(clock: HandClock) -> None:
    answer = ask(side(clock=clock), "/admin/hosts/web-1/retire", "POST")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "anybody has the role read, needed is admin"


@pytest.mark.parametrize("host", ["http://rebound.example:9441", "http://[::ffff:7f00:1]"])
def test_a_page_elsewhere_cannot_have_a_name_lead_to_loopback(clock: HandClock, host: str) -> None:
    answer = ask(side(clock=clock), base=host)
    assert answer.status_code == 403
    assert "[http] names" in answer.json()["detail"]


def test_names_that_are_listed_lead_to_it(clock: HandClock) -> None:
    web = side(http=HttpSettings(names=("headroom.example",)), clock=clock)
    assert ask(web, base="http://headroom.example").status_code == 200
    assert ask(web, base="http://[::1]:9441").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}]
)
def test_a_page_elsewhere_can_change_nothing(
    clock: HandClock, headers: dict[str, Any], users: Path
) -> None:
    web = side(http=HttpSettings(web_config=users, default_role="admin"), clock=clock)
    signed: dict[str, Any] = {"authorization": basic("alice", PASSWORD)}
    assert ask(web, "/admin/inventory/reload", "POST", **signed).status_code == 200
    assert ask(web, "/admin/inventory/reload", "POST", **signed, **headers).status_code == 403


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "monitor.example:0"])
def test_another_address_needs_tls_and_authentication(clock: HandClock, address: str) -> None:
    with pytest.raises(HttpError) as caught:
        side(address=address, clock=clock)
    text = str(caught.value)
    assert "TLS (" in text
    assert "authentication (" in text
    assert "\n" not in text


def test_another_address_needs_both(clock: HandClock, users: Path, tls: Path) -> None:
    with pytest.raises(HttpError, match="which needs TLS"):
        side(http=HttpSettings(web_config=users), address="0.0.0.0:0", clock=clock)
    with pytest.raises(HttpError, match="which needs authentication"):
        side(http=HttpSettings(web_config=tls), address="0.0.0.0:0", clock=clock)
    side(http=HttpSettings(web_config=tls, authenticate=True), address="0.0.0.0:0", clock=clock)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_loopback_is_known_by_its_addresses(address: str) -> None:
    assert is_loopback(address)


def test_a_password_lets_in_and_a_wrong_one_does_not(
    clock: HandClock, users: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = HttpSettings(web_config=users, roles={"bob": "admin"})
    web = side(http=settings, clock=clock)
    assert ask(web, authorization=basic("alice", PASSWORD)).json()["who"] == [
        *("alice", "read", "password")
    ]
    assert ask(web, authorization=basic("bob", PASSWORD)).json()["who"][1] == "admin"
    wrong = [
        *(basic("alice", "wrong"), basic("mallory", PASSWORD), basic("alice", "x" * 5000)),
        *("Basic !!", "Basic", "Digest x", basic("alice", PASSWORD + "\0")),
    ]
    with caplog.at_level(logging.WARNING, "headroom.audit"):
        for authorization in wrong:
            answer = ask(web, authorization=authorization)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert PASSWORD not in answer.text
    assert all("refused http peer=127.0.0.1:4711" in line for line in caplog.messages)
    assert caplog.messages
    assert PASSWORD not in caplog.text
    assert ask(web).status_code == 401
    assert ask(web, "/readyz").status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_a_token_may_what_its_role_may(clock: HandClock, role: Role) -> None:
    web = side(http=HttpSettings(authenticate=True), clock=clock)
    asked = {
        ("GET", "/"): Role.READ,
        ("GET", "/api/v1/hosts"): Role.READ,
        ("POST", "/prometheus/api/v1/query"): Role.READ,
        ("GET", "/admin/silences"): Role.READ,
        ("POST", "/admin/silences"): Role.SILENCE,
        ("POST", "/admin/silences/1/end"): Role.SILENCE,
        ("POST", "/admin/alerts/acknowledge"): Role.SILENCE,
        ("POST", "/admin/hosts/web-1/retire"): Role.ADMIN,
        ("GET", "/admin/info"): Role.ADMIN,
        ("GET", "/admin/tokens"): Role.ADMIN,
        ("POST", "/"): Role.ADMIN,
        ("DELETE", "/api/v1/hosts"): Role.ADMIN,
    }
    for (method, path), need in asked.items():
        assert needed(method, path) is need
        answer = ask(web, path, method, authorization=f"Bearer {role.value}")
        assert (answer.status_code == 200) is role.may(need), (method, path)
    assert ask(web, authorization="Bearer nonsense").status_code == 401


def test_a_proxys_word_counts_from_its_address_alone(clock: HandClock) -> None:
    proxy = ProxySettings("X-Remote-User", ("10.1.0.0/16",))
    settings = HttpSettings(proxy=proxy, roles={"carol": "silence"})
    web = side(http=settings, clock=clock)
    answer = ask(web, client=("10.1.2.3", 1), X_Remote_User="carol", authorization="Basic x")
    assert answer.json()["who"] == ["carol", "silence", "proxy"]
    for client in (("127.0.0.1", 1), ("10.2.0.1", 1), ("::ffff:10.2.0.1", 1), ("", 0)):
        assert ask(web, client=client, X_Remote_User="carol").status_code == 401
    assert ask(web, client=("::ffff:10.1.0.9", 1), X_Remote_User="carol").status_code == 200
    assert ask(web, client=("10.1.2.3", 1)).status_code == 401


def test_what_is_said_of_refusals_does_not_flood_the_log(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    web = side(http=HttpSettings(authenticate=True), clock=clock)
    with caplog.at_level(logging.WARNING, "headroom.audit"):
        for port in range(50):
            ask(web, client=("127.0.0.1", port))
        clock.time += 11 * 10**9
        ask(web)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("repeated=49")
    assert web.audit.refused_total == 51


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(tmp_path: Path, authority: trustme.CA) -> Path:
    issue(authority, tmp_path, "127.0.0.1")
    return write_web(tmp_path, "tls_server_config:\n  cert_file: web.crt\n  key_file: web.key\n")


def issue(authority: trustme.CA, folder: Path, *names: str) -> None:
    made = authority.issue_cert(*names)
    made.private_key_pem.write_to_path(folder / "web.key")
    made.cert_chain_pems[0].write_to_path(folder / "web.crt")


async def start(web: WebSide) -> tuple[HttpServer, int]:
    sock = listen_tcp("127.0.0.1:0")
    server = HttpServer(web.around(who_am_i), sock, web.context)
    await server.start()
    return server, sock.getsockname()[1]


async def test_tls_serves_the_certificate_that_is_there_now(
    clock: HandClock, tls: Path, authority: trustme.CA, anyio_backend: str
) -> None:
    web = side(http=HttpSettings(web_config=tls), clock=clock)
    server, port = await start(web)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    async def served() -> httpx.Response:
        async with httpx.AsyncClient(verify=trust) as client:
            return await client.get(f"https://127.0.0.1:{port}/")

    try:
        answer = await served()
        assert answer.headers["strict-transport-security"]
        issue(authority, tls.parent, "other.example")
        with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
            await served()
        (tls.parent / "web.crt").write_text("damaged")
        with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
            await served()
        issue(authority, tls.parent, "127.0.0.1")
        assert (await served()).status_code == 200
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(old)
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(verify=old) as client:
                await client.get(f"https://127.0.0.1:{port}/")
    finally:
        await server.stop()


def test_the_web_configuration_is_read_again(clock: HandClock, users: Path) -> None:
    web = side(http=HttpSettings(web_config=users), clock=clock)
    assert ask(web, authorization=basic("alice", PASSWORD)).status_code == 200
    users.write_text(f"basic_auth_users:\n  eve: {HASH}\n")
    assert ask(web, authorization=basic("alice", PASSWORD)).status_code == 401
    assert ask(web, authorization=basic("eve", PASSWORD)).status_code == 200
    users.write_text("basic_auth_users: nonsense")
    assert ask(web, authorization=basic("eve", PASSWORD)).status_code == 200


def test_headers_of_the_web_configuration_win(clock: HandClock, tmp_path: Path) -> None:
    text = "http_server_config:\n  headers:\n    X-Frame-Options: SAMEORIGIN\n"
    web = side(http=HttpSettings(web_config=write_web(tmp_path, text)), clock=clock)
    assert ask(web).headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [", "is not valid YAML at line 1"),
        ("tls_server_confg: {}", "did you mean 'tls_server_config'?"),
        ("tls_server_config: {cert_file: a}", "expected cert_file and key_file"),
        ("tls_server_config: {cert_file: a, key_file: b}", "cannot be read: No such file"),
        ("tls_server_config: {cert_file: web.yml, key_file: web.yml}", "fit together"),
        ("tls_server_config: {min_version: TLS10}", "'TLS10': expected TLS12, TLS13"),
        ("basic_auth_users: {alice: hunter2}", "alice: expected a bcrypt hash"),
        ("http_server_config: {headers: {X-Powered-By: x}}", "'X-Powered-By': expected"),
        ("- a", "expected a table"),
    ],
)
def test_a_wrong_web_configuration_is_one_line(
    clock: HandClock, tmp_path: Path, text: str, line: str
) -> None:
    with pytest.raises(HttpError) as caught:
        side(http=HttpSettings(web_config=write_web(tmp_path, text)), clock=clock)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_connection_that_drips_its_request_is_closed(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    monkeypatch.setattr(http_module, "REQUEST_SECONDS", 0.3)
    server, port = await start(side(clock=clock))
    try:
        assert await asyncio.to_thread(dripped, port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        assert await asyncio.to_thread(dripped, port, b"")
        request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        assert await asyncio.to_thread(dripped, port, request + b"GET / HT")
    finally:
        await server.stop()


def dripped(port: int, first: bytes) -> bool:
    """Send a letter now and then; whether the other side closed within 10 s."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(first)
        link.settimeout(0.05)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                if not link.recv(4096):
                    return True
                link.sendall(b"X")
            except TimeoutError:
                link.sendall(b"X") if first else None
            except OSError:
                return True
    return False
