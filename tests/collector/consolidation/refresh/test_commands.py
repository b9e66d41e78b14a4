"""headroom waste, forecast and refresh over a real admin socket and the real store."""

import asyncio
import json
from datetime import date
from types import SimpleNamespace

import pytest
import typer
from fastapi import FastAPI
from typer.testing import CliRunner

from headroom_collector.api import forecast as forecast_api
from headroom_collector.api import refresh as refresh_api
from headroom_collector.api import waste as waste_api
from headroom_collector.cli import forecast, refresh, waste, words
from headroom_collector.cli.client import SOCKET, CliError
from headroom_collector.config import CollectorConfig
from headroom_collector.http import HttpServer, listen_unix
from headroom_core.estate import Member, Placement
from headroom_core.settings import SettingsError

GIB = 1 << 30


class Places:
    def member(self, host):
        bought = date(2016, 7, 1) if host.startswith("o") else None
        return Member(host, Placement("paris", "[web]", purchase_date=bought, assigned=True))


@pytest.fixture
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def run(past, data):
    """Run `headroom ARGUMENTS` against a collector with that past; returns its result."""
    app = FastAPI()
    app.state.services = SimpleNamespace(
        store=past.store,
        book=Places(),
        config=CollectorConfig(data=data),
        clock=past.clock,
        plans=None,
    )
    for router in (waste_api.router, forecast_api.router, refresh_api.router):
        app.include_router(router)
    commands = typer.Typer()
    for command in (waste.waste, forecast.forecast, refresh.refresh):
        commands.command()(command)

    async def ask(arguments):
        server = HttpServer(app, listen_unix(data / SOCKET))
        await server.start()
        try:
            return await asyncio.to_thread(
                CliRunner().invoke,
                commands,
                [*arguments, "--data", str(data)],
                env={"COLUMNS": "80"},
            )
        finally:
            await server.stop()

    return lambda *arguments: asyncio.run(ask(arguments))


@pytest.fixture
def estate(past):
    for number in range(6):
        host = f"o{number}"
        past.host(host, vms=[f"{host}-v"], domains_running=1, facts={"cores": 44})
        known = {"memory_used_bytes_max": 4 * GIB, "memory_total_bytes_max": 64 * GIB}
        load = (0.1, 0.3) if number else 0.01
        past.past("host", host, step=2, cpu_utilisation_ratio_mean=load, **known)
        past.past(
            "vm", host, f"{host}-v", days=20, state_mean=1.0, state_max=1,
            cpu_utilisation_ratio_mean=0.5, vcpus_max=4, memory_bytes_max=4 * GIB,
        )  # fmt: skip
    return past


def narrow(output):
    return max(len(line) for line in output.splitlines()) <= 80 and "…" not in output


def test_waste_names_the_idle_host_with_evidence_and_cost(run, estate):
    output = run("waste").output
    assert narrow(output)
    assert "idle host" in output
    assert "busiest 5 minutes 1.0% CPU" in output
    assert "past its age" in output
    assert "The power of 6 of 6 hosts is unknown and not counted." in output
    report = json.loads(run("waste", "--json").output)
    idle = next(found for found in report["findings"] if found["kind"] == "idle host")
    assert (idle["name"], idle["cluster"], idle["counted"]) == ("o0", "[web]", True)
    assert idle["since"].endswith("T00:00:00.000Z")
    counted = [one["cost_per_year"] for one in report["findings"] if one["counted"]]
    assert report["total_per_year"] == pytest.approx(sum(cost or 0 for cost in counted))


def test_waste_of_a_young_estate_says_why_nothing_is_found(run, past):
    past.host("new")
    output = run("waste").output
    assert "Nothing found: 1 host and 0 virtual machines looked at." in output
    assert "Only 0 days of history: verdicts on what does nothing need 14." in output


def test_forecast_says_when_the_ceiling_is_passed_and_what_fits(run, estate):
    output = run("forecast").output
    assert narrow(output)
    assert "paris/[web]" in output
    report = json.loads(run("forecast", "--json").output)
    (cluster,) = report["clusters"]
    assert cluster["direction"] == "rising"
    crossing = cluster["crossing"]
    assert crossing["earliest"] <= crossing["likely"] <= crossing["latest"]
    assert crossing["likely"][:10] in output
    assert cluster["fits"]["at_least"] <= cluster["fits"]["at_most"]
    assert "the median VM of 6 uses 2.00 of 4 vCPUs (2.00 at most), 4.0 GiB." in output


