"""The figures that the pages promise are those that are computed."""

import re
from pathlib import Path

import pytest

from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.consolidation.refresh.generations import GENERATIONS, of_year
from headroom_collector.consolidation.refresh.scenario import Assumptions, run
from headroom_collector.consolidation.waste.findings import Thresholds
from headroom_proto.catalogue import catalogue

DOCS = Path(__file__).parents[3] / "docs"


def rows(page):
    """Return the tables of a page: first cell to the other cells."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line
    ]
    return {first: rest for first, *rest in cells}


def number(text):
    return float(text.replace(",", ""))


def test_the_scenarios_on_the_page_are_the_computed_ones():
    page = rows("refresh.md")
    prices = load_prices(None)
    for column, years in enumerate(((2008, 2012), (2021, 2025))):
        found = run(*years, prices)
        for title, value in (
            ("throughput ratio", found.factors.throughput_ratio),
            ("utilisation gain", found.factors.utilisation_gain),
            ("packing loss", found.factors.packing_loss),
            ("hosts by throughput alone, as idle as before", found.counts.same_use),
            ("hosts filled to the ceiling, perfectly packed", found.counts.filled),
            ("hosts with the packing loss", found.counts.packed),
            ("old hosts, filled likewise, nothing bought", found.counts.kept),
        ):
            assert number(page[title][column]) == pytest.approx(value, abs=0.006), title


def test_the_generations_on_the_page_are_the_shipped_ones():
    page = rows("refresh.md")
    for one in GENERATIONS:
        shown = [number(cell) for cell in page[str(one.year)]]
        known = [one.results, one.ops, one.cores, one.ops_per_core, one.idle_watts, one.full_watts]
        assert shown == known


def test_the_speed_of_a_core_is_as_the_page_says():
    before, middle, after = (of_year(year).ops_per_core for year in (2008, 2012, 2025))
    assert (round(after / middle, 1), round(middle / before, 1)) == (1.2, 2.6)


def test_the_thresholds_on_the_page_are_those_in_use():
    limits = Thresholds()
    text = " ".join((DOCS / "money.md").read_text(encoding="utf-8").split())
    assert f"no 5 minutes above {limits.idle_ratio:.0%}".replace("%", " %") in text
    for words in (
        f"for {limits.idle_days} days",
        f"for {limits.comatose_days} days",
        f"its peak and {limits.spare_ratio * 100:.0f} % more",
        f"fewer than {limits.density:g} virtual machines",
    ):
        assert words in text, words


def test_busier_hosts_need_as_many_as_the_page_says():
    busy = run(2021, 2025, load_prices(None), Assumptions(mean_ratio=0.2))
    assert f"{busy.counts.packed} new hosts are needed" in (DOCS / "refresh.md").read_text(
        encoding="utf-8"
    )


def test_the_metrics_that_the_page_names_exist():
    text = (DOCS / "money.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(headroom_[a-z_]+)`", text))
    assert named
    assert named <= catalogue().names()
