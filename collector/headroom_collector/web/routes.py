"""Routes of the page: the document, what refreshes it, the figures behind it, and its files."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, HTTPException, Request, Response

from headroom_collector.api.services import Given, Services
from headroom_collector.web import headline
from headroom_collector.web.model import Overview
from headroom_collector.web.overview import build
from headroom_collector.web.page import HERE, document, page
from headroom_collector.web.recent import Recent

router = APIRouter()

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
WORTH_PACKING = 2_000
"""Bytes from which on packing pays."""


@dataclass(frozen=True, slots=True)
class File:
    """One of the page's own files."""

    body: bytes
    media_type: str
    etag: str


@cache
def files() -> dict[str, File]:
    """Read the page's own files, once, by name."""
    found = {}
    for path in sorted((HERE / "static").iterdir()):
        if path.suffix in TYPES:
            body = path.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            found[path.name] = File(body, TYPES[path.suffix], etag)
    return found


def _overview(request: Request, given: Services) -> Overview:
    state = request.app.state
    # Two that come first at once make one each, and the later one stays.
    recent: Recent | None = getattr(state, "recent_overview", None)
    if recent is None:
        recent = state.recent_overview = Recent()

    def make() -> Overview:
        return build(given.store, given.book, given.config, given.clock.now(), given.version)

    return recent.get(given.clock.monotonic, make)


def _packed(request: Request, body: bytes, media_type: str, **headers: str) -> Response:
    """Answer, packed where the browser takes it: the rows of many hosts repeat themselves."""
    if len(body) >= WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=4, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers={"Vary": "Accept-Encoding"} | headers)


@router.get("/", include_in_schema=False)
def read_page(request: Request, given: Given) -> Response:
    """Give the page, readable as it is."""
    body = page().html(headline.make(_overview(request, given))).encode()
    return _packed(request, body, "text/html; charset=utf-8", **{"Cache-Control": "no-store"})


@router.get("/view.json", include_in_schema=False)
def read_view(request: Request, given: Given) -> Response:
    """Give what the page shows, as texts; programs take /api/v1/overview."""
    body = document(headline.make(_overview(request, given)))
    return _packed(request, body, "application/json", **{"Cache-Control": "no-store"})


@router.get("/api/v1/overview")
def read_overview(request: Request, given: Given) -> Overview:
    """Give the estate at a glance: totals, alerts, clusters and the 200 busiest hosts."""
    return _overview(request, given)


@router.get("/static/{name}", include_in_schema=False)
def read_file(name: str, request: Request) -> Response:
    """Give one of the page's own files; the browser asks each time and mostly gets a 304."""
    file = files().get(name)
    if file is None:
        raise HTTPException(404, f"no file {name!r} here")
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)
