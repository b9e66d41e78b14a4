"""The command, against a collector's admin socket that answers what the API answers."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from typer.testing import CliRunner

from headroom_collector.cli.alerts import app as command
from headroom_collector.cli.client import CliError

FIRING = {
    "rule": "HostAboveCeiling",
    "host": "web-1[red]",
    "site": "dc1",
    "cluster": "c1",
    "class": "web",
    "simulated": True,
    "state": "firing",
    "severity": "warning",
    "since": "2026-09-21T14:14:35.000Z",
    "started": "2026-09-21T14:13:35.000Z",
    "value_ratio": 0.8,
    "ceiling_ratio": 0.4,
    "updated": "2026-09-21T14:18:05.000Z",
    "value": 0.8,
    "level": 0.4,
    "unit": "ratio",
    "acknowledged": "",
    "notified": None,
    "problem": "answered HTTP 404",
}
PAST = {
    **{name: FIRING[name] for name in ("rule", "host", "site", "cluster", "class", "simulated")},
    "event": "resolved",
    "time": "2026-09-21T15:14:35.000Z",
    "started": "2026-09-21T14:13:35.000Z",
    "value_ratio": None,
    "ceiling_ratio": 0.4,
    "value": None,
    "level": 0.4,
    "unit": "ratio",
    "historical": False,
    "reason": "the host was retired",
}


def page(*items, total=None):
    more = "more" if total else None
    return {"items": list(items), "total": total or len(items), "next_cursor": more}


@pytest.fixture
def collector(tmp_path):
    """Serve pages by path on an admin socket; what was asked is kept."""
    pages: dict[str, object] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = json.dumps(pages[self.path.split("?")[0]]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "admin"

        def log_message(self, *args):
            pass

    server = socketserver.UnixStreamServer(str(tmp_path / "admin.sock"), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield pages, asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        result = CliRunner().invoke(command, [*arguments, "--data", str(tmp_path)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    return run


def test_open_alerts_are_a_table_with_what_went_wrong(collector, run):
    pages, asked = collector
    pages["/api/v1/alerts"] = page(FIRING)
    text = run()
    assert asked == ["/api/v1/alerts?limit=100"]
    for part in (
        "firing",
        "web-1[red] (simulated)",
        "dc1/c1",
        "80.0%",
        "40.0%",
        "09-21 14:13Z",
        "no: answered HTTP 404",
    ):
        assert part in text
    assert "shown" not in text


def test_what_the_receiver_accepted_says_when(collector, run):
    pages, _ = collector
    told = {**FIRING, "notified": "2026-09-21T14:20:00.000Z", "problem": ""}
    pages["/api/v1/alerts"] = page(told)
    assert "09-21 14:20Z" in run()


def test_the_history_of_one_host_says_when_there_is_more(collector, run):
    pages, asked = collector
    pages["/api/v1/alerts/history"] = page(PAST, total=7)
    text = run("--history", "--host", "web-1", "--limit", "1")
    assert asked == ["/api/v1/alerts/history?limit=1&host=web-1"]
    assert "resolved" in text
    assert "the host was retired" in text
    assert "1 of 7 shown" in text


def test_json_is_the_apis_own(collector, run):
    pages, _ = collector
    pages["/api/v1/alerts"] = page(FIRING)
    assert json.loads(run("--json")) == page(FIRING)


def test_without_alerts_it_says_so(collector, run):
    pages, _ = collector
    pages["/api/v1/alerts"] = pages["/api/v1/alerts/history"] = page()
    assert run() == "No alert is open.\n"
    assert run("--history") == "No alert has fired yet.\n"


def test_without_a_collector_there_is_one_clear_line(run):
    with pytest.raises(CliError, match="no collector runs"):
        run()
