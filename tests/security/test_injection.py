"""
Names of virtual machines that are attacks: harmless in every output that shows them.

``corpus.json`` holds the names; each test below is one output. A name reaches them the way that a
hostile hypervisor's would: in a batch, through validation, into the store.
"""

import asyncio
import json
import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from headroom_collector.alert_settings import Receiver
from headroom_collector.alerts.forms import Given, mail, ntfy, pagerduty, slack, teams, webhook
from headroom_collector.alerts.outbox import Envelope
from headroom_collector.alerts.state import MIGRATIONS as ALERTS
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.cli.__main__ import make
from headroom_collector.config import CollectorConfig, StoreSettings
from headroom_collector.ingest.intake import Sender, intake
from headroom_collector.ingest.settings import Limits
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.security.audit import Audit
from headroom_collector.sinks.influxdb import _tag
from headroom_collector.store.api import Store
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_core.logfmt import FORMATTERS
from headroom_proto.v1 import telemetry_pb2

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parent / "corpus.json").read_text())
NAMES = CORPUS["stored"]


def cycle(names: list[str], now: int) -> telemetry_pb2.Cycle:
    made = telemetry_pb2.Cycle(time_unix_nano=now)
    made.host.cpus = 4
    made.host.cpu_utilisation_ratio = 0.5
    for number, name in enumerate(names):
        vm = made.vms.add(uuid=f"{number:08x}-0000-0000-0000-000000000000", name=name)
        vm.vcpus = 2
        vm.cpu_seconds_total = 10.0
    return made


