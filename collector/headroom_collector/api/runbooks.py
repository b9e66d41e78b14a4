"""Runbooks of the rules that ship, as pages for whoever is on call."""

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt

from headroom_core.rules import ALL_SHIPPED, RUNBOOKS

router = APIRouter(prefix=RUNBOOKS.rstrip("/"), include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<header class="top"><p class="brand"><a href="/">Headroom</a></p></header>
<main><article class="card runbook">
{body}</article></main>
</body>
</html>
"""


@cache
def runbooks() -> dict[str, str]:
    """Return every runbook as a page, by the name of its rule."""
    folder = files("headroom_collector") / "runbooks"
    names = sorted(rule.name for rule in ALL_SHIPPED)
    return {name: _page(name, (folder / f"{name}.md").read_text("utf-8")) for name in names}


def _page(title: str, text: str) -> str:
    # Our own texts; raw HTML in them would be escaped all the same.
    body = MarkdownIt("commonmark", {"html": False}).render(text)
    return PAGE.format(title=f"{escape(title)} - Headroom", body=body)


@cache
def _index() -> str:
    lines = "\n".join(f"- [{name}]({RUNBOOKS}{name})" for name in runbooks())
    return _page("Runbooks", f"# Runbooks\n\n{lines}\n")


@router.get("", response_class=HTMLResponse)
def list_runbooks() -> str:
    """List the runbooks."""
    return _index()


@router.get("/{rule}", response_class=HTMLResponse)
def read_runbook(rule: str) -> str:
    """Give the runbook of a rule: what its alert means, what to do."""
    found = runbooks().get(rule)
    if found is None:
        raise HTTPException(404, f"no runbook of {rule!r}: {RUNBOOKS.rstrip('/')} has all")
    return found
