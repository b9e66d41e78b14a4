"""Errors of the HTTP side: every one is ``{"detail": "one line"}``."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headroom_collector.inventory.book import BookError
from headroom_collector.inventory.entries import InventoryError
from headroom_collector.store.api import StoreError
from headroom_core.identity import IdentityError


class NotFoundError(Exception):
    """Something that the caller named and that there is not; the text says so."""


def _line(text: str) -> str:
    return "; ".join(part.strip() for part in text.splitlines() if part.strip())


def _answer(status: int, text: str) -> JSONResponse:
    return JSONResponse({"detail": _line(text)}, status_code=status)


def _invalid(error: RequestValidationError) -> str:
    """Return one line on arguments that are not what a route expects."""
    return "; ".join(
        f"{' '.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    )


async def on_http(_request: Request, error: Exception) -> JSONResponse:
    """Answer with the status that a route or the router chose."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse(
        {"detail": _line(str(error.detail))}, status_code=error.status_code, headers=error.headers
    )


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Answer 422 for arguments that are not what a route expects."""
    text = _invalid(error) if isinstance(error, RequestValidationError) else str(error)
    return _answer(422, text)


async def on_missing(_request: Request, error: Exception) -> JSONResponse:
    """Answer 404 for a name that is not known."""
    return _answer(404, str(error))


async def on_conflict(_request: Request, error: Exception) -> JSONResponse:
    """Answer 409 for what cannot be done as things are."""
    return _answer(409, str(error))


async def on_store(_request: Request, error: Exception) -> JSONResponse:
    """Answer 503 where the store cannot be read or written."""
    return _answer(503, str(error))


async def on_fault(_request: Request, error: Exception) -> JSONResponse:
    """Answer 500 for a fault of the collector's own; the server logs it with its traceback."""
    return _answer(
        500, f"the collector failed ({type(error).__name__}); its log has the particulars"
    )


def add_errors(app: FastAPI) -> None:
    """Give an application these answers."""
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(NotFoundError, on_missing)
    app.add_exception_handler(BookError, on_conflict)
    app.add_exception_handler(IdentityError, on_invalid)
    app.add_exception_handler(InventoryError, on_invalid)
    app.add_exception_handler(StoreError, on_store)
    app.add_exception_handler(Exception, on_fault)
