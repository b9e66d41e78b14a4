"""Routes of the page: its views, the figures behind the first of them, and its files."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from headroom_collector.api.services import Given
from headroom_collector.prefix import prefix_of
from headroom_collector.web.answer import document, packed
from headroom_collector.web.asked import asked_of
from headroom_collector.web.files import files
from headroom_collector.web.model import Overview
from headroom_collector.web.posted import router as posted_router
from headroom_collector.web.site import LANGUAGE, THEME, THEMES
from headroom_collector.web.tongue import LANGUAGES
from headroom_collector.web.views import (
    agents,
    alerts,
    charts,
    energy,
    estate,
    host,
    overview,
    plan,
    settings,
    vm,
    vms,
    waste,
)

router = APIRouter()
router.include_router(posted_router)
YEAR_SECONDS = 365 * 86_400


@router.get("/", include_in_schema=False)
def read_overview_page(request: Request, given: Given) -> Response:
    """Give the estate at a glance."""
    return document(request, given, "overview", overview.view)


@router.get("/api/v1/overview")
def read_overview(request: Request, given: Given) -> Overview:
    """Give the estate at a glance: totals, alerts, clusters and the 200 busiest hosts."""
    return asked_of(request, given).overview()


@router.get("/hosts", include_in_schema=False)
def read_hosts(request: Request, given: Given) -> Response:
    """Give the table of hosts."""
    return document(request, given, "estate", estate.view)


@router.get("/vms", include_in_schema=False)
def read_vms(request: Request, given: Given) -> Response:
    """Give the table of virtual machines."""
    return document(request, given, "vms", vms.view)


@router.get("/hosts/{name}", include_in_schema=False)
def read_host(request: Request, given: Given, name: str) -> Response:
    """Give one host."""
    return document(request, given, "host", lambda asked: host.view(asked, name))


@router.get("/vms/{uuid}", include_in_schema=False)
def read_vm(request: Request, given: Given, uuid: str) -> Response:
    """Give one virtual machine."""
    return document(request, given, "vm", lambda asked: vm.view(asked, uuid))


@router.get("/plan", include_in_schema=False)
def read_plan(request: Request, given: Given) -> Response:
    """Give the plan, and what it rests on."""
    return document(request, given, "plan", plan.view)


@router.get("/waste", include_in_schema=False)
def read_waste(request: Request, given: Given) -> Response:
    """Give what does no useful work."""
    return document(request, given, "waste", waste.view)


@router.get("/energy", include_in_schema=False)
def read_energy(request: Request, given: Given) -> Response:
    """Give energy, carbon and money."""
    return document(request, given, "energy", energy.view)


@router.get("/alerts", include_in_schema=False)
def read_alerts(request: Request, given: Given) -> Response:
    """Give alerts and what people said to them."""
    return document(request, given, "alerts", alerts.view)


@router.get("/agents", include_in_schema=False)
def read_agents(request: Request, given: Given) -> Response:
    """Give agents and how they are."""
    return document(request, given, "agents", agents.view)


@router.get("/settings", include_in_schema=False)
def read_settings(request: Request, given: Given) -> Response:
    """Give settings as loaded."""
    return document(request, given, "settings", settings.view)


@router.get("/chart.json", include_in_schema=False)
def read_chart(request: Request, given: Given) -> Response:
    """Give the points of a chart, for the script that draws them."""
    body = charts.points(asked_of(request, given))
    return packed(request, body, "application/json")


@router.get("/preferences", include_in_schema=False)
def prefer(
    given: Given,
    to: Annotated[str, Query(max_length=2000)] = "/",
    language: Annotated[str, Query(max_length=10)] = "",
    theme: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Remember a language or a theme in a cookie, and go back."""
    parts = urlsplit(to)
    ours = to.startswith("/") and not parts.netloc and "\\" not in to and not to.startswith("//")
    prefix = prefix_of(given.config.web.external_url)
    answer = RedirectResponse(prefix + (to if ours else "/"), 303)
    path = f"{prefix}/"
    for name, value, known in ((LANGUAGE, language, LANGUAGES), (THEME, theme, THEMES)):
        if value in known:
            answer.set_cookie(
                name, value, max_age=YEAR_SECONDS, path=path, httponly=True, samesite="lax"
            )
        elif value:
            answer.delete_cookie(name, path=path)
    return answer


@router.get("/static/{name}", include_in_schema=False)
def read_file(name: str, request: Request) -> Response:
    """Give one of the page's own files; the browser asks each time and mostly gets a 304."""
    file = files().get(name)
    if file is None:
        raise HTTPException(404, f"no file {name!r} here")
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return packed(request, file.body, file.media_type, headers=headers)
