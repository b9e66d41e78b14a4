"""Silences and acknowledgements: what people say about alerts, over the admin socket."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.alert_metrics import (
    CLUSTER_KINDS,
    Sample,
    check,
    cluster_metrics,
    host_metrics,
    kind_of,
)
from headroom_collector.alerts import mute, queries, subjects
from headroom_collector.alerts.levels import level_of
from headroom_collector.alerts.long_windows import read_past
from headroom_collector.alerts.mute import Silence
from headroom_collector.alerts.record import dedup_key
from headroom_collector.alerts.replay import Episode, replay, replay_windows
from headroom_collector.alerts.samples import read_clusters, read_series
from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none, parse
from headroom_core.rules import Override, Rule
from headroom_core.settings import read

router = APIRouter(tags=["administration"])
"""Routes of the admin socket, under /admin."""


class SilenceIn(BaseModel):
    """Alerts that nobody is to be told of for a while."""

    model_config = ConfigDict(extra="forbid")

    match: dict[str, str] = Field(
        min_length=1, max_length=20, description="Label names to patterns with * ? [...]"
    )
    starts: Moment | None = Field(default=None, description="null: now")
    ends: Moment
    author: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)


class SilenceOut(BaseModel):
    """A silence that holds or will."""

    id: str
    match: dict[str, str]
    starts: Moment
    ends: Moment
    author: str
    reason: str
    active: bool


class AckIn(BaseModel):
    """Who takes an alert on; it is not repeated any more."""

    model_config = ConfigDict(extra="forbid")

    rule: str = Field(min_length=1, max_length=200)
    host: str = Field(min_length=1, max_length=253)
    author: str = Field(min_length=1, max_length=100)
    reason: str = Field(default="", max_length=500)


class TryIn(BaseModel):
    """A rule to replay against what is stored."""

    model_config = ConfigDict(extra="forbid")

    rule: str = Field(min_length=1, max_length=200)
    since: Moment
    hosts: list[str] = Field(default_factory=list, max_length=1000, description="[]: all")
    changes: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the rule that are to be tried otherwise"
    )


class EpisodeOut(BaseModel):
    """When the rule would have paged."""

    host: str
    started: Moment = Field(description="First moment over the level")
    fired: Moment
    resolved: Moment | None = Field(description="null: it would still fire")
    peak: float | None = Field(description="Farthest value while it fired")


def silence_out(one: Silence, now: int) -> SilenceOut:
    """Return a silence as JSON."""
    return SilenceOut(
        id=one.id,
        match=dict(one.match),
        starts=moment(one.starts),
        ends=moment(one.ends),
        author=one.author,
        reason=one.reason,
        active=one.active(now),
    )


@router.get("/silences")
def list_silences(given: Given) -> list[SilenceOut]:
    """Return the silences that hold or will, the newest first."""
    now = given.clock.now()
    return [silence_out(one, now) for one in mute.read_silences(given.store, now)]


@router.post("/silences")
async def add_silence(given: Given, wish: SilenceIn) -> SilenceOut:
    """Have nobody told of some alerts for a while. Alerts that on-call knows of still resolve."""
    now = given.clock.now()
    starts = parse(wish.starts, "starts") if wish.starts else now
    try:
        new = mute.silence(
            wish.match, starts, parse(wish.ends, "ends"), wish.author, wish.reason, now
        )
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    await asyncio.wrap_future(given.store.change(mute.adding(new)))
    return silence_out(new, now)


@router.post("/silences/{id_}/end")
async def end_silence(given: Given, id_: Annotated[str, Path(max_length=40)]) -> SilenceOut:
    """End a silence now; what still fires is told of."""
    now = given.clock.now()
    known = {one.id: one for one in mute.read_silences(given.store, now)}
    if id_ not in known:
        raise HTTPException(404, f"no silence {id_!r} holds; `headroom alerts silences` has all")
    await asyncio.wrap_future(given.store.change(mute.ending(id_, now)))
    return silence_out(known[id_], now)


@router.post("/alerts/acknowledge")
async def acknowledge(given: Given, wish: AckIn) -> dict[str, str]:
    """Say who takes an alert on: it is not repeated while this episode lasts."""
    for alert in queries.open_alerts(given.store):
        names = {
            alert.host,
            subjects.member_of(given.book, alert.host).host,
            subjects.spoken(alert.host),
        }
        if alert.rule == wish.rule and wish.host in names and alert.state != "pending":
            told = (dedup_key(alert.rule, alert.host), alert.started)
            change = mute.acknowledging(told, wish.author, wish.reason, given.clock.now())
            await asyncio.wrap_future(given.store.change(change))
            return {"rule": alert.rule, "host": wish.host, "acknowledged": wish.author}
    raise HTTPException(
        404, f"{wish.rule} does not fire for {wish.host!r}; `headroom alerts` has all"
    )


@router.post("/alerts/test")
async def try_rule(given: Given, wish: TryIn) -> list[EpisodeOut]:
    """Replay stored samples against a rule, as it is or changed, and say when it would page."""
    known = {rule.name: rule for rule in given.config.alerts.every_rule()}
    try:
        changes, unknown = read(Override, wish.changes, "rule")
        if unknown:
            raise HTTPException(400, "; ".join(unknown))
        rule = changes.over(known.get(wish.rule) or Rule(wish.rule))
        check([rule])
        if rule.metric not in {*host_metrics([rule]), *cluster_metrics([rule])}:
            raise HTTPException(400, f"{rule.name} looks at {rule.metric}, which is not recorded")
        since = parse(wish.since, "since")
        found = await asyncio.to_thread(_episodes, given, rule, since, wish.hosts)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    return [
        EpisodeOut(
            host=one.host,
            started=moment(one.started),
            fired=moment(one.fired),
            resolved=moment_or_none(one.resolved),
            peak=one.peak,
        )
        for one in found
    ]


def _episodes(services: Services, rule: Rule, since: int, hosts: list[str]) -> list[Episode]:
    intervals = {row.name: row.interval_seconds for row in services.store.hosts()}
    estate, config = subjects.Subjects(services.book), services.config
    found: list[Episode] = []
    for name, series in _recorded(services, rule, since, hosts).items():
        member = estate.member(name)
        level = level_of(rule, member, config.ceiling, config.alerts.energy_budget)
        if level is None or not rule.scope.takes(member):
            continue
        shown = member.host or subjects.spoken(name)
        if rule.long:
            found += replay_windows(rule, shown, series, level)
        else:
            samples = [(time, value) for time, value in series if value is not None]
            found += replay(rule, shown, samples, level, intervals.get(name))
    return sorted(found, key=lambda one: (one.fired, one.host))


Recorded = Mapping[str, Sequence[tuple[int, float | None]]]
"""By subject what is known of it: (UTC nanoseconds, value)."""


def _recorded(services: Services, rule: Rule, since: int, hosts: list[str]) -> Recorded:
    store = services.store
    if rule.long:
        known = read_past(store, rule, since, services.clock.now())
        return {name: series for name, series in known.items() if not hosts or name in hosts}
    if kind_of(rule.metric) not in CLUSTER_KINDS:
        return read_series(store, rule.metric, since, hosts)
    found: dict[str, list[tuple[int, float | None]]] = {}
    for sample in sorted(read_clusters(store, [rule.metric], 0, 2**62, since), key=_time):
        found.setdefault(sample.host, []).append((sample.time, sample.value))
    return found


def _time(sample: Sample) -> int:
    return sample.time
