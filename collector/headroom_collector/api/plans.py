"""Plans over HTTP: begun, listed, shown, compared with each other and with what was measured since."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.consolidation.live.book import Kept, PlanBook
from headroom_collector.consolidation.live.compare import Outcome, compare, since
from headroom_collector.consolidation.live.runner import BusyError, PlanRunner, Wish
from headroom_collector.consolidation.live.write import Scope
from headroom_collector.consolidation.planner.course import Progress
from headroom_collector.consolidation.planner.folder import MARGIN, Memory
from headroom_collector.consolidation.planner.model import Options, PlanError

router = APIRouter(tags=["plans"])
DAY_NS = 86_400 * 1_000_000_000
Ratio = Annotated[float, Field(gt=0, le=1)]


class WishIn(BaseModel):
    """What is asked of a plan; every field has a default."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["repack", "empty"] = Field(
        "repack", description="Fewest hosts (or least energy), or few moves from where things are"
    )
    objective: Literal["hosts", "energy"] = Field("hosts", description="What a repack makes small")
    ceiling: Ratio | None = Field(None, description="0 to 1; null: the policy's own, host by host")
    quantile: Ratio = Field(1.0, description="Share of samples that must be under the ceiling")
    hard_cap: Ratio = Field(1.0, description="Limit of the other samples, 0 to 1")
    reserve: int = Field(0, ge=0, le=100, description="Hosts of each cluster that may fail")
    reserve_cap: Ratio = Field(0.8, description="What the rest may reach then, 0 to 1")
    moves_a_night: int = Field(0, ge=0, le=1_000_000, description="0: all in one night")
    time_limit: float = Field(20.0, gt=0, le=600, description="Seconds of search")
    curve: bool = Field(True, description="Also plan for ceilings from 30 to 90 %")
    memory: Literal["provisioned", "consumed"] = Field(
        "provisioned", description="Which memory of a VM counts"
    )
    memory_margin: float = Field(MARGIN, ge=0, le=10, description="Added to what was consumed")
    site: str | None = Field(None, max_length=200, description="Only this site")
    cluster: str | None = Field(None, max_length=200, description="Only this cluster")
    history_days: float = Field(30, gt=0, le=45, description="How far back demand is read")


class ProgressOut(BaseModel):
    """How far a running plan is."""

    stage: str
    hosts: int = Field(description="Hosts of the best plan so far; 0 while there is none")
    lower_bound: int
    elapsed_seconds: float
    left_seconds: float = Field(description="At most")


class PlanLineOut(BaseModel):
    """One plan in a list."""

    id: str
    state: str = Field(description="running, finished, failed or interrupted")
    started: Moment
    finished: Moment | None
    asked: dict[str, Any] = Field(description="The options that it was begun with")
    summary: dict[str, Any] = Field(
        description="Counts of hosts, moves and savings; error where it failed"
    )
    progress: ProgressOut | None = Field(None, description="While it runs")


class PlanOut(PlanLineOut):
    """One plan, whole."""

    plan: dict[str, Any] | None = Field(
        description="The object that docs/schemas/plan-output.schema.json describes; null: not yet"
    )
    outcome: dict[str, Any] | None = Field(
        None, description="What was measured since it was finished, beside what it forecast"
    )


class PlansOut(BaseModel):
    """The plans that are kept, the newest first."""

    plans: list[PlanLineOut]


class ComparisonOut(BaseModel):
    """Two plans beside each other: ``other`` less ``one``."""

    one: PlanLineOut
    other: PlanLineOut
    difference: dict[str, float | None] = Field(description="Of each number of the summaries")
    placed_elsewhere: list[str] = Field(description="VMs that the two put on different hosts")
    freed_only_by_one: list[str]
    freed_only_by_other: list[str]
    asked_differently: dict[str, list[Any]] = Field(description="Options that differ")


def _progress(found: Progress | None) -> ProgressOut | None:
    if found is None:
        return None
    return ProgressOut(
        stage=found.stage,
        hosts=found.hosts,
        lower_bound=found.bound,
        elapsed_seconds=round(found.elapsed, 2),
        left_seconds=round(max(0.0, found.limit - found.elapsed), 2),
    )


def _line(kept: Kept, runner: PlanRunner) -> dict[str, Any]:
    now = runner.running()
    return {
        "id": kept.id,
        "state": kept.state,
        "started": moment(kept.started),
        "finished": moment_or_none(kept.finished),
        "asked": dict(kept.asked),
        "summary": dict(kept.summary),
        "progress": _progress(now[1]) if now is not None and now[0] == kept.id else None,
    }


