"""Latest values, and short series for charts."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.estate import find, standings
from headroom_collector.api.paging import Cursor, Limit, Page, cut
from headroom_collector.api.series import POINTS, Line, Span, columns_of, read_series
from headroom_collector.api.services import Given
from headroom_collector.api.times import SECOND, Moment, moment, parse
from headroom_collector.api.values import ValueOut, agent_kinds, readings

router = APIRouter(prefix="/api/v1", tags=["values"])

HOUR = 3600 * SECOND


class SeriesOut(BaseModel):
    """One series. A gap is a step without a point."""

    labels: dict[str, str] = Field(description="What it is about, beside the host")
    points: list[tuple[Moment, float]] = Field(
        description="Start of the step and value: mean of a gauge, last reading of a counter"
    )


class SeriesAnswer(BaseModel):
    """The series of one metric on one host."""

    metric: str
    host: str
    unit: str = Field(description="seconds, bytes, ratio, watts, joules, hertz, count or code")
    type: str = Field(description="gauge or counter")
    step_seconds: float
    series: list[SeriesOut]


@router.get("/latest", summary="List latest values")
def list_latest(
    given: Given,
    kind: Annotated[str | None, Query(description="Only values of this kind of sample")] = None,
    host: Annotated[str | None, Query(description="Only values of this host")] = None,
    metric: Annotated[str | None, Query(description="Only values of this metric")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[ValueOut]:
    """Return every value of the last 5 minutes, by host, kind and metric."""
    kinds = agent_kinds(kind)
    if not kinds:
        names = ", ".join(each.name for each in agent_kinds())
        raise NotFoundError(f"kind '{kind}' is not known; there are {names}")
    known = standings(given)
    hosts = [find(host, known, given)] if host is not None else list(known.values())
    page, after, total = cut(
        readings(given, hosts, kinds, metric), lambda each: each.key, limit, cursor
    )
    return Page[ValueOut](items=[each.out() for each in page], total=total, next_cursor=after)


def _span(start: str, end: str, step: float, now: int) -> Span:
    until = parse(end, "to") if end else now + 1
    since = parse(start, "from") if start else until - HOUR
    if since >= until:
        raise HTTPException(400, "from: expected a time before 'to'")
    span = Span(since, until, int(step * SECOND))
    if span.steps > POINTS:
        raise HTTPException(
            400,
            f"step = {step:g}: {span.steps} points are more than {POINTS};"
            " take a longer step or a shorter time",
        )
    return span


def _line(line: Line) -> SeriesOut:
    return SeriesOut(
        labels=dict(line.labels), points=[(moment(time), value) for time, value in line.points]
    )


@router.get("/series", summary="Show series of a metric")
def show_series(
    given: Given,
    metric: Annotated[str, Query(description="Name in the catalogue")],
    host: Annotated[str, Query(description="Host")],
    start: Annotated[
        str, Query(alias="from", description="RFC 3339 or seconds since 1970; an hour before 'to'")
    ] = "",
    end: Annotated[str, Query(alias="to", description="RFC 3339 or seconds; now")] = "",
    step: Annotated[float, Query(ge=1, le=86_400, description="Seconds a point")] = 60.0,
) -> SeriesAnswer:
    """Return a metric of one host over time, for charts."""
    columns = columns_of(metric)
    span = _span(start, end, step, given.clock.now())
    found = find(host, standings(given), given)
    lines = read_series(given.store, columns, [row.id for row in found.rows], span)
    column = columns[0][1]
    return SeriesAnswer(
        metric=metric,
        host=found.name,
        unit=column.unit,
        type=column.type,
        step_seconds=step,
        series=[_line(line) for line in lines],
    )
