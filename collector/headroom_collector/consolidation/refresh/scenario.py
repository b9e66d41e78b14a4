"""
Scenario "1,000 four-year-old servers are replaced by 200", computed for any two generations.

Everything that it assumes is in ``Assumptions``; the machines are the medians of ``generations``.
CPU alone: published results say nothing of the memory that an estate needs.
"""

from dataclasses import dataclass

from headroom_collector.consolidation.money.carbon import Carbon, carbon
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.money.savings import Choice, Line, lines, waterfall
from headroom_collector.consolidation.money.tco import Flow, staged
from headroom_collector.consolidation.refresh.factors import Counts, Factors, count
from headroom_collector.consolidation.refresh.generations import (
    Generation,
    GenerationError,
    of_year,
)
from headroom_core.ceiling import DEFAULT_RATIO

CLAIM = 200
"""Hosts that the claim leaves of 1,000."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """
    What the scenario takes for given; ratios 0..1.

    ``reached_ratio``: mean utilisation of hosts packed under a 40 % ceiling in every sample, 25.8 %
    measured on a day of 1,052 PlanetLab machines (17 % on 30 days of Bitbrains, where the loss is
    accordingly greater). It is taken in proportion for another ceiling.
    """

    hosts: int = 1000
    mean_ratio: float = 0.10
    ceiling_ratio: float = DEFAULT_RATIO
    reached_ratio: float = 0.258
    vms_per_host: float = 7.5

    @property
    def packing_loss(self) -> float:
        """Ceiling over what packed hosts reach on average, at the ceiling where it was measured."""
        return DEFAULT_RATIO / self.reached_ratio


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    Its answer. Watts and cores of the whole estate: today, emptied in place, and replaced.

    ``lines``: savings a year by step; ``stages``: quantities over the years, first without a purchase,
    then of the refresh upon that.
    """

    old: Generation
    new: Generation
    assumptions: Assumptions
    factors: Factors
    counts: Counts
    watts: tuple[float, float, float]
    cores: tuple[int, int, int]
    lines: list[Line]
    stages: tuple[Flow, Flow]
    carbon: Carbon
    holds_alone: bool
    """Whether faster machines alone, as idle as the old ones, bear the claim out."""
    holds_filled: bool
    """Whether it is borne out once the machines are filled, too."""


def parse(text: str) -> tuple[int, int]:
    """Split ``2008-2012``; raises GenerationError."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise GenerationError(f"{text!r}: expected two years such as 2008-2012")
    return int(first), int(last)


def _old_hosts(old: Generation, given: Assumptions, age: float) -> list[Asset]:
    watts, idle = old.watts(given.mean_ratio), old.idle_watts
    return [
        Asset(
            f"old-{number}",
            cores=old.cores,
            sockets=2,
            watts=watts,
            idle_watts=idle,
            age_years=age,
        )
        for number in range(given.hosts)
    ]


def _choice(
    hosts: list[Asset], counts: Counts, new: Generation, utilisation: float, vms: float
) -> Choice:
    names = [host.name for host in hosts]
    watts = new.watts(utilisation)
    bought = Asset("new", cores=new.cores, sockets=2, watts=watts, age_years=0.0)
    emptied = len(names) - counts.kept
    return Choice(
        empty=frozenset(names[:emptied]),
        replace=frozenset(names[emptied:]),
        new=[bought] * counts.packed,
        vms=round(emptied * vms),
        # What was moved together in the first step moves once more in the second.
        refresh_vms=round(len(names) * vms),
        again=1.0,
    )


def run(first: int, last: int, prices: Prices, given: Assumptions | None = None) -> Scenario:
    """Compute the scenario for two years of the table; raises GenerationError."""
    given = given or Assumptions()
    old, new = of_year(first), of_year(last)
    factors = Factors(
        throughput_ratio=new.ops / old.ops,
        utilisation_gain=given.ceiling_ratio / given.mean_ratio,
        packing_loss=given.packing_loss,
    )
    counts = count(given.hosts, factors)
    utilisation = given.hosts * given.mean_ratio * old.ops / (counts.packed * new.ops)
    hosts = _old_hosts(old, given, float(last - first))
    choice = _choice(hosts, counts, new, utilisation, given.vms_per_host)
    steps = waterfall(hosts, choice, prices)
    work = (old.watts(given.mean_ratio) - old.idle_watts) * given.hosts
    return Scenario(
        old=old,
        new=new,
        assumptions=given,
        factors=factors,
        counts=counts,
        watts=(
            given.hosts * old.watts(given.mean_ratio),
            counts.kept * old.idle_watts + work,
            counts.packed * new.watts(utilisation),
        ),
        cores=(given.hosts * old.cores, counts.kept * old.cores, counts.packed * new.cores),
        lines=lines(steps, prices.rates(), prices),
        stages=staged(hosts, choice, prices),
        carbon=carbon(steps.today.kwh - steps.end.kwh, counts.packed, prices.rates()),
        holds_alone=counts.same_use * 1000 <= CLAIM * given.hosts,
        holds_filled=counts.packed * 1000 <= CLAIM * given.hosts,
    )
