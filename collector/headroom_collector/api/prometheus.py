"""Prometheus' HTTP API over the embedded store, for Grafana's own data source."""

from collections.abc import Sequence

import promql_parser as ast
from fastapi import APIRouter, Request, Response

from headroom_collector.api.estate import standings
from headroom_collector.api.fleet_metrics import labels_of
from headroom_collector.api.prometheus_calls import (
    Gate,
    Parameters,
    answered,
    dumped,
    parameters,
    success,
)
from headroom_collector.api.services import Given, Services
from headroom_collector.promql.errors import BadDataError
from headroom_collector.promql.matching import Matcher, matchers_of
from headroom_collector.promql.model import NAME, Labels
from headroom_collector.promql.query import Deadline, Span, parse, run
from headroom_collector.promql.render import result
from headroom_collector.promql.storage import EVER, Naming, Seen, Store
from headroom_collector.store.tables import floor
from headroom_proto.catalogue import catalogue

router = APIRouter(prefix="/prometheus/api/v1", include_in_schema=False)

NANO = 1_000_000
LAG = 120_000
"""Milliseconds by which the store may know late that a thing is still there."""
VERSION = "2.24.0"
"""The version of Prometheus whose API for labels this is: Grafana asks for no more, then."""


def storage(services: Services) -> Store:
    """Return the source of one query's samples; raises StoreError."""
    hosts = {
        row.id: labels_of(standing)
        for standing in standings(services).values()
        for row in standing.rows
    }
    naming = Naming(hosts, lambda host: services.book.member(host).placement.labels())
    oldest = floor(services.clock.now(), services.config.store.raw_days) // NANO
    return Store(services.store, catalogue(), naming, oldest)


def gate(request: Request) -> Gate:
    """Return the application's gate."""
    found: Gate = request.app.state.gate
    return found


async def _evaluated(request: Request, services: Services, text: str, span: Span) -> str:
    def work(deadline: Deadline) -> str:
        source = storage(services)
        answer = run(text, span, source, deadline.check)
        deadline.check()
        return success(result(answer, instant=not span.step), source.infos)

    return await gate(request).run(request, work)


@router.api_route("/query", methods=["GET", "POST"])
async def query(given: Given, request: Request) -> Response:
    """Answer a query at one moment."""

    async def work() -> str:
        asked = await parameters(request)
        at = asked.moment("time", given.clock.now() // NANO)
        return await _evaluated(request, given, asked.one("query"), Span(at, at))

    return await answered(work)


@router.api_route("/query_range", methods=["GET", "POST"])
async def query_range(given: Given, request: Request) -> Response:
    """Answer a query over time."""

    async def work() -> str:
        asked = await parameters(request)
        span = Span(asked.moment("start"), asked.moment("end"), asked.step() or -1)
        return await _evaluated(request, given, asked.one("query"), span)

    return await answered(work)


def _selectors(asked: Parameters) -> list[list[Matcher]]:
    """Return the matchers of each ``match[]``; raises BadDataError."""
    found = []
    for text in asked.many("match[]"):
        tree = parse(text)
        if not isinstance(tree, ast.VectorSelector):
            raise BadDataError(f"invalid parameter 'match[]': {text!r}: expected a selector")
        found.append(matchers_of(tree))
    return found


def _seen(asked: Parameters) -> Seen:
    start = asked.moment("start", 0) - LAG
    return asked.moment("end", EVER[0] // NANO) * NANO, max(0, start) * NANO


def _label_sets(services: Services, selectors: Sequence[list[Matcher]], seen: Seen) -> set[Labels]:
    source = storage(services)
    return {labels for matchers in selectors for labels in source.find(matchers, seen)[0]}


@router.api_route("/series", methods=["GET", "POST"])
async def series(given: Given, request: Request) -> Response:
    """List the label sets that selectors let pass."""

    async def work() -> str:
        asked = await parameters(request)
        selectors, seen = _selectors(asked), _seen(asked)
        if not selectors:
            raise BadDataError("no match[] parameter provided")
        return await gate(request).run(
            request,
            lambda _: dumped([dict(each) for each in sorted(_label_sets(given, selectors, seen))]),
        )

    return await answered(work)


@router.api_route("/labels", methods=["GET", "POST"])
async def labels(given: Given, request: Request) -> Response:
    """List the names of labels."""

    async def work() -> str:
        asked = await parameters(request)
        selectors, seen = _selectors(asked) or [[]], _seen(asked)

        def names(_: Deadline) -> str:
            found = _label_sets(given, selectors, seen)
            return dumped(sorted({name for each in found for name, _ in each}))

        return await gate(request).run(request, names)

    return await answered(work)


@router.get("/label/{name}/values")
async def label_values(given: Given, request: Request, name: str) -> Response:
    """List the values of a label."""

    async def work() -> str:
        asked = await parameters(request)
        selectors, seen = _selectors(asked), _seen(asked)
        if not selectors and name == NAME:
            return dumped(sorted(catalogue().names()))

        def values(_: Deadline) -> str:
            found = _label_sets(given, selectors or [[]], seen)
            return dumped(sorted({dict(each)[name] for each in found if name in dict(each)}))

        return await gate(request).run(request, values)

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
