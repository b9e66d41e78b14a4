"""Forecast over HTTP: when each cluster passes its ceiling, and what fits until then."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from headroom_collector.api.services import Given
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.consolidation.forecast.daily import DAY_NS
from headroom_collector.consolidation.forecast.fit import Fit, MedianVm
from headroom_collector.consolidation.forecast.forecast import ClusterForecast
from headroom_collector.consolidation.forecast.forecast import forecast as compute

router = APIRouter(tags=["forecast"])


class CrossingOut(BaseModel):
    """When the busiest weekday reaches the ceiling; null where it does not within the horizon."""

    likely: Moment | None = Field(description="By the slope; null also where there is no trend")
    earliest: Moment | None = Field(description="By the high end of the slope's 80 % band")
    latest: Moment | None = Field(description="By its low end")
    passed: bool = Field(description="It is above the ceiling already")


class MedianVmOut(BaseModel):
    """The median of the virtual machines that ran in the last two weeks."""

    count: int = Field(description="Of so many")
    vcpus: float = Field(description="Virtual CPUs")
    cpu_mean: float = Field(description="Logical CPUs used on average")
    cpu_peak: float = Field(description="Logical CPUs used in the busiest 5 minutes")
    memory_bytes: float = Field(description="Memory, bytes")


class FitOut(BaseModel):
    """How many more of the median kind fit under the ceiling now."""

    at_least: int = Field(description="Without moving anything, all peaks falling together")
    at_most: int = Field(description="No placement has room for more")


class ClusterForecastOut(BaseModel):
    """Forecast of one cluster; null where unknown."""

    site: str = Field(description="Site; empty where the inventory assigns none")
    cluster: str = Field(description="Cluster; empty where the inventory assigns none")
    ceiling_ratio: float = Field(description="Share of its CPUs that may be used, 0 to 1")
    hosts: int = Field(description="Hosts that are present")
    hosts_simulated: int = Field(description="Simulated hosts among them")
    direction: str = Field(
        description="rising, falling, steady (no trend), unknown (too few days)"
    )
    days: int = Field(description="Complete days that it rests on")
    level_ratio: float | None = Field(description="95th percentile of a busy weekday now, 0 to 1")
    slope_ratio_per_day: float | None = Field(description="Its change a day")
    slope_low: float | None = Field(description="Low end of the slope's 80 % band")
    slope_high: float | None = Field(description="High end of it")
    horizon_days: float = Field(description="No statement goes further than that, days")
    crossing: CrossingOut | None
    median_vm: MedianVmOut | None
    fits: FitOut | None
    notes: list[str] = Field(description="What to know of the figures, in sentences")


class ForecastOut(BaseModel):
    """Forecast of each cluster at one time."""

    time: Moment
    clusters: list[ClusterForecastOut]


def _crossing(found: ClusterForecast) -> CrossingOut | None:
    if found.crossing is None or found.newest is None:
        return None
    newest = found.newest

    def at(days: float | None) -> str | None:
        return moment_or_none(None if days is None else newest + int(days) * DAY_NS)

    return CrossingOut(
        likely=at(found.crossing.likely),
        earliest=at(found.crossing.earliest),
        latest=at(found.crossing.latest),
        passed=found.crossing.latest == 0 and found.crossing.likely == 0,
    )


def _vm(found: MedianVm | None) -> MedianVmOut | None:
    if found is None:
        return None
    return MedianVmOut(
        count=found.count,
        vcpus=found.vcpus,
        cpu_mean=found.mean,
        cpu_peak=found.peak,
        memory_bytes=found.memory,
    )


def _fits(found: Fit | None) -> FitOut | None:
    return None if found is None else FitOut(at_least=found.at_least, at_most=found.at_most)


def _cluster(found: ClusterForecast) -> ClusterForecastOut:
    return ClusterForecastOut(
        site=found.site,
        cluster=found.cluster,
        ceiling_ratio=found.ceiling_ratio,
        hosts=found.hosts,
        hosts_simulated=found.simulated,
        direction=found.trend.direction,
        days=found.trend.days,
        level_ratio=found.trend.level,
        slope_ratio_per_day=found.trend.slope,
        slope_low=found.trend.low,
        slope_high=found.trend.high,
        horizon_days=found.horizon_days,
        crossing=_crossing(found),
        median_vm=_vm(found.vm),
        fits=_fits(found.fit),
        notes=list(found.notes),
    )


@router.get("/api/v1/forecast", summary="When each cluster passes its ceiling")
def forecast(given: Given) -> ForecastOut:
    """Compute the forecast now, under the policy's ceiling."""
    now = given.clock.now()
    found = compute(given.store, given.book, given.config.ceiling, now)
    return ForecastOut(time=moment(now), clusters=[_cluster(one) for one in found])
