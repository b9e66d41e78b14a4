"""Figures of a report, each with its unit, its ends and where it is from: what the CSV holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from headroom_collector.report.gather import PATHS, Gathered


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One figure.

    ``key`` is its name for ever, so that reports can be compared; ``source`` is the path of the
    collector's answer and the field in it.
    """

    key: str
    value: float | None
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def row(self) -> dict[str, Any]:
        """Return it as a row of the CSV."""
        return asdict(self)


def _deep(answer: Any, field: str) -> Any:
    for part in field.split("."):
        if answer is None:
            return None
        answer = answer[int(part)] if isinstance(answer, list) else answer.get(part)
    return answer


@dataclass(frozen=True, slots=True)
class _From:
    """Facts out of one answer."""

    answer: Mapping[str, Any]
    path: str

    def fact(self, key: str, field: str, unit: str) -> Fact:
        found = _deep(self.answer, field)
        source = f"{self.path} {field}"
        if isinstance(found, Mapping):
            return Fact(key, found["value"], unit, source, found["low"], found["high"])
        return Fact(key, found, unit, source)


def _estate(given: Gathered) -> Iterator[Fact]:
    of = _From(given["overview"], PATHS["overview"])
    for key, field, unit in (
        ("hosts.present", "totals.hosts_present", "hosts"),
        ("hosts.simulated", "totals.hosts_simulated", "hosts"),
        ("hosts.needed", "totals.bound.hosts_needed", "hosts"),
        ("hosts.freeable", "totals.bound.hosts_freeable", "hosts"),
        ("hosts.silent", "totals.hosts_silent", "hosts"),
        ("vms.running", "totals.vms_running", "VMs"),
        ("vms.per_host", "totals.vms_per_host", "VMs/host"),
        ("cpu.utilisation", "totals.cpu_utilisation_ratio", "ratio"),
        ("ceiling.low", "totals.ceiling_low_ratio", "ratio"),
        ("ceiling.high", "totals.ceiling_high_ratio", "ratio"),
        ("history.seconds", "totals.bound.history_seconds", "seconds"),
    ):
        yield of.fact(key, field, unit)
    power = _deep(given["overview"], "totals.power") or {}
    source = f"{PATHS['overview']} totals.power"
    yield Fact(
        "power.now",
        power.get("watts"),
        "watts",
        source,
        power.get("low_watts"),
        power.get("high_watts"),
    )


def _ages(given: Gathered) -> Iterator[Fact]:
    of = _From(given["refresh"], PATHS["refresh"])
    for at, line in enumerate(given["refresh"]["hosts_by_age"]):
        age = "unknown" if line["years"] is None else line["years"]
        yield of.fact(f"hosts.age.{age}", f"hosts_by_age.{at}.hosts", "hosts")


def forecast_key(cluster: Mapping[str, Any]) -> str:
    """Return how the keys of a cluster's forecast begin."""
    place = f"{cluster['site']}/{cluster['cluster']}"
    return f"forecast.{'unassigned' if place == '/' else place}"


def _forecast(given: Gathered) -> Iterator[Fact]:
    of = _From(given["forecast"], PATHS["forecast"])
    for at, cluster in enumerate(given["forecast"]["clusters"]):
        key, where = forecast_key(cluster), f"clusters.{at}"
        yield of.fact(f"{key}.level", f"{where}.level_ratio", "ratio")
        yield of.fact(f"{key}.ceiling", f"{where}.ceiling_ratio", "ratio")
        slope = of.fact(f"{key}.slope", f"{where}.slope_ratio_per_day", "ratio/day")
        yield replace(slope, low=cluster["slope_low"], high=cluster["slope_high"])
        yield of.fact(f"{key}.history", f"{where}.days", "days")
        yield of.fact(f"{key}.horizon", f"{where}.horizon_days", "days")
        yield _crossing(of, key, at)
        yield of.fact(f"{key}.fits_at_least", f"{where}.fits.at_least", "VMs")
        yield of.fact(f"{key}.fits_at_most", f"{where}.fits.at_most", "VMs")


def _crossing(of: _From, key: str, at: int) -> Fact:
    now = datetime.fromisoformat(of.answer["time"])
    crossing = of.answer["clusters"][at]["crossing"] or {}

    def days(end: str) -> float | None:
        text = crossing.get(end)
        return (
            None if text is None else (datetime.fromisoformat(text) - now).total_seconds() / 86400
        )

    source = f"{of.path} clusters.{at}.crossing, less time"
    ends = (days("likely"), days("earliest"), days("latest"))
    return Fact(f"{key}.ceiling_in", ends[0], "days", source, *ends[1:])


def _waste(given: Gathered) -> Iterator[Fact]:
    of, currency = _From(given["waste"], PATHS["waste"]), given["waste"]["currency"]
    yield of.fact("waste.cost", "total_per_year", f"{currency}/year")
    yield Fact(
        "waste.findings", len(given["waste"]["findings"]), "findings", f"{of.path} findings"
    )
    yield of.fact("waste.history", "history_days", "days")


