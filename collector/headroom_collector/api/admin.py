"""Administration: what only the collector's owner may do, over the admin socket."""

import asyncio
from concurrent.futures import Future

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.api import alert_admin
from headroom_collector.api.hosts import HostName
from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none, parse

router = APIRouter(prefix="/admin", tags=["administration"])
router.include_router(alert_admin.router)


class Wish(BaseModel):
    """Why something is done, and by whom."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500)
    author: str = Field(default="", max_length=100)


class Maintenance(Wish):
    """Until when nobody is to be paged for a host."""

    until: Moment | None = Field(default=None, description="null: until it is restored")


class Rename(Wish):
    """The new name of a host."""

    to: str = Field(max_length=253, description="Name that its certificate has from now on")


class MemberOut(BaseModel):
    """What is known of a host now."""

    host: str
    status: str = Field(description="present, maintenance or retired")
    since: Moment | None
    until: Moment | None
    reason: str
    site: str
    cluster: str


class Changes(BaseModel):
    """What a reload of the inventory changed."""

    changes: list[str] = Field(description="One line a host")
    unassigned: list[str] = Field(description="Hosts that have no site and cluster")


class Info(BaseModel):
    """The collector."""

    version: str
    time: Moment
    data: str = Field(description="Its data folder")
    grpc: str = Field(description="Address for agents, as configured")
    http: str = Field(description="Address for people, as configured")
    inventory: str | None = Field(description="The inventory's file")
    hosts: int = Field(description="Hosts that ever reported")
    unassigned: list[str] = Field(description="Hosts that have no site and cluster")
    statistics: dict[str, float] = Field(description="Counts, by the fields of CollectorSample")


def member_out(services: Services, host: str) -> MemberOut:
    """Return a host as it stands in the book."""
    member = services.book.member(host)
    return MemberOut(
        host=member.host,
        status=member.status.value,
        since=moment_or_none(member.since),
        until=moment_or_none(member.until),
        reason=member.reason,
        site=member.placement.site,
        cluster=member.placement.cluster,
    )


async def _done(services: Services, change: "Future[int]", host: str) -> MemberOut:
    await asyncio.wrap_future(change)
    return member_out(services, host)


@router.post("/hosts/{name}/retire")
async def retire(given: Given, name: HostName, wish: Wish) -> MemberOut:
    """Say that a host was freed and switched off: neither a page nor counted."""
    return await _done(given, given.book.retire(name, wish.reason, wish.author), name)


@router.post("/hosts/{name}/restore")
async def restore(given: Given, name: HostName, wish: Wish) -> MemberOut:
    """Take back retirement or maintenance."""
    return await _done(given, given.book.restore(name, wish.reason, wish.author), name)


@router.post("/hosts/{name}/maintenance")
async def maintenance(given: Given, name: HostName, wish: Maintenance) -> MemberOut:
    """Page nobody for a host for a while; it goes on counting."""
    until = parse(wish.until, "until") if wish.until else None
    change = given.book.maintenance(name, until, wish.reason, wish.author)
    return await _done(given, change, name)


@router.post("/hosts/{name}/rename")
async def rename(given: Given, name: HostName, wish: Rename) -> MemberOut:
    """Let a host go by a new name, its history with it."""
    return await _done(given, given.book.rename(name, wish.to, wish.author), wish.to)


@router.post("/inventory/reload")
def reload(given: Given) -> Changes:
    """Read the inventory's file again, now."""
    return Changes(changes=given.book.reload(), unassigned=given.book.unassigned())


@router.get("/info")
def info(given: Given) -> Info:
    """Return what the collector is and has."""
    config = given.config
    return Info(
        version=given.version,
        time=moment(given.clock.now()),
        data=str(config.data),
        grpc=config.listen.grpc,
        http=config.listen.http,
        inventory=str(config.inventory) if config.inventory else None,
        hosts=len(given.store.hosts()),
        unassigned=given.book.unassigned(),
        statistics={**given.store.statistics(), **given.statistics()},
    )
