"""Debian's Chromium driven by Playwright: pages on desktop and phone, with what went wrong on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from .need import engine

SIZES = {"desktop": (1440, 900), "phone": (390, 844), "wall": (2560, 1440)}
SERIOUS = {"serious", "critical"}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"]


@dataclass
class View:
    """A page in a browser, and what its console and network said."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def axe(self) -> list[str]:
        """Return the serious findings of axe-core, each in one line."""
        self.page.evaluate(axe_script())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:150]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]

    def text(self, selector: str = "main") -> str:
        """Return what people read, with plain spaces."""
        return plain(self.page.inner_text(selector))


def plain(text: str) -> str:
    """Return a text with plain spaces and without what keeps lines together."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2060", "")


def axe_script() -> str:
    """Return axe-core as its package has it; run as code, not as an element, so that CSP holds."""
    found = resources.files("axe_playwright_python").joinpath("axe.min.js")
    return found.read_text(encoding="utf-8")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; no other is ever downloaded."""
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=engine("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(browser: Browser, size: str = "desktop", **options: Any) -> Iterator[View]:
    """Open a page of that size, in a profile of its own."""
    width, height = SIZES[size]
    given: dict[str, Any] = {"locale": "en-GB", "timezone_id": "Europe/Paris"}
    context = browser.new_context(
        viewport={"width": width, "height": height},
        **given | ({"has_touch": True, "is_mobile": True} if size == "phone" else {}) | options,
    )
    try:
        view = View(context.new_page())
        view.page.set_default_timeout(60_000)
        view.page.on("console", lambda told: view.said.append(f"{told.type}: {told.text}"))
        view.page.on("pageerror", lambda error: view.said.append(f"error: {error}"))
        view.page.on("request", lambda request: view.asked.append(request.url))
        yield view
    finally:
        context.close()
