"""Asks an application without a socket, one request at a time."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI


class Client:
    """Asks an application, one request at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app)

    def get(self, path: str, **query: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://headroom"
            ) as client:
                return await client.get(path, params=query)

        return asyncio.run(ask())
