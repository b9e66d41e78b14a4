"""Money over HTTP: prices that the collector was given, and the objects that reports share."""

from collections.abc import Sequence

from fastapi import HTTPException
from pydantic import BaseModel, Field

from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.money.file import Prices, find_prices
from headroom_collector.consolidation.money.savings import Line
from headroom_collector.consolidation.money.worth import Worth
from headroom_core.settings import SettingsError


class InputOut(BaseModel):
    """A figure that sums rest on; null where it is unknown, and then it is not counted."""

    key: str = Field(description="Table and key in estate.toml")
    value: float | None = Field(description="Its value, in unit")
    low: float | None = Field(description="Least that it may be")
    high: float | None = Field(description="Most that it may be")
    unit: str = Field(description="Unit; money stands for the currency")
    source: str = Field(description="Where it is from")
    date: str = Field(description="When the source said so")
    method: str = Field(
        description="How the source reckons (a grid: location, life cycle); or empty"
    )
    origin: str = Field(description="default, yours, or unknown")


class LineOut(BaseModel):
    """What one step saves; each step starts from what the one before left."""

    step: str = Field(description="retirement, consolidation or refresh")
    hosts_out: int = Field(description="Hosts that it takes out")
    hosts_in: int = Field(description="Hosts that it brings in")
    kwh_per_year: float = Field(description="Energy saved at the servers' inputs, kWh a year")
    saved_per_year: dict[str, float | None] = Field(
        description="Money saved a year by cost line; null where the rate is unknown"
    )
    money_per_year: float = Field(description="Sum of the known lines, money a year")


class OutcomeOut(BaseModel):
    """Money over so many years, discounted."""

    years: int = Field(description="Length, years")
    today: float = Field(description="Cost of going on as before, money")
    change: float = Field(description="Cost with the change, what it takes once included, money")
    npv: float = Field(description="Net present value: the difference, money")
    payback_years: float | None = Field(description="Until what was spent is saved; null: never")


class BandOut(BaseModel):
    """How the net present value spreads when each input lies anywhere in its range."""

    years: int = Field(description="Length, years")
    p10: float = Field(description="10th percentile, money")
    p50: float = Field(description="50th percentile, money")
    p90: float = Field(description="90th percentile, money")
    paying_share: float = Field(description="Share of the draws above 0, 0 to 1")


class WorthOut(BaseModel):
    """What a step is worth; without outcomes where the price of the hosts to buy is unknown."""

    once: dict[str, float | None] = Field(description="Spent once, by line, money")
    outcomes: list[OutcomeOut]
    bands: list[BandOut]
    break_even_price_by_years: dict[int, float | None] = Field(
        description="Price of a bought host at which the step is worth nothing, money a host"
    )


def prices(config: CollectorConfig) -> Prices:
    """Return the user's prices, else the defaults; answers 409 where the file cannot be used."""
    try:
        return find_prices(config.estate, config.data)
    except SettingsError as error:
        raise HTTPException(409, "; ".join(error.lines)) from None


def inputs_out(found: Prices) -> list[InputOut]:
    """Return every input."""
    return [
        InputOut(
            key=key,
            value=figure.value if figure else None,
            low=figure.low if figure else None,
            high=figure.high if figure else None,
            unit=figure.unit if figure else "",
            source=figure.source if figure else "",
            date=figure.date if figure else "",
            method=figure.method if figure else "",
            origin=figure.origin if figure else "unknown",
        )
        for key, figure in found.figures.items()
    ]


def lines_out(found: Sequence[Line]) -> list[LineOut]:
    """Return the steps."""
    return [
        LineOut(
            step=line.step,
            hosts_out=line.hosts_out,
            hosts_in=line.hosts_in,
            kwh_per_year=line.kwh,
            saved_per_year=dict(line.saved),
            money_per_year=line.money,
        )
        for line in found
    ]


def worth_out(found: Worth) -> WorthOut:
    """Return the worth of a step."""
    return WorthOut(
        once=dict(found.once),
        outcomes=[
            OutcomeOut(
                years=one.years,
                today=one.today,
                change=one.change,
                npv=one.npv,
                payback_years=one.payback_years,
            )
            for one in found.outcomes
        ],
        bands=[
            BandOut(
                years=one.years,
                p10=one.p10,
                p50=one.p50,
                p90=one.p90,
                paying_share=one.paying_share,
            )
            for one in found.bands
        ],
        break_even_price_by_years=dict(found.break_even),
    )