def test_forecast_without_history_says_that_no_trend_can_be_told(run, past):
    past.host("new", cpu_utilisation_ratio=0.1)
    output = run("forecast").output
    assert "0 days: too few" in output
    assert "No trend can be told from 0 complete days; 21 are needed." in " ".join(output.split())


def test_refresh_puts_emptying_before_buying(run, estate):
    output = run("refresh", "--older-than", "4", "--price", "9000").output
    assert narrow(output)
    assert output.index("empty and power off") < output.index("buy newer for the old")
    assert "throughput ratio" in output
    report = json.loads(run("refresh", "--json", "--older-than", "4", "--price", "9000").output)
    assert [line["step"] for line in report["lines"]] == [
        "retirement",
        "consolidation",
        "refresh",
    ]
    assert report["model"]["price"] == 9000
    direct = report["direct"]
    assert direct["hosts_needed"] == pytest.approx(
        direct["hosts_old"]
        / (direct["throughput_ratio"] * direct["utilisation_gain"])
        * direct["packing_loss"]
    )


def test_the_users_prices_and_models_are_used(run, estate, data):
    (data / "estate.toml").write_text(
        '[energy]\nprice_per_kwh = 0.3\n[models."big"]\ncores = 128\ngeneration = 2025\n'
    )
    report = json.loads(run("refresh", "--json", "--model", "big").output)
    assert report["model"]["cores"] == 128
    inputs = json.loads(run("refresh", "--inputs", "--json").output)
    own = {one["key"]: one for one in inputs["inputs"]}["energy.price_per_kwh"]
    assert (own["value"], own["origin"]) == (0.3, "yours")
    shown = run("refresh", "--inputs").output
    assert narrow(shown)
    assert "yours: estate.toml" in shown
    assert "not counted until you state it" in " ".join(shown.split())
    assert "location-based" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["refresh", "--model", "huge"], "no model 'huge'"),
        (["refresh", "--scenario", "2008-2010"], "no medians of 2010: expected one of 2008"),
        (["refresh", "--scenario", "x"], "expected two years such as 2008-2012"),
        (["refresh", "--estate", "x.toml"], "--estate goes with --scenario"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(run, past, arguments, said):
    result = run(*arguments)
    assert isinstance(result.exception, CliError)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)


def test_prices_that_cannot_be_used_are_said_with_file_and_key(run, past, data):
    (data / "estate.toml").write_text("[energy]\nprize_per_kwh = 1\n")
    result = run("waste")
    assert isinstance(result.exception, CliError)
    assert "unknown key 'energy.prize_per_kwh'; did you mean 'price_per_kwh'?" in str(
        result.exception
    )


def scenario(*arguments):
    app = typer.Typer()
    app.command()(refresh.refresh)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})


def test_a_scenario_needs_no_collector():
    result = scenario("--scenario", "2008-2012", "--data", "/nonexistent")
    assert result.exit_code == 0, result.output
    assert narrow(result.output)
    said = " ".join(result.output.split())
    assert (
        "1000 / (throughput ratio 5.27 x utilisation gain 4.00) x packing loss 1.55 = 74" in said
    )
    assert "190 by throughput alone" in said
    assert "'1,000 by 200 or fewer' holds by throughput alone" in said


def test_a_scenario_with_the_users_prices(tmp_path):
    path = tmp_path / "estate.toml"
    path.write_text('currency = "EUR"\n[staff]\nrate_per_hour = 50\n')
    report = json.loads(
        scenario("--scenario", "2021-2025", "--estate", str(path), "--json").output
    )
    assert report["currency"] == "EUR"
    assert report["lines"][1]["saved_per_year"]["energy"] is None
    missing = scenario("--scenario", "2021-2025", "--estate", str(tmp_path / "no.toml"))
    assert isinstance(missing.exception, SettingsError)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0.0, "0"), (123_456.0, "123,500"), (-99.6, "-100"), (1_234_567.0, "1,235,000")],
)
def test_sums_are_rounded_to_what_they_are_worth(value, said):
    assert words.money(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "never"), (0.0, "at once"), (0.1, "1 month"), (1.5, "18 months"), (2.5, "2.5 years")],
)
def test_a_payback_is_said_in_a_unit_that_fits(value, said):
    assert words.years(value) == said
