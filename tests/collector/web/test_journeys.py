"""The page in Debian's Chromium: main journeys on desktop and phone, accessibility, security policy."""

import os
import re
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Browser, expect
from rigs.journey import View, looking
from rigs.overviews import Tell
from rigs.samples import host_rows

VIEWS = {
    "overview": "/",
    "hosts": "/hosts",
    "vms": "/vms",
    "host": "/hosts/sim-00007?range=1h",
    "vm": "/vms/00000007-0000-4000-8000-000000000001?range=1h",
    "plan": "/plan",
    "waste": "/waste",
    "energy": "/energy",
    "alerts": "/alerts",
    "agents": "/agents",
    "settings": "/settings",
}


def keep(view: View, name: str) -> None:
    """Keep a screenshot where HEADROOM_SCREENSHOTS names a folder."""
    folder = os.environ.get("HEADROOM_SCREENSHOTS")
    if folder:
        view.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def overflow(view: View) -> int:
    """Return by how many pixels the page is wider than the window."""
    return view.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_view_is_accessible_fits_and_loads_nothing_from_elsewhere(
    browser: Browser, site: str, size: str
) -> None:
    scheme = "dark" if size == "phone" else "light"
    with looking(browser, size, color_scheme=scheme) as view:
        for name, path in VIEWS.items():
            view.page.goto(f"{site}{path}")
            expect(view.page.locator("html[data-live=yes], main[data-live='0']")).to_have_count(1)
            keep(view, f"{name}-{size}")
            assert view.axe() == [], name
            assert overflow(view) <= 0, name
        assert [url for url in view.asked if not url.startswith(site)] == []
        assert view.said == []


def test_french_in_the_dark_is_accessible_too(browser: Browser, site: str) -> None:
    with looking(browser, locale="fr-FR", color_scheme="dark") as view:
        for path in ("/", "/hosts", "/energy"):
            view.page.goto(f"{site}{path}")
            assert view.page.locator("html").get_attribute("lang") == "fr"
            assert view.axe() == [], path
        view.page.get_by_role("link", name="English").click()
        expect(view.page.get_by_role("heading", level=1)).to_have_text("Energy")
        assert view.said == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_the_overview_to_a_virtual_machine(browser: Browser, site: str, size: str) -> None:
    with looking(browser, size) as view:
        page = view.page
        page.goto(site)
        assert "You run 60 hosts." in view.text()
        page.get_by_role("link", name="Estate", exact=True).click()
        page.get_by_label("Name contains").fill("00042")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert page.url.endswith("q=00042&sort=-cpu")
        page.get_by_role("link", name="sim-00042").click()
        expect(page.locator("figure canvas").first).to_be_visible()
        page.get_by_role("link", name="app-00042-1").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("app-00042-1")
        assert "running on sim-00042" in view.text()
        assert view.said == []


def test_a_column_sorts_both_ways_with_the_keyboard_alone(browser: Browser, site: str) -> None:
    with looking(browser) as view:
        view.page.goto(f"{site}/hosts")
        view.page.keyboard.press("Tab")
        expect(view.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        view.page.keyboard.press("Enter")
        expect(view.page.locator("main")).to_be_focused()
        view.page.keyboard.press("/")
        expect(view.page.get_by_label("Name contains")).to_be_focused()
        for first in ("sim-00000", "sim-00059"):
            view.page.locator("th a.sort", has_text="Host").focus()
            view.page.keyboard.press("Enter")
            expect(view.page.locator("tbody th a").first).to_have_text(first)


def test_times_are_the_viewers_own_with_utc_at_hand(browser: Browser, site: str) -> None:
    with looking(browser, timezone_id="Asia/Tokyo") as view:
        view.page.goto(site)
        at = view.page.locator("#at")
        expect(at).to_have_text("21:00:00")
        assert at.get_attribute("title") == "2026-11-24 12:00:00 UTC"


def test_news_come_without_a_reload_and_a_lost_collector_is_said(
    browser: Browser, app: FastAPI, tell: Tell, serve
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.125, cpus=4))
    down: list[str] = []

    @app.middleware("http")
    async def gone(request: Request, call_next) -> Response:
        return Response(status_code=503) if down else await call_next(request)

    with looking(browser) as view:
        view.page.goto(serve(app))
        view.page.evaluate("window.kept = true")
        tell("newcomer", host_rows(cpu_utilisation_ratio=0.5, cpus=4), simulated=True)
        expect(view.page.get_by_role("link", name="newcomer")).to_be_visible(timeout=30_000)
        assert "1 of 2 hosts are simulated" in view.text()
        down.append("now")
        expect(view.page.get_by_role("alert")).to_contain_text("The collector does not answer")
        assert "newcomer" in view.text()
        down.clear()
        expect(view.page.get_by_role("alert")).to_be_hidden()
        assert view.page.evaluate("window.kept")


def test_an_alert_is_silenced_from_the_page(browser: Browser, app: FastAPI, serve) -> None:
    with looking(browser, "phone") as view:
        view.page.goto(f"{serve(app)}/alerts")
        view.page.get_by_text("New silence").click()
        form = view.page.locator("#new-silence form")
        form.get_by_label("Host").fill("web-*")
        form.get_by_label("Your name").fill("Zoë")
        form.get_by_label("Reason").fill("patch day")
        form.get_by_role("button", name="Silence").click()
        expect(view.page.get_by_role("status").first).to_have_text("The silence holds.")
        view.page.get_by_role("button", name=re.compile("End the silence")).click()
        expect(view.page.get_by_text("No silence holds.")).to_be_visible()
        assert view.axe() == []
        assert view.said == []


def test_without_a_script_everything_is_readable_and_works(browser: Browser, site: str) -> None:
    with looking(browser, java_script_enabled=False) as view:
        view.page.goto(site)
        assert "You run 60 hosts." in view.text()
        assert "2026-11-24 12:00:00 UTC" in view.text("header")
        view.page.goto(f"{site}/hosts")
        view.page.get_by_label("Name contains").fill("00042")
        view.page.get_by_role("button", name="Show").click()
        assert "1 to 1 of 1" in view.text()
        view.page.goto(f"{site}/hosts/sim-00042?range=1h")
        expect(view.page.locator("svg.static path.line_cpu").first).to_be_visible()
        view.page.goto(f"{site}/alerts")
        expect(view.page.get_by_text("New silence")).to_be_visible()


def test_the_policy_stops_what_a_page_brings_in_itself(
    browser: Browser, app: FastAPI, serve
) -> None:
    @app.get("/inline")
    def inline() -> Response:
        return Response(
            "<p style='color:red' id=p>x<script>p.id='ran'</script>", 200, {}, "text/html"
        )

    with looking(browser) as view:
        view.page.goto(f"{serve(app)}/inline")
        assert view.page.locator("#ran").count() == 0
        assert any("Content Security Policy" in line for line in view.said)
