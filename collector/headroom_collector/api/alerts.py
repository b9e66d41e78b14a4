"""Alerts: which there are now, and which there were."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from headroom_collector.alert_metrics import unit_of
from headroom_collector.alerts import queries, subjects
from headroom_collector.alerts.queries import OpenAlert, PastEvent
from headroom_collector.api.paging import Cursor, Limit, Page, cut, decode, encode
from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_core.rules import Rule

router = APIRouter(prefix="/api/v1", tags=["alerts"])

RANK = {"firing": 0, "clearing": 1, "pending": 2}
HostFilter = Annotated[str, Query(max_length=253, description="Only those of this host")]


class AlertPlace(BaseModel):
    """What an alert is about."""

    rule: str = Field(description="Name of the rule")
    host: str
    site: str
    cluster: str
    host_class: str = Field(serialization_alias="class", description="Class of the host")
    simulated: bool


class AlertOut(AlertPlace):
    """An alert that is open. What is not known is null, never 0."""

    state: Literal["pending", "firing", "clearing"] = Field(
        description="pending: above, not yet for long enough; clearing: fires, below for a while"
    )
    severity: str
    since: Moment = Field(description="First moment of this state")
    started: Moment = Field(description="First moment above the level")
    value_ratio: float | None = Field(description="Aggregate over the rule's window, if a ratio")
    ceiling_ratio: float | None = Field(description="The level it is held against, if a ratio")
    value: float | None = Field(description="Aggregate over the rule's window, in ``unit``")
    level: float | None = Field(description="What it is held against: a ceiling or a threshold")
    unit: str = Field(description="Unit of value and level, such as ratio, seconds or count")
    acknowledged: str = Field(description="Who took it on; empty where nobody did")
    updated: Moment = Field(description="End of the window that was looked at last")
    notified: Moment | None = Field(description="When the receiver accepted it; null: not (yet)")
    problem: str = Field(description="Why the receiver did not accept it; empty where nothing is")


class PastOut(AlertPlace):
    """A line of the history of alerts."""

    event: Literal["fired", "resolved"]
    time: Moment = Field(description="When it happened, on the samples' own time")
    started: Moment = Field(description="First moment above the ceiling of the episode")
    value_ratio: float | None = Field(description="Aggregate over the window then, if a ratio")
    ceiling_ratio: float | None = Field(description="The level it was held against, if a ratio")
    value: float | None = Field(description="Aggregate over the rule's window then, in ``unit``")
    level: float | None = Field(description="What it was held against")
    unit: str = Field(description="Unit of value and level; empty where the rule is gone")
    historical: bool = Field(
        description="The samples came so late that nobody was told of this moment"
    )
    reason: str = Field(description="What other than the samples ended it; empty otherwise")


def _place(services: Services, alert: OpenAlert | PastEvent) -> AlertPlace:
    member = subjects.member_of(services.book, alert.host)
    return AlertPlace(
        rule=alert.rule,
        host=member.host,
        site=member.placement.site,
        cluster=member.placement.cluster,
        host_class=member.placement.host_class,
        simulated=alert.simulated,
    )


def _figures(rule: Rule | None, value: float | None, level: float | None) -> dict[str, Any]:
    kind = unit_of(rule) if rule else ""
    ratio = kind == "ratio"
    return {
        "value": value,
        "level": level,
        "unit": kind,
        "value_ratio": value if ratio else None,
        "ceiling_ratio": level if ratio else None,
    }


def rules_of(services: Services) -> dict[str, Rule]:
    """Return the rules that are configured, by name."""
    return {rule.name: rule for rule in services.config.alerts.every_rule()}


def alert_out(services: Services, alert: OpenAlert) -> AlertOut:
    """Return an open alert as JSON."""
    rule = rules_of(services).get(alert.rule)
    return AlertOut(
        **_place(services, alert).model_dump(),
        state=alert.state,  # type: ignore[arg-type]  # the query leaves only these
        severity=rule.severity if rule else "",
        acknowledged=alert.acknowledged,
        **_figures(rule, alert.value, alert.ceiling),
        since=moment(alert.since),
        started=moment(alert.started),
        updated=moment(alert.updated),
        notified=moment_or_none(alert.notified),
        problem=alert.problem,
    )


def past_out(services: Services, past: PastEvent) -> PastOut:
    """Return a line of the history as JSON."""
    return PastOut(
        **_place(services, past).model_dump(),
        event=past.event,  # type: ignore[arg-type]  # the table holds only these
        time=moment(past.time),
        started=moment(past.started),
        **_figures(rules_of(services).get(past.rule), past.value, past.ceiling),
        historical=past.historical,
        reason=past.reason,
    )


@router.get("/alerts", summary="List open alerts")
def list_alerts(
    given: Given,
    state: Annotated[
        Literal["pending", "firing", "clearing"] | None, Query(description="Only in this state")
    ] = None,
    host: HostFilter = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[AlertOut]:
    """Return the alerts that are open now: firing first, the oldest first within a state."""
    found = [alert_out(given, alert) for alert in queries.open_alerts(given.store)]
    wanted = [a for a in found if state in {None, a.state} and host in {"", a.host}]
    page, after, total = cut(
        wanted, lambda a: (RANK[a.state], a.started, a.host, a.rule), limit, cursor
    )
    return Page[AlertOut](items=list(page), total=total, next_cursor=after)


def _stored(services: Services, host: str) -> list[str]:
    """Return the names under which the store knows a host: it may have been renamed since."""
    names = (row.name for row in services.store.hosts())
    return [name for name in names if services.book.member(name).host == host]


def _before(cursor: str) -> tuple[int, int]:
    match decode(cursor) if cursor else queries.NEWEST:
        case (int(commit_id), int(position)) if 0 <= commit_id < 2**63 and 0 <= position < 2**31:
            return commit_id, position
    raise HTTPException(400, "cursor: is not a next_cursor of this list; leave it out")


@router.get("/alerts/history", summary="List what alerts did")
def list_history(
    given: Given, host: HostFilter = "", limit: Limit = 100, cursor: Cursor = ""
) -> Page[PastOut]:
    """Return when alerts fired and resolved, the newest first."""
    hosts = _stored(given, host) if host else None
    found = queries.history(given.store, hosts, _before(cursor), limit + 1)
    page, more = found[:limit], len(found) > limit
    return Page[PastOut](
        items=[past_out(given, past) for past in page],
        total=queries.history_size(given.store, hosts),
        next_cursor=encode((page[-1].commit_id, page[-1].position)) if more else None,
    )
