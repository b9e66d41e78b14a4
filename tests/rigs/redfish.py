"""A small Redfish server over JSON documents: old and new schema, makers' own, and what goes wrong."""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHASSIS = "/redfish/v1/Chassis"
ONE = f"{CHASSIS}/1"
USER, PASSWORD = "reader", "geheim"
Documents = Mapping[str, Any]


def at(address: str) -> dict[str, str]:
    """Return a link."""
    return {"@odata.id": address}


def tree(chassis: Mapping[str, Any], **documents: Any) -> dict[str, Any]:
    """Return a service with one chassis; further documents by the last part of their address."""
    found = {CHASSIS: {"Members": [at(ONE)]}, ONE: dict(chassis)}
    return found | {f"{ONE}/{name}": document for name, document in documents.items()}


def old(watts: object, **more: Any) -> dict[str, Any]:
    """Return a service of before 2020.4: everything in Power."""
    power = {"PowerControl": [{"PowerConsumedWatts": watts}], **more}
    return tree({"Power": at(f"{ONE}/Power")}, Power=power)


def new(watts: object) -> dict[str, Any]:
    """Return a service that has EnvironmentMetrics, and an old Power that it no longer fills."""
    links = {"EnvironmentMetrics": at(f"{ONE}/Env"), "Power": at(f"{ONE}/Power")}
    power = {"PowerControl": [{"PowerConsumedWatts": None}]}
    return tree(links, Env={"PowerWatts": {"Reading": watts}}, Power=power)


def supplies(*watts: object) -> dict[str, Any]:
    """Return a service that has the inputs of its power supplies only."""
    found = tree(
        {"PowerSubsystem": at(f"{ONE}/Sub")},
        Sub={"PowerSupplies": at(f"{ONE}/PSUs")},
        PSUs={"Members": [at(f"{ONE}/PSU{n}") for n in range(len(watts))]},
    )
    for n, value in enumerate(watts):
        found[f"{ONE}/PSU{n}"] = {"Metrics": at(f"{ONE}/PSU{n}/Metrics")}
        found[f"{ONE}/PSU{n}/Metrics"] = {"InputPowerWatts": {"Reading": value}}
    return found


def fujitsu(watts: object) -> dict[str, Any]:
    """Return a service that has its power in the maker's own block only."""
    block = {"ChassisPowerConsumption": {"CurrentPowerConsumptionW": watts}}
    found = old(None)
    found[f"{ONE}/Power"] = {"Oem": {"ts_fujitsu": block}}
    return found


@dataclass
class Service:
    """What the server gives; may be changed while it runs."""

    documents: Documents
    url: str = ""
    delay_seconds: float = 0.0
    status: int = 200
    asked: list[str] = field(default_factory=list)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    want = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            service.asked.append(self.path)
            time.sleep(service.delay_seconds)
            status, body = service.status, b"not a document"
            if self.headers.get("Authorization") != want:
                status = 401
            elif self.path not in service.documents:
                status = 404
            elif status == 200:
                document = service.documents[self.path]
                body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serving(documents: Documents) -> Iterator[Service]:
    """Serve the documents on loopback, to USER with PASSWORD."""
    service = Service(documents)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
