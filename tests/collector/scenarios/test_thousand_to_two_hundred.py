"""The claim "1,000 four-year-old servers are replaced by 200", against the committed answers."""

import json
from pathlib import Path

import pytest

from headroom_collector.consolidation.money.file import load_prices, prices_of
from headroom_collector.consolidation.money.quantities import costs
from headroom_collector.consolidation.refresh.generations import GenerationError
from headroom_collector.consolidation.refresh.report import in_place_share, scenario_json
from headroom_collector.consolidation.refresh.scenario import Assumptions, parse, run

COMMITTED = json.loads(
    (Path(__file__).parent / "thousand_to_two_hundred.json").read_text(encoding="utf-8")
)
CLOSE = 0.02


def flat(value, path=""):
    """Yield (path, number or word) of a nested object."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from flat(item, f"{path}/{number}")
    else:
        yield path, value


@pytest.mark.parametrize("years", sorted(COMMITTED))
def test_the_answer_is_the_committed_one(years, capsys):
    prices = load_prices(None)
    found = dict(flat(scenario_json(run(*parse(years), prices), prices)))
    expected = dict(flat(COMMITTED[years]))
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        if isinstance(value, float | int) and not isinstance(value, bool):
            assert found[path] == pytest.approx(value, rel=CLOSE, abs=1e-9), path
        else:
            assert found[path] == value, path
    with capsys.disabled():
        shown = {key: found[f"/factors/{key}"] for key in COMMITTED[years]["factors"]}
        print(f"\n{years}: {shown}")  # noqa: T201 -- shown whenever the tests run


def test_the_claim_held_by_speed_alone_then_and_needs_filled_hosts_today():
    then, now = (run(*parse(years), load_prices(None)) for years in ("2008-2012", "2021-2025"))
    assert (then.counts.same_use, then.holds_alone, then.holds_filled) == (190, True, True)
    assert (now.counts.same_use, now.holds_alone, now.holds_filled) == (396, False, True)


def test_hosts_that_were_twice_as_busy_do_not_bear_the_claim_out_today():
    busy = run(2021, 2025, load_prices(None), Assumptions(mean_ratio=0.2))
    assert (busy.counts.packed, busy.holds_filled) == (307, False)


def test_with_licences_per_core_most_is_saved_without_buying_anything():
    """Perfect packing: 28.0, then 7.0, then 6.0 million dollars a year for licences."""
    licence = {"name": "hypervisor", "price_per_year": 350, "minimum_per_socket": 16}
    prices = prices_of({"licences": [licence]}, "test")
    found = run(2021, 2025, prices, Assumptions(reached_ratio=0.4))
    assert (found.counts.kept, found.counts.packed) == (250, 99)
    assert found.cores == (80_000, 20_000, 17_028)
    assert found.watts == pytest.approx((163_700, 74_450, 44_400), rel=0.01)
    in_place, refresh = found.stages
    paid = [
        costs(used, prices.rates(), prices.licences)["licence.hypervisor"]
        for used in (in_place.today[0], in_place.after[0], refresh.after[0])
    ]
    assert paid == [28_000_000, 7_000_000, pytest.approx(5_959_800)]
    share = (28_000_000 - 7_000_000) / (28_000_000 - 5_959_800)
    assert share == pytest.approx(0.953, abs=0.001)
    whole_share = in_place_share(found.lines)
    assert whole_share is not None
    assert whole_share > 0.9


@pytest.mark.parametrize("text", ["2008", "2012-2008", "a-b", "2008-", ""])
def test_what_is_no_pair_of_years_is_refused(text):
    with pytest.raises(GenerationError, match="expected two years such as 2008-2012"):
        parse(text)
