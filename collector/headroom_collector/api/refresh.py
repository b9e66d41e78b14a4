"""Refresh what-if over HTTP, and the prices that it and the costs of waste rest on."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from headroom_collector.api.money import (
    InputOut,
    LineOut,
    WorthOut,
    inputs_out,
    lines_out,
    prices,
    worth_out,
)
from headroom_collector.api.services import Given
from headroom_collector.api.times import Moment, moment
from headroom_collector.consolidation.cluster import RELIABLE_SECONDS
from headroom_collector.consolidation.live.book import PlanBook, packing_of
from headroom_collector.consolidation.money.figures import Given as Stated
from headroom_collector.consolidation.refresh.cluster import Pieces
from headroom_collector.consolidation.refresh.models import ModelError, Server, names, server
from headroom_collector.consolidation.refresh.report import in_place_share
from headroom_collector.consolidation.refresh.whatif import Direct, Part, Question, WhatIf, what_if

router = APIRouter(tags=["refresh"])


class ModelOut(BaseModel):
    """A server that could be bought; null where unknown."""

    name: str
    throughput: float = Field(description="ssj_ops at full load")
    cores: int = Field(description="Physical cores")
    memory_bytes: float | None = Field(description="Memory, bytes")
    idle_watts: float | None = Field(description="Power when idle, watts")
    full_watts: float | None = Field(description="Power at full load, watts")
    price: float | None = Field(description="Price, money")
    source: str = Field(description="Where its throughput is from")


class DirectOut(BaseModel):
    """
    The old hosts replaced without emptying any first.

    Hosts to buy = old / (throughput ratio x utilisation gain) x packing loss.
    """

    hosts_old: int = Field(description="Hosts of that age and above")
    hosts_needed: int = Field(description="New hosts, with the packing loss known of traces")
    hosts_needed_low: int = Field(description="New hosts at least: the bound")
    hosts_needed_high: int = Field(description="New hosts with the greatest loss known")
    throughput_ratio: float = Field(description="New host over old host at full load")
    utilisation_gain: float = Field(description="Ceiling over the old hosts' mean utilisation")
    packing_loss: float = Field(description="What peaks and whole machines take back, at least 1")
    memory_decides: bool = Field(description="In a cluster at least memory decides, not CPU")


class PartOut(BaseModel):
    """What becomes of one cluster; null where nothing of its use is known."""

    site: str
    cluster: str
    hosts: int = Field(description="Hosts that are present")
    hosts_old: int = Field(description="Hosts of that age and above")
    hosts_of_unknown_age: int = Field(description="Hosts whose purchase date is not known")
    hosts_retired: int = Field(description="Hosts that do nothing")
    hosts_emptied: int | None = Field(description="Hosts that can be emptied and powered off")
    hosts_replaced: int | None = Field(description="Old hosts among the rest that are replaced")
    hosts_bought: int | None = Field(description="New hosts for those")
    beyond: bool | None = Field(description="Demand is more than its hosts may carry")
    history_seconds: float = Field(description="Length of the history, seconds")
    reliable: bool = Field(description="History is long enough to power hosts off")


class AgeOut(BaseModel):
    """Hosts of one age."""

    years: int | None = Field(
        description="Whole years since purchase, 10 with all above; null: not known"
    )
    hosts: int = Field(description="Hosts that are present")


class CarbonOut(BaseModel):
    """Carbon of the whole change."""

    saved_kg_per_year: float = Field(description="Use phase, kg CO2e a year")
    embodied_kg: float = Field(description="Making the new hosts, kg CO2e")
    payback_months: float | None = Field(
        description="Until one makes up for the other; null: never"
    )


class RefreshOut(BaseModel):
    """The whole answer; emptying, which costs no purchase, comes before buying."""

    time: Moment
    older_than_years: float
    model: ModelOut
    currency: str
    direct: DirectOut | None = Field(description="Null where no host is known to be old")
    lines: list[LineOut] = Field(description="Steps in order; their savings add up")
    in_place_share: float | None = Field(
        description="Share of the yearly savings that needs no purchase, 0 to 1"
    )
    in_place: WorthOut = Field(description="Worth of retiring and emptying")
    refresh: WorthOut = Field(description="Worth of the refresh upon that")
    carbon: CarbonOut
    clusters: list[PartOut]
    hosts_by_age: list[AgeOut] = Field(description="0 to 10 years, then those of unknown age")
    hosts_simulated: int
    not_counted: list[str] = Field(description="What is unknown and therefore in no figure")
    notes: list[str]


class PricesOut(BaseModel):
    """Every input of costs and savings, and the models that could be bought."""

    currency: str
    inputs: list[InputOut]
    models: list[str]


def _model(found: Server) -> ModelOut:
    return ModelOut(
        name=found.name,
        throughput=found.ops,
        cores=found.cores,
        memory_bytes=found.memory,
        idle_watts=found.idle_watts,
        full_watts=found.full_watts,
        price=found.price.value if found.price else None,
        source=found.speed_source,
    )


def _direct(found: Direct | None) -> DirectOut | None:
    if found is None:
        return None
    return DirectOut(
        hosts_old=found.old,
        hosts_needed=found.likely,
        hosts_needed_low=found.low,
        hosts_needed_high=found.high,
        throughput_ratio=found.factors.throughput_ratio,
        utilisation_gain=found.factors.utilisation_gain,
        packing_loss=found.factors.packing_loss,
        memory_decides=found.by_memory,
    )


def _part(found: Part) -> PartOut:
    answer = found.answer
    return PartOut(
        site=found.site,
        cluster=found.cluster,
        hosts=found.hosts,
        hosts_old=found.old,
        hosts_of_unknown_age=found.unknown_age,
        hosts_retired=found.retired,
        hosts_emptied=len(answer.emptied) if answer else None,
        hosts_replaced=len(answer.replaced) if answer else None,
        hosts_bought=answer.bought if answer else None,
        beyond=answer.beyond if answer else None,
        history_seconds=found.history_seconds,
        reliable=found.history_seconds >= RELIABLE_SECONDS,
    )


def _out(found: WhatIf, now: int) -> RefreshOut:
    return RefreshOut(
        time=moment(now),
        older_than_years=found.question.older_than,
        model=_model(found.question.new),
        currency=found.prices.currency,
        direct=_direct(found.direct),
        lines=lines_out(found.lines),
        in_place_share=in_place_share(found.lines),
        in_place=worth_out(found.in_place),
        refresh=worth_out(found.refresh),
        carbon=CarbonOut(
            saved_kg_per_year=found.carbon.saved_kg,
            embodied_kg=found.carbon.embodied_kg,
            payback_months=found.carbon.payback_months,
        ),
        clusters=[_part(part) for part in found.parts],
        hosts_by_age=[AgeOut(years=age, hosts=count) for age, count in found.by_age.items()],
        hosts_simulated=found.simulated,
        not_counted=list(found.not_counted),
        notes=list(found.notes),
    )


@router.get("/api/v1/refresh", summary="What if old hosts were replaced")
def refresh(
    given: Given,
    model: Annotated[str, Query(description="Model to buy", max_length=100)] = "median-2025",
    older_than: Annotated[
        float | None, Query(ge=0, le=50, description="Age in years; the life of a host by default")
    ] = None,
    price: Annotated[float | None, Query(ge=0, description="Its price, money a host")] = None,
    reserve: Annotated[int, Query(ge=0, le=100, description="Spare hosts a cluster")] = 0,
) -> RefreshOut:
    """Answer for the estate now, under the policy's ceiling."""
    known, now = prices(given.config), given.clock.now()
    try:
        new = server(model, known)
    except ModelError as error:
        raise HTTPException(404, str(error)) from None
    if price is not None:
        new = new.at(Stated(price, source="the question"))
    age = known.rates()["host.life_years"] if older_than is None else older_than
    pieces = packing_of(PlanBook(given.store).list()) if given.plans is not None else Pieces()
    question = Question(new, age, reserve, pieces)
    ceiling = given.config.ceiling
    return _out(what_if(given.store, given.book, ceiling, known, question, now), now)


@router.get("/api/v1/prices", summary="What costs and savings rest on")
def list_prices(given: Given) -> PricesOut:
    """Return every input with its source, and whether it is a default or the user's."""
    known = prices(given.config)
    return PricesOut(currency=known.currency, inputs=inputs_out(known), models=names(known))
