"""Answers of the page: documents packed where the browser takes it, and errors that people can read."""

import gzip
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.services import Services
from headroom_collector.store.api import StoreError
from headroom_collector.web.asked import Asked, asked_of
from headroom_collector.web.render import render

WORTH_PACKING = 2_000
"""Bytes from which on packing pays."""
HTML = "text/html; charset=utf-8"

View = Callable[[Asked], dict[str, Any]]
"""What a view makes of a request: the figures of its template."""


def packed(
    request: Request,
    body: bytes,
    media_type: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer, packed where the browser takes it: the rows of many hosts repeat themselves."""
    known = {"Vary": "Accept-Encoding, Accept-Language, Cookie", "Cache-Control": "no-store"}
    known |= headers or {}
    if len(body) >= WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=4, mtime=0)
        known["Content-Encoding"] = "gzip"
    return Response(body, status, media_type=media_type, headers=known)


def _fault(error: Exception) -> tuple[int, str]:
    if isinstance(error, NotFoundError):
        return 404, "error_missing"
    if isinstance(error, StoreError):
        return 503, "error_store"
    return (error.status_code if isinstance(error, HTTPException) else 500), "error_other"


def document(request: Request, given: Services, name: str, view: View) -> Response:
    """Answer with a view, or with a page that says why it cannot be shown."""
    asked = asked_of(request, given)
    try:
        text, status = render(name, asked.site, view=name, **view(asked)), 200
    except (NotFoundError, StoreError, HTTPException) as error:
        status, key = _fault(error)
        detail = str(error.detail) if isinstance(error, HTTPException) else str(error)
        text = render("error", asked.site, view="", reason=key, detail=detail)
    return packed(request, text.encode(), HTML, status)
