"""Reports as plain objects, for JSON: of savings, worth, prices and scenarios."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.savings import Line
from headroom_collector.consolidation.money.worth import Worth, worth
from headroom_collector.consolidation.refresh.generations import DATE, SOURCE, Generation
from headroom_collector.consolidation.refresh.scenario import Scenario

Json = dict[str, Any]


def line_json(line: Line) -> Json:
    """Return one line of the savings; money a year in the estate's currency."""
    return {
        "step": line.step,
        "hosts_out": line.hosts_out,
        "hosts_in": line.hosts_in,
        "kwh_per_year": line.kwh,
        "saved_per_year": dict(line.saved),
        "money_per_year": line.money,
    }


def worth_json(found: Worth) -> Json:
    """Return the worth of a change."""
    return {
        "once": dict(found.once),
        "outcomes": [asdict(one) for one in found.outcomes],
        "bands": [asdict(one) for one in found.bands],
        "break_even_price_by_years": {str(year): one for year, one in found.break_even.items()},
    }


def in_place_share(found: Iterable[Line]) -> float | None:
    """Return the part of the yearly savings that needs no purchase; None where nothing is saved."""
    by_step = {line.step: line.money for line in found}
    everything = sum(by_step.values())
    return None if everything <= 0 else 1 - by_step["refresh"] / everything


def inputs_json(prices: Prices) -> list[Json]:
    """Return every input, None where it is unknown and therefore not counted."""
    return [
        {"key": key} if figure is None else asdict(figure)
        for key, figure in prices.figures.items()
    ]


def _generation(one: Generation) -> Json:
    return {**asdict(one), "source": SOURCE, "date": DATE}


def _by_state(values: Iterable[float]) -> Mapping[str, float]:
    return dict(zip(("today", "emptied", "replaced"), values, strict=True))


def scenario_json(found: Scenario, prices: Prices) -> Json:
    """Return a scenario with all that it rests on."""
    in_place, refresh = (worth(stage, prices) for stage in found.stages)
    return {
        "old": _generation(found.old),
        "new": _generation(found.new),
        "assumptions": asdict(found.assumptions),
        "factors": asdict(found.factors),
        "hosts": {"today": found.assumptions.hosts, **asdict(found.counts)},
        "claim_of_200": {"by_speed_alone": found.holds_alone, "filled": found.holds_filled},
        "watts": _by_state(found.watts),
        "cores": _by_state(found.cores),
        "currency": prices.currency,
        "lines": [line_json(line) for line in found.lines],
        "in_place_share": in_place_share(found.lines),
        "in_place": worth_json(in_place),
        "refresh": worth_json(refresh),
        "carbon": asdict(found.carbon),
        "inputs": inputs_json(prices),
    }
