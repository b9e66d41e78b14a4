"""Prometheus' HTTP API over the embedded store, for Grafana's own data source."""

from fastapi import APIRouter, Request, Response

from headroom_collector.api.estate import standings
from headroom_collector.api.fleet_metrics import labels_of
from headroom_collector.api.prometheus_calls import Gate, Parameters, answered, parameters
from headroom_collector.api.services import Given, Services
from headroom_collector.promql.errors import BadDataError
from headroom_collector.promql.jobs import (
    Evaluate,
    Job,
    ListLabels,
    ListSeries,
    ListValues,
    Match,
    Scene,
)
from headroom_collector.promql.query import Deadline, Span
from headroom_collector.promql.render import dumped
from headroom_collector.promql.storage import EVER
from headroom_collector.store.tables import floor
from headroom_proto.catalogue import catalogue

router = APIRouter(prefix="/prometheus/api/v1", include_in_schema=False)

NANO = 1_000_000
LAG = 120_000
"""Milliseconds by which the store may know late that a thing is still there."""
VERSION = "2.24.0"
"""The version of Prometheus whose API for labels this is: Grafana asks for no more, then."""


def scene(services: Services) -> Scene:
    """Return what a job has to know beside the samples; raises StoreError."""
    found = standings(services)
    hosts = {row.id: labels_of(standing) for standing in found.values() for row in standing.rows}
    places = {host: services.book.member(host).placement.labels() for host in found}
    oldest = floor(services.clock.now(), services.config.store.raw_days) // NANO
    return Scene(hosts, places, oldest)


def gate(request: Request) -> Gate:
    """Return the application's gate."""
    found: Gate = request.app.state.gate
    return found


async def _done(request: Request, services: Services, job: Job) -> str:
    def work(deadline: Deadline) -> str:
        return services.workers.run(job, scene(services), services.store, deadline)

    return await gate(request).run(request, work)


@router.api_route("/query", methods=["GET", "POST"])
async def query(given: Given, request: Request) -> Response:
    """Answer a query at one moment."""

    async def work() -> str:
        asked = await parameters(request)
        at = asked.moment("time", given.clock.now() // NANO)
        return await _done(request, given, Evaluate(asked.one("query"), Span(at, at)))

    return await answered(work)


@router.api_route("/query_range", methods=["GET", "POST"])
async def query_range(given: Given, request: Request) -> Response:
    """Answer a query over time."""

    async def work() -> str:
        asked = await parameters(request)
        span = Span(asked.moment("start"), asked.moment("end"), asked.step() or -1)
        return await _done(request, given, Evaluate(asked.one("query"), span))

    return await answered(work)


def _match(asked: Parameters) -> Match:
    start = asked.moment("start", 0) - LAG
    seen = asked.moment("end", EVER[0] // NANO) * NANO, max(0, start) * NANO
    return Match(tuple(asked.many("match[]")), seen)


@router.api_route("/series", methods=["GET", "POST"])
async def series(given: Given, request: Request) -> Response:
    """List the label sets that selectors let pass."""

    async def work() -> str:
        match = _match(await parameters(request))
        if not match.selectors:
            raise BadDataError("no match[] parameter provided")
        return await _done(request, given, ListSeries(match))

    return await answered(work)


@router.api_route("/labels", methods=["GET", "POST"])
async def labels(given: Given, request: Request) -> Response:
    """List the names of labels."""

    async def work() -> str:
        return await _done(request, given, ListLabels(_match(await parameters(request))))

    return await answered(work)


@router.get("/label/{name}/values")
async def label_values(given: Given, request: Request, name: str) -> Response:
    """List the values of a label."""

    async def work() -> str:
        return await _done(request, given, ListValues(name, _match(await parameters(request))))

    return await answered(work)


@router.get("/metadata")
async def metadata(request: Request) -> Response:
    """Say what each metric is: type, help and unit, off the catalogue."""

    async def work() -> str:
        asked = await parameters(request)
        wanted = asked.one("metric")
        return dumped(
            {
                column.metric: [{"type": column.type, "help": column.help, "unit": column.unit}]
                for _, column in catalogue().metrics()
                if wanted in {"", column.metric}
            }
        )

    return await answered(work)


@router.get("/status/buildinfo")
async def build() -> Response:
    """Say which version's API this is."""

    async def work() -> str:
        names = ("revision", "branch", "buildUser", "buildDate", "goVersion")
        return dumped({"version": VERSION, **dict.fromkeys(names, "")})

    return await answered(work)


@router.api_route("/query_exemplars", methods=["GET", "POST"])
async def exemplars() -> Response:
    """Return no exemplars: there are none."""

    async def work() -> str:
        return dumped([])

    return await answered(work)
