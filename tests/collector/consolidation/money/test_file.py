"""Prices of the estate: defaults with their source, the user's own, and what is refused."""

from dataclasses import fields
from pathlib import Path

import pytest

from headroom_collector.consolidation.money import schema
from headroom_collector.consolidation.money.defaults import INPUTS
from headroom_collector.consolidation.money.file import GROUPS, load_prices, prices_of
from headroom_core.settings import SettingsError

SAMPLE = Path(__file__).parents[4] / "deploy" / "config" / "estate.toml"


def known(prices):
    return {figure.key: figure for figure in prices.stated()}


def test_every_default_says_where_it_is_from_and_lies_in_its_range():
    for figure in load_prices(None).stated():
        assert figure.source, figure
        assert figure.low <= figure.value <= figure.high, figure
        assert figure.origin == "default"


def test_the_file_and_the_list_of_inputs_have_the_same_keys():
    file = schema.EstateFile()
    keys = [f"{group}.{one.name}" for group in GROUPS for one in fields(getattr(file, group))]
    assert sorted(keys) == sorted(one.key for one in INPUTS)


def test_the_documented_sample_is_read_and_states_the_defaults():
    sample, defaults = load_prices(SAMPLE), load_prices(None)
    assert sample.rates() == defaults.rates()
    assert {figure.origin for figure in sample.stated()} == {"yours"}


def test_every_line_of_the_sample_that_is_commented_out_can_be_used(tmp_path):
    text = SAMPLE.read_text()
    head, tail = text[: text.index("# Licences: price")], text[text.index("# [[licences]]") :]
    used = "\n".join(line.removeprefix("# ") for line in tail.splitlines() if not _prose(line))
    optional = head.replace("# purchase", "purchase").replace("# decom", "decom")
    path = tmp_path / "estate.toml"
    path.write_text(optional + used)
    prices = load_prices(path)
    assert prices.licences[0].minimum_total == 72
    assert prices.models["dense"].memory_gib == 1536
    assert None not in prices.figures.values()


def _prose(line):
    return (line.startswith("# ") and "=" not in line and "[" not in line) or line.startswith(
        ("# (SPEC", "# Servers that")
    )


def test_a_figure_of_the_users_is_theirs_and_the_others_stay_defaults():
    table = {
        "energy": {"price_per_kwh": {"value": 0.2, "low": 0.1, "high": 0.4, "source": "bill"}}
    }
    figures = known(prices_of(table, "estate.toml"))
    own = figures["energy.price_per_kwh"]
    assert (own.value, own.low, own.high, own.source, own.origin) == (
        0.2,
        0.1,
        0.4,
        "bill",
        "yours",
    )
    assert figures["energy.pue"].origin == "default"


def test_the_grids_factor_says_by_which_method_it_is_reckoned():
    (default,) = [one for one in load_prices(None).stated() if one.key == "energy.grid_kg_per_kwh"]
    assert "location-based" in default.method
    own = {"value": 0.05, "source": "operator", "method": "market-based, life cycle"}
    table = {"energy": {"grid_kg_per_kwh": own}}
    assert known(prices_of(table, "x"))[default.key].method == "market-based, life cycle"


def test_a_plain_number_is_certain():
    figure = known(prices_of({"energy": {"pue": 2}}, "x"))["energy.pue"]
    assert (figure.low, figure.value, figure.high) == (2.0, 2.0, 2.0)


def test_defaults_are_never_converted_to_another_currency():
    prices = prices_of({"currency": "EUR", "staff": {"rate_per_hour": 60}}, "x")
    assert prices.figures["energy.price_per_kwh"] is None
    assert known(prices)["staff.rate_per_hour"].value == 60
    assert known(prices)["energy.pue"].value == 1.5


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"energy": {"pue_": 1.5}}, "unknown key 'energy.pue_'; did you mean 'pue'?"),
        ({"energy": {"pue": "1.5"}}, "'energy.pue' = '1.5': expected a table"),
        ({"energy": {"pue": True}}, "'energy.pue' = True: expected a table"),
        ({"energy": {"pue": {"value": 2, "low": 3}}}, "expected low <= value <= high"),
        ({"rack": {"unit_per_year": -1}}, "rack.unit_per_year: -1: expected 0 or more"),
        ({"finance": {"discount_ratio": 8}}, "expected at most 1; did you mean 0.08?"),
        ({"licences": [{"name": "a", "price_per_year": 1, "per": "cpu"}]}, "expected 'core'"),
        ({"licences": [{"name": "a", "price_per_year": 1}] * 2}, "licence 'a' is there twice"),
        ({"licences": [{"name": "a"}]}, "price_per_year"),
        ({"models": {"m": {"cores": 8}}}, "expected generation (a year) or throughput"),
        ({"models": {"m": {"cores": 0, "generation": 2025}}}, "at least 1 of each"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_file_and_key(table, said):
    with pytest.raises(SettingsError) as caught:
        prices_of(table, "estate.toml")
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith("estate.toml: ")
    assert said in caught.value.lines[0]
