"""Documents as a reader has them: their tags, their text, and how they are asked for."""

import asyncio
from html.parser import HTMLParser

import httpx
from starlette.types import ASGIApp

from .overviews import Get

VOID = {"meta", "link", "img", "input"}


class Tags(HTMLParser):
    """Every tag with its attributes, and the text; checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def getter(app: ASGIApp) -> Get:
    """Return what asks an application for a path."""

    def get_(path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    return get_
