"""Headroom over HTTP and on the command line, over a real admin socket."""

import asyncio
import json
from types import SimpleNamespace

import pytest
import typer
from fastapi import FastAPI
from typer.testing import CliRunner

from headroom_collector.api.headroom import router
from headroom_collector.cli import plan
from headroom_collector.cli.client import SOCKET, CliError
from headroom_collector.config import CollectorConfig
from headroom_collector.http import HttpServer, listen_unix

BUCKET = 300 * 1_000_000_000
NOW = 1_790_000_000 * 1_000_000_000 // BUCKET * BUCKET
GIB = 2**30


@pytest.fixture
def fleet(readings, estate):
    """Ten simulated hosts in Paris that use a tenth of 16 cores, one host in Lyon at its ceiling."""
    for number in range(10):
        row = readings.host(f"p{number}", simulated=True)
        samples(readings, row, 0.1, domains_running=3)
        readings.power(row, 150.0)
    estate.places["lyon1"] = ("lyon", "[db]")
    samples(readings, readings.host("lyon1"), 0.5)
    return SimpleNamespace(
        store=readings,
        book=estate,
        config=CollectorConfig(),
        clock=SimpleNamespace(now=lambda: NOW),
    )


def samples(readings, row, ratio, **values):
    for number in range(5):
        readings.sample(
            row,
            NOW - BUCKET + number * BUCKET // 5,
            cpu_utilisation_ratio=ratio,
            memory_total_bytes=64 * GIB,
            memory_used_bytes=GIB,
            **values,
        )


@pytest.fixture
def headroom(fleet, tmp_path):
    """Run `headroom plan ARGUMENTS` against a collector with that fleet; returns its result."""
    app = FastAPI()
    app.state.services = fleet
    app.include_router(router)
    command = typer.Typer()
    command.command()(plan.plan)

    async def run(arguments):
        server = HttpServer(app, listen_unix(tmp_path / SOCKET))
        await server.start()
        try:
            return await asyncio.to_thread(
                CliRunner().invoke,
                command,
                [*arguments, "--data", str(tmp_path)],
                env={"COLUMNS": "80"},
            )
        finally:
            await server.stop()

    return lambda *arguments: asyncio.run(run(arguments))


def test_the_report_has_units_basis_and_the_estates_total(headroom):
    result = headroom("--bound", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    lyon, paris = report["clusters"]
    assert (paris["hosts_present"], paris["hosts_needed"], paris["hosts_freeable"]) == (10, 3, 7)
    assert (paris["vms_per_host"], paris["power_watts"]) == (3.0, 1500.0)
    assert paris["power_watts_by_kind"] == {"modelled": 1500.0}
    assert paris["basis"]["cpu_unit"] == "cores"
    assert paris["basis"]["peak_at"] == "2026-09-21T14:05:00Z"
    assert (lyon["hosts_needed"], lyon["hosts_freeable"], lyon["beyond"]) == (2, 0, True)
    # lyon lacks a host, and nothing but its own one can be needed there: the total adds up.
    whole = report["total"]
    assert (whole["hosts_present"], whole["hosts_needed"], whole["hosts_freeable"]) == (11, 4, 7)
    assert (report["what_if"], report["ceiling_ratio"]) == (False, 0.4)


def test_another_ceiling_gives_another_bound(headroom):
    report = json.loads(headroom("--bound", "--json", "--ceiling", "0.8").output)
    assert [cluster["hosts_needed"] for cluster in report["clusters"]] == [1, 2]
    assert (report["what_if"], report["ceiling_ratio"]) == (True, 0.8)


def test_the_table_says_what_it_is_and_what_it_is_not(headroom):
    output = headroom("--bound").output
    (paris,) = [line for line in output.splitlines() if "paris/web" in line]
    assert paris.split() == [
        *["paris/web", "10", "3", "7", "3.0"],
        "1,500",
        "W",
        "low",
        "(5",
        "minutes)",
    ]
    assert "Under the estate's ceiling of 40% CPU" in output
    assert "not yet a plan of moves" in output
    assert "lyon/[db]: demand was more than all its hosts may carry" in output
    assert "*: power is known of 10 of 11 hosts" in output
    assert "low: less than 21 days of history" in output
    assert "Simulated hosts" in output


def test_an_estate_without_hosts_is_said_in_one_line(headroom, readings):
    readings.rows.clear()
    assert (
        headroom("--bound").output == "No host has reported yet: start an agent, then ask again.\n"
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.2", "40"])
def test_a_ceiling_that_is_no_ratio_is_refused(headroom, value):
    result = headroom("--ceiling", value)
    assert isinstance(result.exception, CliError)
    assert "expected a ratio above 0 and up to 1" in str(result.exception)


def test_a_percentage_gets_the_ratio_it_meant(headroom):
    assert "did you mean 0.4?" in str(headroom("--ceiling", "40").exception)


def test_the_table_fits_a_terminal_of_80_columns(headroom):
    output = headroom("--bound").output
    assert max(len(line) for line in output.splitlines()) <= 80
    assert "…" not in output
    assert "paris/web" in output


@pytest.mark.parametrize(
    ("watts", "partial", "said"),
    [(999.6, False, "1,000 W"), (12_345.0, True, "12.3 kW*"), (None, True, "-")],
)
def test_power_is_said_in_a_unit_that_fits(watts, partial, said):
    assert plan.power(watts, partial=partial) == said
