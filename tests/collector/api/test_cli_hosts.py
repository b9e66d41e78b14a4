import asyncio
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headroom_collector.api.app import make_app
from headroom_collector.cli import hosts
from headroom_collector.cli.client import SOCKET, CliError
from headroom_collector.http import HttpServer, listen_unix

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
Run = Callable[..., Result]


@pytest.fixture
def data(services) -> Iterator[Path]:
    """A data folder with a collector's admin socket, which answers."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:  # a socket's path has to be short
        server = HttpServer(make_app(services, admin=True), listen_unix(Path(folder) / SOCKET))
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield Path(folder)
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def run(data: Path) -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "80"}).invoke(
            hosts.app, ["--data", str(data), *arguments]
        )

    return invoke


def test_hosts_are_a_table_with_units_for_people(run: Run, fleet, clock) -> None:
    fleet.host("db-1", 0.7, fleet.power(300.0, clock.time))
    fleet.host("stray", 0.1, simulated=True)

    text = run().stdout

    (db,) = [line for line in text.splitlines() if "db-1" in line]
    for figure in ("par1/db", "present", "! 70% / 60%", "25%", "~300 W"):
        assert figure in db
    (stray,) = [line for line in text.splitlines() if "stray" in line]
    assert "simulated" in stray
    assert "(unassigned)" in stray
    assert "Power: ~ is modelled, not measured." in text
    assert max(map(len, text.splitlines())) <= 80
    assert "1 of 2 without a site and cluster: name them in the inventory." in text
    assert "\x1b" not in text


def test_hosts_are_json_for_programs_over_all_pages(
    run: Run, fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "PAGE", 1)
    for name in ("web-1", "web-2", "db-1"):
        fleet.host(name, 0.1)

    found = json.loads(run("--json", "--sort", "-name").stdout)
    assert [host["name"] for host in found] == ["web-2", "web-1", "db-1"]
    assert [host["name"] for host in json.loads(run("--json", "--site", "par1").stdout)] == [
        "db-1"
    ]


def test_an_empty_estate_says_what_to_do(run: Run) -> None:
    assert run().stdout == "No host has reported yet: start an agent, ask again.\n"
    assert run("--site", "x").stdout == "No host fits.\n"


def test_a_host_is_retired_restored_maintained_and_renamed(run: Run, fleet, services) -> None:
    fleet.host("web-1", 0.1)
    fleet.host("web-2", 0.1)

    said = [
        run("retire", "web-1", "web-2", "--reason", "freed").stdout,
        run("restore", "web-1").stdout,
        run("maintenance", "web-1", "--until", "2035-01-01T00:00Z").stdout,
        run("maintenance", "web-1").stdout,
        run("rename", "web-1", "web-9").stdout,
        run("reload").stdout,
    ]

    assert said == [
        "web-1 is retired.\nweb-2 is retired.\n",
        "web-1 is present.\n",
        "web-1 is in maintenance until 2035-01-01T00:00:00.000Z.\n",
        "web-1 is in maintenance until it is restored.\n",
        "web-1 is now web-9; its history goes with it.\n",
        "web-1: added to fra1/web\nweb-2: added to fra1/web\n",
    ]
    written = services.store.query("SELECT DISTINCT author FROM lifecycle").to_pylist()
    assert written == [{"author": hosts.user()}]


def test_what_the_collector_refuses_is_the_users_one_line(run: Run, fleet) -> None:
    fleet.host("web-1", 0.1)

    for arguments in (["retire", "web-2"], ["rename", "web-1", "web 9"], ["--sort", "age"]):
        error = run(*arguments).exception
        assert isinstance(error, CliError)
        assert len(str(error).splitlines()) == 1


def test_without_a_collector_one_line_says_how_to_start_one(tmp_path: Path) -> None:
    error = CliRunner().invoke(hosts.app, ["--data", str(tmp_path)]).exception

    assert isinstance(error, CliError)
    assert "headroom up --data" in str(error)


def test_an_end_is_a_length_or_a_time() -> None:
    assert hosts.end_of("90m", NOW) == "2027-01-15T09:30:00+00:00"
    assert hosts.end_of("2d", NOW) == "2027-01-17T08:00:00+00:00"
    for text in ("2027-01-15T09:00Z", "2027-01-15T10:00+01:00"):
        assert datetime.fromisoformat(hosts.end_of(text, NOW)) == NOW.replace(hour=9)
    for text in ("soon", "2x", "", "99999h"):
        with pytest.raises(CliError, match="expected a length such as 90m"):
            hosts.end_of(text, NOW)


def test_a_silent_host_and_a_stopped_one_are_told_apart() -> None:
    host = {"status": "present", "status_until": None, "silent": True, "goodbye": None}
    at = "2027-01-15T12:00:00.000Z"

    assert hosts.status(host, NOW) == "silent"
    assert hosts.status({**host, "goodbye": at}, NOW) == "stopped"
    assert hosts.status({**host, "status": "retired"}, NOW) == "retired"
    away = {**host, "status": "maintenance", "status_until": at}
    assert hosts.status(away, NOW) == "maintenance for 4 h, silent"


def test_targets_are_the_file_that_prometheus_reads(run: Run, fleet, tmp_path: Path) -> None:
    fleet.host("web-1", 0.2)
    fleet.host("db-1", 0.2)
    folder = tmp_path / "prometheus"
    folder.mkdir()
    file = folder / "headroom.json"
    done = run("targets", "--output", str(file), "--site", "fra1", "--suffix", ".example.net")
    assert done.stdout == f"1 hosts in {file}\n"
    (group,) = json.loads(file.read_text())
    assert group["targets"] == ["web-1.example.net:9100"]
    assert list(folder.iterdir()) == [file]
    assert json.loads(run("targets", "--site", "fra1").stdout)[0]["labels"]["site"] == "fra1"


def test_targets_that_cannot_be_written_are_one_line(run: Run, tmp_path: Path) -> None:
    done = run("targets", "--output", str(tmp_path / "none" / "headroom.json"))
    assert isinstance(done.exception, CliError)
    assert "cannot be written: No such file or directory" in str(done.exception)