def _plan(given: Gathered) -> Iterator[Fact]:
    if given.plan is None:
        return
    of = _From(given.plan, f"/api/v1/plans/{given.plan['id']}")
    currency = given.plan["summary"].get("currency") or ""
    for key, field, unit in (
        ("plan.kept", "summary.hosts_kept", "hosts"),
        ("plan.freed", "summary.hosts_freed", "hosts"),
        ("plan.bound", "summary.lower_bound", "hosts"),
        ("plan.moves", "summary.moves", "moves"),
        ("plan.energy", "summary.energy_kwh_per_year", "kWh/year"),
        ("plan.money", "summary.money_per_year", f"{currency}/year"),
        ("plan.history", "summary.history_days", "days"),
    ):
        yield of.fact(key, field, unit)


def _refresh(given: Gathered) -> Iterator[Fact]:
    of, currency = _From(given["refresh"], PATHS["refresh"]), given["refresh"]["currency"]
    for at, line in enumerate(given["refresh"]["lines"]):
        step = line["step"]
        yield of.fact(f"{step}.hosts_out", f"lines.{at}.hosts_out", "hosts")
        yield of.fact(f"{step}.hosts_in", f"lines.{at}.hosts_in", "hosts")
        yield of.fact(f"{step}.energy", f"lines.{at}.kwh_per_year", "kWh/year")
        yield of.fact(f"{step}.money", f"lines.{at}.money_per_year", f"{currency}/year")
    yield of.fact("in_place.share", "in_place_share", "ratio")
    for part in ("in_place", "refresh"):
        yield from _worth(of, part, given["refresh"][part], currency)
    yield of.fact("carbon.saved", "carbon.saved_kg_per_year", "kg CO2e/year")
    yield of.fact("carbon.embodied", "carbon.embodied_kg", "kg CO2e")


def _worth(of: _From, part: str, found: Mapping[str, Any], currency: str) -> Iterator[Fact]:
    bands = {band["years"]: band for band in found["bands"]}
    for at, outcome in enumerate(found["outcomes"]):
        years = outcome["years"]
        band = bands.get(years, {})
        prefix = f"{part}.outcomes.{at}"
        yield of.fact(f"{part}.tco_today.{years}", f"{prefix}.today", currency)
        yield of.fact(f"{part}.tco_change.{years}", f"{prefix}.change", currency)
        yield Fact(
            f"{part}.npv.{years}",
            outcome["npv"],
            currency,
            f"{of.path} {prefix}.npv; p10 and p90 of {part}.bands",
            band.get("p10"),
            band.get("p90"),
        )


def _energy(given: Gathered) -> Iterator[Fact]:
    sites, path = given["energy"]["sites"], PATHS["energy"]
    units = {"kwh": "kWh", "carbon_kg": "kg CO2e", "money": given["energy"]["currency"]}
    for name, unit in units.items():
        known = [site[name] for site in sites if site[name] is not None]
        ends = [
            sum(one[end] for one in known) if known else None for end in ("value", "low", "high")
        ]
        yield Fact(f"energy_30d.{name}", ends[0], unit, f"{path} sites.*.{name}", *ends[1:])


def _inputs(given: Gathered) -> Iterator[Fact]:
    for one in given["prices"]["inputs"]:
        origin = f"{one['origin']}: {one['source']} {one['date']}".strip(": ")
        yield Fact(
            f"input.{one['key']}",
            one["value"],
            one["unit"].replace("money", given["prices"]["currency"]),
            f"{PATHS['prices']} ({origin})",
            one["low"],
            one["high"],
        )


def facts_of(given: Gathered) -> list[Fact]:
    """Return every figure of the report; those that are not known have no value."""
    parts = (_estate, _ages, _forecast, _waste, _plan, _refresh, _energy, _inputs)
    return [_steady(fact) for part in parts for fact in part(given)]


def _steady(fact: Fact) -> Fact:
    """Return it to ten figures: the last bits of a sum depend on the order that it was made in."""
    ends = (fact.value, fact.low, fact.high)
    value, low, high = (None if end is None else float(f"{end:.10g}") for end in ends)
    return replace(fact, value=value, low=low, high=high)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of two reports; ``difference`` is now less then."""

    key: str
    unit: str
    then: float | None
    now: float | None

    @property
    def difference(self) -> float | None:
        """How much it grew."""
        return None if self.then is None or self.now is None else self.now - self.then


def changes(then: Mapping[str, float | None], now: Sequence[Fact]) -> list[Change]:
    """Return what differs between an earlier report's values and these figures."""
    return [
        Change(fact.key, fact.unit, then.get(fact.key), fact.value)
        for fact in now
        if fact.key in then and then[fact.key] != fact.value
    ]