def rooms(given: Services) -> tuple[PlanBook, PlanRunner]:
    """Return the book and the runner of plans; answers 503 where there are none."""
    if given.plans is None:
        raise HTTPException(503, "this collector makes no plans")
    return PlanBook(given.store), given.plans


def _found(book: PlanBook, id_: str) -> Kept:
    kept = book.get(id_)
    if kept is None:
        raise NotFoundError(f"there is no plan {id_!r}: /api/v1/plans lists them")
    return kept


@router.get("/api/v1/plans", summary="Plans that are kept")
def list_plans(
    given: Given, limit: Annotated[int, Query(ge=1, le=200, description="At most so many")] = 50
) -> PlansOut:
    """List the plans, the newest first."""
    book, runner = rooms(given)
    return PlansOut(plans=[PlanLineOut(**_line(one, runner)) for one in book.list(limit)])


@router.post("/api/v1/plans", status_code=202, summary="Begin a plan")
async def begin(given: Given, wish: WishIn, request: Request) -> PlanLineOut:
    """Begin a plan of what is measured; answers at once, 409 while another one runs."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "expected Content-Type: application/json")
    book, runner = rooms(given)
    try:
        id_ = await runner.start(asked_of(wish))
    except BusyError as error:
        raise HTTPException(409, str(error)) from None
    except PlanError as error:
        raise HTTPException(422, str(error)) from None
    return PlanLineOut(**_line(_found(book, id_), runner))


def asked_of(wish: WishIn) -> Wish:
    """Return the wish in the planner's own terms; raises PlanError."""
    own = {"memory", "memory_margin", "site", "cluster", "history_days", "ceiling"}
    options = wish.model_dump(exclude=own)
    if wish.ceiling is not None:
        options["ceiling"] = wish.ceiling
    return Wish(
        options=Options(**options),
        scope=Scope(wish.site, wish.cluster, int(wish.history_days * DAY_NS), wish.ceiling),
        memory=Memory(wish.memory, wish.memory_margin),
        asked=wish.model_dump(),
    )


@router.get("/api/v1/plans/compare", summary="Two plans beside each other")
def compare_plans(
    given: Given,
    one: Annotated[str, Query(max_length=64)],
    other: Annotated[str, Query(max_length=64)],
) -> ComparisonOut:
    """Compare two finished plans."""
    book, runner = rooms(given)
    left, right = _found(book, one), _found(book, other)
    for kept in (left, right):
        if kept.state != "finished":
            raise HTTPException(409, f"plan {kept.id} is {kept.state}: only finished ones compare")
    found = compare(left, right)
    return ComparisonOut(
        one=PlanLineOut(**_line(left, runner)),
        other=PlanLineOut(**_line(right, runner)),
        difference=dict(found.difference),
        placed_elsewhere=list(found.placed_elsewhere),
        freed_only_by_one=list(found.freed_only_by_one),
        freed_only_by_other=list(found.freed_only_by_other),
        asked_differently={key: list(pair) for key, pair in found.asked.items()},
    )


@router.get("/api/v1/plans/{plan_id}", summary="One plan, whole")
def show(given: Given, plan_id: str) -> PlanOut:
    """Return a plan with its moves, bound, evidence and confidence, and what happened since."""
    book, runner = rooms(given)
    kept = _found(book, plan_id)
    outcome: Mapping[str, Any] | None = None
    if kept.state == "finished":
        outcome = outcome_out(since(given.store, given.book, kept, given.clock.now()))
    return PlanOut(
        **_line(kept, runner),
        plan=dict(kept.result) or None,
        outcome=None if outcome is None else dict(outcome),
    )


def outcome_out(found: Outcome) -> dict[str, Any]:
    """Return an outcome as the API gives it."""
    return {
        "days": round(found.days, 3),
        "hosts_freed_by_now": list(found.freed_now),
        "hosts_freed_forecast": found.freed_forecast,
        "vms_where_planned": found.vms_as_planned,
        "vms_moved_by_plan": found.vms_to_move,
        "power_watts_forecast": found.watts_forecast,
        "power_watts_measured": found.watts_measured,
        "energy_kwh_forecast": found.kwh_forecast,
        "energy_kwh_measured": found.kwh_measured,
        "energy_kwh_without_plan": found.kwh_before,
        "energy_hours_known": round(found.hours, 2),
        "notes": list(found.notes),
    }


@router.post("/api/v1/plans/{plan_id}/stop", status_code=202, summary="Take the best plan so far")
def stop(given: Given, plan_id: str) -> PlanLineOut:
    """Ask a running plan to end with the best that it has."""
    book, runner = rooms(given)
    kept = _found(book, plan_id)
    if not runner.stop(plan_id):
        raise HTTPException(409, f"plan {plan_id} does not run: it is {kept.state}")
    return PlanLineOut(**_line(kept, runner))
