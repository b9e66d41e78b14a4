"""Health of the collector, for supervisors and load balancers."""

import asyncio

import duckdb
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from headroom_collector.api.services import Given
from headroom_collector.store.api import StoreError

router = APIRouter(tags=["health"])

COMMIT_SECONDS = 5.0


class Health(BaseModel):
    """The collector answers."""

    status: str = Field(description="'ok' or 'ready'")
    version: str


def _nothing(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:
    """Change nothing: what is wanted is that the commit becomes durable."""


@router.get("/healthz")
async def healthz(given: Given) -> Health:
    """Say that the process lives."""
    return Health(status="ok", version=given.version)


@router.get("/readyz", responses={503: {"description": "The store cannot be written"}})
async def readyz(given: Given) -> Health:
    """
    Say that batches are taken: the store makes a commit durable within 5 seconds.

    HTTP listens only after gRPC does, so an answer at all says that agents can connect.
    """
    try:
        durable = asyncio.wrap_future(given.store.change(_nothing))
        await asyncio.wait_for(durable, COMMIT_SECONDS)
    except TimeoutError:
        raise HTTPException(
            503, f"the store made no commit durable within {COMMIT_SECONDS:g} s"
        ) from None
    except StoreError as error:
        raise HTTPException(503, f"the store cannot be written: {error}") from None
    return Health(status="ready", version=given.version)
