"""Money of a plan: what powering off the hosts that it frees saves a year, and what the moves cost once."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.plan_worth import worth_of
from headroom_collector.consolidation.money.quantities import (
    Asset,
    Quantities,
    costs,
    known_sum,
    quantities,
    total,
)
from headroom_collector.consolidation.money.tco import Once, once_cost
from headroom_collector.consolidation.planner.model import NOWHERE, Host, Problem
from headroom_collector.consolidation.planner.savings import Savings, energy


def _asset(host: Host, cores_a_socket: float | None) -> Asset:
    """Return a host of the plan; without sockets in its files, licences per core take its cores."""
    sockets = None if cores_a_socket is None else host.cores / cores_a_socket
    return Asset(
        name=host.name, cores=float(host.cores), sockets=sockets, age_years=host.age_years
    )


def freed(
    problem: Problem, after: Sequence[int], spare: AbstractSet[int] = frozenset()
) -> list[Host]:
    """Return the hosts that nothing runs on afterwards; those left as they are or ``spare`` stay on."""
    used = {host for host in after if host != NOWHERE} | spare
    return [
        host
        for number, host in enumerate(problem.hosts)
        if number not in used and host.status != "excluded"
    ]


def _lines(
    gone: Quantities, whole: Quantities, kwh: float, prices: Prices
) -> dict[str, float | None]:
    rates = prices.rates()
    before = costs(replace(whole, kwh=kwh), rates, prices.licences)
    after = costs(replace(whole - gone, kwh=0.0), rates, prices.licences)
    found: dict[str, float | None] = {}
    for key, cost in before.items():
        left = after[key]
        found[key] = None if cost is None or left is None else cost - left
    return found


def _not_counted(lines: Mapping[str, float | None], off: Quantities) -> list[str]:
    """Return what is in no sum; power is not among it, the plan's own model has it."""
    missing = [
        f"{what} (hosts: {count})" for what, count in off.unknown.items() if what != "power"
    ]
    return sorted([*missing, *(key for key, value in lines.items() if value is None)])


class _Money:
    def __init__(self, prices: Prices, cores_a_socket: float | None) -> None:
        self._prices, self._cores = prices, cores_a_socket

    def __call__(
        self,
        problem: Problem,
        before: Sequence[int],
        after: Sequence[int],
        spare: AbstractSet[int] = frozenset(),
    ) -> dict[str, Any]:
        """Return energy and money; see ``with_money``."""
        prices = self._prices
        found = energy(problem, before, after, spare)
        gone = freed(problem, after, spare)
        assets = [_asset(host, self._cores) for host in problem.hosts]
        names = {host.name for host in gone}
        off = total((asset for asset in assets if asset.name in names), prices)
        kwh = float(found["energy_kwh_per_year"])
        lines = _lines(off, total(assets, prices), kwh, prices)
        moved = sum(
            1 for one, other in zip(before, after, strict=True) if one not in {NOWHERE, other}
        )
        once = once_cost(Once(moved, len(gone), 0), prices.rates())
        return {
            **found,
            "currency": prices.currency,
            "money_per_year": lines,
            "money_per_year_total": known_sum(lines),
            "money_once": {key: value for key, value in once.items() if key != "purchase"},
            "not_counted": _not_counted(lines, off),
            **worth_of(assets, names, moved, found, prices),
        }

    def yearly(
        self, problem: Problem, off: Sequence[int], kwh: Sequence[float]
    ) -> list[float | None]:
        """Return the money saved a year after each further host; what is unknown is left out."""
        assets = [_asset(host, self._cores) for host in problem.hosts]
        whole, gone = total(assets, self._prices), Quantities()
        found: list[float | None] = []
        for host, saved in zip(off, kwh, strict=True):
            gone += quantities(assets[host], self._prices)
            found.append(round(known_sum(_lines(gone, whole, saved, self._prices)), 2))
        return found


def with_money(prices: Prices, cores_a_socket: float | None = None) -> Savings:
    """
    Return the savings of a plan that state money beside energy, in the estate's currency.

    The files of a plan have no sockets: with ``cores_a_socket`` None a licence per core with a minimum
    by socket, and one per socket, is unknown.
    """
    return _Money(prices, cores_a_socket)
