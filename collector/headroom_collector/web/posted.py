"""What people ask for on the page: silences and acknowledgements, from forms of this page alone."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from headroom_collector.api.alert_admin import (
    AckIn,
    SilenceIn,
    acknowledge,
    add_silence,
    end_silence,
)
from headroom_collector.api.plans import WishIn, rooms
from headroom_collector.api.plans import asked_of as asked_wish
from headroom_collector.api.services import Given, Services
from headroom_collector.consolidation.live.runner import BusyError
from headroom_collector.consolidation.planner.model import PlanError
from headroom_collector.web.answer import document
from headroom_collector.web.asked import asked_of
from headroom_collector.web.tongue import foreign
from headroom_collector.web.views import alerts, plan

router = APIRouter(include_in_schema=False)

MOST_BYTES = 20_000
LENGTHS = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
}
MATCHED = ("alertname", "host", "site", "cluster", "class")
"""Labels that the form asks for."""
Fields = Mapping[str, str]


def ours(request: Request) -> bool:
    """Whether a form was sent from a page of this collector, as the browser itself says."""
    where = request.headers.get("sec-fetch-site")
    if where is not None:
        return where == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin == request.headers.get("host", "")


async def fields(request: Request) -> Fields:
    """Return what a form says; raises HTTPException where it is no form of ours."""
    if not ours(request):
        raise HTTPException(403, "this was not asked from the collector's own page")
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"a form of at most {MOST_BYTES} bytes was expected")
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    except (UnicodeDecodeError, ValueError):
        raise HTTPException(400, "the form is not in UTF-8") from None


def author(request: Request, asked: Fields) -> str:
    """Return who asks: as the collector knows them, else as they say."""
    who = getattr(request.state, "who", None)
    return str(getattr(who, "name", "") or asked.get("author", "").strip())


async def _silence(given: Services, by: str, asked: Fields) -> str:
    length = LENGTHS.get(asked.get("length", ""))
    if length is None:
        raise HTTPException(400, f"length: expected one of {', '.join(LENGTHS)}")
    match = {name: text for name in MATCHED if (text := asked.get(name, "").strip())}
    if not match:
        raise HTTPException(400, "match: expected at least one label")
    now = datetime.fromtimestamp(given.clock.now() / 1e9, UTC)
    wish = SilenceIn.model_validate(
        {
            "match": match,
            "starts": None,
            "ends": (now + length).isoformat(),
            "author": by,
            "reason": asked.get("reason", "").strip(),
        }
    )
    await add_silence(given, wish)
    return "alerts_silenced"


async def _acknowledge(given: Services, by: str, asked: Fields) -> str:
    wish = AckIn(
        rule=asked.get("rule", ""),
        host=asked.get("host", ""),
        author=by,
        reason=asked.get("reason", "").strip(),
    )
    await acknowledge(given, wish)
    return "alerts_acknowledged"


async def _end(given: Services, _by: str, asked: Fields) -> str:
    await end_silence(given, asked.get("id", ""))
    return "alerts_unsilenced"


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{' '.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    )


async def _done(
    request: Request, given: Services, do: Callable[[Services, str, Fields], Awaitable[str]]
) -> Response:
    said = fault = ""
    t = asked_of(request, given).site.tongue
    try:
        asked = await fields(request)
        said = t.say(await do(given, author(request, asked), asked))
    except HTTPException as error:
        if error.status_code in {403, 413}:
            raise
        fault = foreign(str(error.detail))
    except ValidationError as error:
        fault = foreign(_faults(error))
    return document(request, given, "alerts", lambda asked: alerts.view(asked, said, fault))


@router.post("/api/v1/plans/page")
async def begin_plan(request: Request, given: Given) -> Response:
    """Begin a plan, and show how far it is."""
    asked = await fields(request)
    try:
        wish = WishIn.model_validate(
            {"mode": asked.get("mode", "repack"), "reserve": asked.get("reserve", "0")}
        )
        _, runner = rooms(given)
        await runner.start(asked_wish(wish))
    except ValidationError as error:
        fault = _faults(error)
    except (BusyError, PlanError) as error:
        fault = str(error)
    else:
        return RedirectResponse(asked_of(request, given).site.link("/plan"), 303)
    return document(request, given, "plan", lambda asked: plan.view(asked, foreign(fault)))


@router.post("/admin/silences/page")
async def silence(request: Request, given: Given) -> Response:
    """Silence alerts for a while."""
    return await _done(request, given, _silence)


@router.post("/admin/silences/page/end")
async def unsilence(request: Request, given: Given) -> Response:
    """End a silence."""
    return await _done(request, given, _end)


@router.post("/admin/alerts/page/acknowledge")
async def take_on(request: Request, given: Given) -> Response:
    """Say who takes an alert on."""
    return await _done(request, given, _acknowledge)