def sent(names: list[str], now: int, seq: int = 1) -> Any:
    payload = cycle(names, now).SerializeToString()
    batch = telemetry_pb2.Batch(
        epoch=bytes(16), seq=seq, crc32=zlib.crc32(payload), payload=payload
    )
    sender = Sender("web-1", bytes(16), False, "1", 10.0, {})
    return intake(sender, batch, now, Limits(), gap_before=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("injection")
    made = open_store(folder, StoreSettings(), [*MIGRATIONS, *ALERTS], SystemClock())
    for start in range(0, len(NAMES), 10):
        taken = sent(NAMES[start : start + 10], SystemClock().now() - 10**9, start // 10 + 1)
        assert not taken.refused
    made.append(sent(NAMES, SystemClock().now())).result(20)
    yield made
    made.close()


@pytest.fixture(scope="module")
def services(store: Store) -> Services:
    clock = SystemClock()
    return Services(store, Book(store, None, clock), CollectorConfig(), clock, "1")


def get(services: Services, path: str, **query: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(services, admin=True))
        async with httpx.AsyncClient(transport=transport, base_url="http://headroom") as client:
            return await client.get(path, params=query)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", CORPUS["refused"])
def test_control_and_direction_characters_do_not_get_in(name: str) -> None:
    taken = sent([name, "good"], SystemClock().now())
    (rows,) = [group for group in taken.rows if group.kind == "vm"]
    assert [thing.labels["vm"] for _, thing, _ in rows.rows] == ["", "good"]
    assert [refusal.reason for refusal in taken.refused] == ["bad_string"]


class Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag} | {f"{tag}.{name}" for name, _ in attrs}
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert not (value or "").lower().strip().startswith("javascript:"), (tag, name)
        if tag == "script":
            assert dict(attrs).get("src"), "a script that is written into the page"


PAGES = [
    *("/", "/hosts", "/hosts/web-1", "/vms", "/plan", "/waste", "/energy", "/alerts", "/agents"),
    *(f"/vms/{number:08x}-0000-0000-0000-000000000000" for number in range(len(NAMES))),
]
"""Outputs for browsers."""


def test_no_page_takes_a_name_for_markup(services: Services) -> None:
    shown = ""
    for path in PAGES:
        answer = get(services, path)
        assert answer.status_code in {200, 404}, (path, answer.text)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        if answer.headers["content-type"].startswith("text/html"):
            Tags().feed(answer.text)
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
            shown += answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_json_carries_names_as_they_are_and_nothing_takes_it_for_a_page(
    services: Services,
) -> None:
    found = set()
    cursor: str | None = None
    while True:
        query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        answer = get(services, "/api/v1/vms", **query)
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        found |= {vm["name"] for vm in body["items"]}
        cursor = body.get("next")
        if not cursor:
            break
    assert set(NAMES) <= found


def test_prometheus_exposition_reads_back_every_name(services: Services) -> None:
    text = get(services, "/metrics/fleet", vms="1").text
    read = {
        sample.labels["vm"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "vm" in sample.labels
    }
    assert not read or set(NAMES) <= read
    for line in text.splitlines():
        assert line.startswith(("#", "headroom_")) or not line


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_string_of_promql(services: Services, name: str) -> None:
    query = f"headroom_vm_vcpus{{vm={json.dumps(name, ensure_ascii=False)}}}"
    assert promql_parser.parse(query) is not None
    answer = get(services, "/prometheus/api/v1/query", query=query).json()
    assert answer["status"] == "success"
    assert {found["metric"]["vm"] for found in answer["data"]["result"]} <= {name}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_tag_of_the_line_protocol(name: str) -> None:
    line = f"headroom_vm,vm={_tag(name)} cpu=1.0 1"
    assert "\n" not in line
    parts = re.split(r"(?<!\\)[ ]", line)
    assert len(parts) == 3, parts
    tags = re.split(r"(?<!\\),", parts[0])
    assert len(tags) == 2, tags
    assert len(re.split(r"(?<!\\)=", tags[1])) == 2, tags


def given(name: str, **more: Any) -> Given:
    alert = {
        "status": "firing",
        "labels": {"alertname": "HostAboveCeiling", "host": name, "severity": "warning"},
        "annotations": {"summary": f"{name} is above", "description": f"{name} stays above"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://headroom.example/",
        "fingerprint": "0",
    }
    body = {
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {},
        "commonLabels": {"host": name},
        "commonAnnotations": {},
        "externalURL": "https://headroom.example",
        "truncatedAlerts": 0,
    }
    fields = dict.fromkeys(Envelope.__dataclass_fields__)
    fields |= {"id": "1", "group": "g", "payload": json.dumps(body), "created": 10**18}
    receiver = Receiver(
        **{
            "url": "https://x.example/",
            "topic": "t",
            "server": "m:25",
            "sender": "a@b",
            "to": ("c@d",),
        }
        | more
    )
    return Given(receiver, "https://x.example/", "key", Envelope(**fields), 10**18)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_no_message_takes_a_name_for_anything_but_text(name: str) -> None:
    shown = json.loads(slack(given(name)).content)
    for text in (shown["text"], shown["blocks"][0]["text"]["text"]):
        assert "<" not in text
        assert ">" not in text
    card = json.loads(teams(given(name)).content)["attachments"][0]["content"]
    assert {part["type"] for part in card["body"]} == {"RichTextBlock"}
    pushed = json.loads(ntfy(given(name)).content)
    assert not pushed.get("markdown")
    assert pushed["click"] == "https://headroom.example"
    assert json.loads(pagerduty(given(name)).content)["payload"]["source"] == name
    assert json.loads(webhook(given(name)).content)["commonLabels"]["host"] == name
    letter = mail(given(name))
    assert letter.get_content_type() == "text/plain"
    assert letter["Bcc"] is None


@pytest.mark.parametrize("name", [*NAMES, *CORPUS["refused"]])
def test_a_line_of_the_log_stays_one_line(name: str) -> None:
    import logging

    record = logging.LogRecord("x", logging.WARNING, "", 0, "vm %s", (name,), None)
    for formatter in FORMATTERS.values():
        line = formatter().format(record)
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
    caught: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            caught.append(record.getMessage())

    logger = logging.getLogger("headroom.audit")
    handler = Keep()
    logger.addHandler(handler)
    try:
        Audit(SystemClock()).refused("test", "127.0.0.1:1", name, host=name)
    finally:
        logger.removeHandler(handler)
    assert len(caught[0].splitlines()) == 1
    assert caught[0].isprintable()


def test_the_command_line_prints_names_and_takes_none_for_its_markup(tmp_path: Path) -> None:
    import csv

    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for name in NAMES if len(name) < 60]
    with (tmp_path / "hosts.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["host", "cores", "core_mhz", "memory_mib"]]
            + [[f"[/]h{at}", 10, 1000, 10_000] for at in range(4)]
        )
    with (tmp_path / "vms.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["vm", "vcpus", "memory_mib", "host"]]
            + [[name, 1, 100, f"[/]h{at % 4}"] for at, name in enumerate(names)]
        )
    table = {
        "vm": names * 3,
        "timestamp": [1_700_000_000 + 300 * (at // len(names)) for at in range(3 * len(names))],
    }
    pq.write_table(
        pa.table(table | {"cpu_mhz": [50.0] * (3 * len(names))}), tmp_path / "demand.parquet"
    )
    done = CliRunner().invoke(make(), ["plan", "--from", str(tmp_path), "--time-limit", "1"])
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
