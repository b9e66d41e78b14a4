"""
Stand-in for Grafana's HTTP API, which no package index has: the calls that the push makes.

Answers have the form that Grafana 12 documents for them: status, the keys that are read, and the
``version`` that grows with each write.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
TOKEN = "glsa_test"


@dataclass
class State:
    """What this Grafana has, and every write that came."""

    datasources: dict[str, Json] = field(default_factory=dict)
    folders: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    contacts: dict[str, Json] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    url: str = ""


def _public(body: Json) -> Json:
    """Grafana never shows secrets: only that there are some."""
    secret = body.get("secureJsonData", {})
    shown = {key: value for key, value in body.items() if key != "secureJsonData"}
    return {
        "id": 1,
        "orgId": 1,
        "readOnly": False,
        **shown,
        "secureJsonFields": dict.fromkeys(secret, True),
    }


def _found(known: dict[str, Json], uid: str) -> tuple[int, Any]:
    return (200, known[uid]) if uid in known else (404, {"message": "not found"})


def _source(state: State, uid: str) -> tuple[int, Any]:
    status, body = _found(state.datasources, uid)
    return status, _public(body) if status == 200 else body


def _kept(known: dict[str, Json], status: int, uid: str, body: Json) -> tuple[int, Any]:
    known[uid] = body
    return status, body


ROUTES: dict[tuple[str, str], Callable[[State, str, Json], tuple[int, Any]]] = {
    ("GET", "/api/datasources/uid/"): lambda state, uid, _: _source(state, uid),
    ("PUT", "/api/datasources/uid/"): lambda state, uid, body: _kept(
        state.datasources, 200, uid, body
    ),
    ("POST", "/api/datasources"): lambda state, _, body: _kept(
        state.datasources, 200, body["uid"], body
    ),
    ("GET", "/api/folders/"): lambda state, uid, _: _found(state.folders, uid),
    ("POST", "/api/folders"): lambda state, _, body: _kept(state.folders, 200, body["uid"], body),
    ("GET", "/api/dashboards/uid/"): lambda state, uid, _: _found(state.dashboards, uid),
    ("POST", "/api/dashboards/db"): lambda state, _, body: _dashboard(state, body),
    ("GET", "/api/v1/provisioning/contact-points"): lambda state, *_: (
        200,
        list(state.contacts.values()),
    ),
    ("POST", "/api/v1/provisioning/contact-points"): lambda state, _, body: _kept(
        state.contacts, 202, body["uid"], body
    ),
    ("PUT", "/api/v1/provisioning/contact-points/"): lambda state, uid, body: _kept(
        state.contacts, 202, uid, body
    ),
}


def answer(state: State, method: str, path: str, body: Json) -> tuple[int, Any]:
    """Return status and JSON of a call."""
    if method != "GET":
        state.writes.append(f"{method} {path}")
    last = path.rsplit("/", 1)[1]
    handle = ROUTES.get((method, path)) or ROUTES.get((method, path.removesuffix(last)))
    return handle(state, last, body) if handle else (404, {"message": "Not found"})


def _dashboard(state: State, body: Json) -> tuple[int, Any]:
    uid, folder = body["dashboard"]["uid"], body["folderUid"]
    if folder not in state.folders:
        return 400, {"message": "folder not found"}
    before = state.dashboards.get(uid)
    if before and not body.get("overwrite"):
        return 412, {"message": "The dashboard has been changed by someone else"}
    version = before["dashboard"]["version"] + 1 if before else 1
    state.dashboards[uid] = {
        "dashboard": {**body["dashboard"], "id": len(state.dashboards) + 1, "version": version},
        "meta": {"folderUid": folder},
    }
    return 200, {"uid": uid, "version": version, "status": "success"}


@contextmanager
def fake_grafana() -> Iterator[State]:
    """Run it on loopback; yields its state with its address."""
    state = State()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, made = 401, {"message": "Invalid API key"}
            else:
                status, made = answer(state, self.command, self.path, body)
            data = json.dumps(made).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815  # the library's names

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
