"""Hosts that are waste: without work, past their age, out of warranty."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from headroom_collector.consolidation.money.assets import YEAR_DAYS, Held
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import host_costs, known_sum
from headroom_collector.consolidation.waste.days import Row, Stretch, below, days, stretch, when
from headroom_collector.consolidation.waste.findings import Finding, Thresholds


def cost_of(held: Held, prices: Prices) -> float | None:
    """Return what a host costs a year, None where nothing of it is known."""
    lines = host_costs(held.asset, prices)
    return known_sum(lines) if any(value is not None for value in lines.values()) else None


def long_enough(found: Stretch, least: int, limits: Thresholds) -> bool:
    """Say whether a stretch is long and known enough to be evidence."""
    return found.length >= least and found.share >= limits.known_share


def idle_host(
    held: Held, peaks: Row, first_day: int, prices: Prices, limits: Thresholds
) -> Finding | None:
    """Return the finding that a host does nothing; ``peaks``: its greatest 5-minute mean each day."""
    found = stretch(below(peaks, limits.idle_ratio))
    if not long_enough(found, limits.idle_days, limits):
        return None
    busiest = float(np.nanmax(peaks[found.first :]))
    carries = "" if held.vms is None else f", runs {held.vms} VMs"
    evidence = (
        f"busiest 5 minutes {busiest:.1%} CPU in {days(found.length)}"
        f" ({found.share:.0%} of them measured){carries}"
    )
    comatose = found.length >= limits.comatose_days
    return Finding(
        kind="comatose host" if comatose else "idle host",
        name=held.name,
        host=held.name,
        site=held.place.site,
        cluster=held.place.cluster,
        since=when(first_day, found.first),
        at_least=found.at_least,
        evidence=evidence,
        cost_per_year=cost_of(held, prices),
        counted=True,
    )


def _after(purchased: date, years: float) -> int:
    day = purchased + timedelta(days=round(years * YEAR_DAYS))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * 1_000_000_000


def old_host(held: Held, prices: Prices, *, counted: bool) -> Finding | None:
    """Return the finding that a host is past its age or warranty; None where its age is unknown."""
    rates, age = prices.rates(), held.asset.age_years
    if age is None or held.purchased is None:
        return None
    life, warranty = rates["host.life_years"], rates["host.warranty_years"]
    if age < min(life, warranty):
        return None
    past = age >= life
    limit = life if past else warranty
    return Finding(
        kind="past its age" if past else "out of warranty",
        name=held.name,
        host=held.name,
        site=held.place.site,
        cluster=held.place.cluster,
        since=_after(held.purchased, limit),
        at_least=False,
        evidence=f"bought {held.purchased}, {age:.1f} years old; limit {limit:g} years",
        cost_per_year=rates.get("host.support_per_year") if age >= warranty else None,
        counted=counted,
    )


def host_findings(
    hosts: Sequence[Held],
    peaks: Mapping[str, Row],
    first_day: int,
    prices: Prices,
    limits: Thresholds,
) -> list[Finding]:
    """Return what is found of hosts; support of an idle host is within the cost of that host."""
    found = []
    for held in hosts:
        row = peaks.get(held.name)
        idle = None if row is None else idle_host(held, row, first_day, prices, limits)
        old = old_host(held, prices, counted=idle is None)
        found += [one for one in (idle, old) if one is not None]
    return found


def low_density(hosts: Sequence[Held], prices: Prices, limits: Thresholds) -> list[Finding]:
    """
    Return the clusters whose hypervisors carry too few virtual machines.

    An indication, not counted: other findings and the plan say which hosts they are.
    """
    found = []
    for place in dict.fromkeys(held.place for held in hosts):
        carriers = [held for held in hosts if held.place == place and held.vms is not None]
        vms = sum(held.vms or 0 for held in carriers)
        if not carriers or vms / len(carriers) >= limits.density:
            continue
        spare = len(carriers) - max(1, int(np.ceil(vms / limits.density)))
        known = [cost for held in carriers if (cost := cost_of(held, prices)) is not None]
        cost = spare * sum(known) / len(known) if known else None
        evidence = (
            f"{vms} VMs on {len(carriers)} hypervisors, {vms / len(carriers):.1f} each;"
            f" at {limits.density:g} each {spare} would be free"
        )
        if spare:
            found.append(_density(place.site, place.cluster, evidence, cost))
    return found


def _density(site: str, cluster: str, evidence: str, cost: float | None) -> Finding:
    return Finding(
        kind="low density",
        name=f"{site}/{cluster}",
        host="",
        site=site,
        cluster=cluster,
        since=None,
        at_least=False,
        evidence=evidence,
        cost_per_year=cost,
        counted=False,
    )
