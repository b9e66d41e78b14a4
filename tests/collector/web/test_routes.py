"""The page over HTTP, out of a real store."""

from rigs.overviews import Get, Tell
from rigs.samples import SECOND, HandClock, host_rows

from headroom_collector.store.engine import DuckStore
from headroom_collector.web.model import Overview


def test_the_page_shows_a_host_of_the_store(get: Get, tell: Tell) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.25, cpus=4))

    answer = get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "alpha" in answer.text
    assert "25.0\u00a0%" in answer.text


def test_the_overview_gives_programs_the_figures_behind_it(get: Get, tell: Tell) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.25, cpus=4))

    answer = get("/api/v1/overview")

    seen = Overview.model_validate_json(answer.content)
    assert seen.hosts[0].cpu_utilisation_ratio == 0.25
    assert answer.json()["at"].endswith("Z")


def test_a_browser_that_takes_packed_answers_gets_them(get: Get) -> None:
    packed = get("/", **{"accept-encoding": "gzip"})
    plain = get("/", **{"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_files_are_sent_once_and_then_only_confirmed(get: Get) -> None:
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css")):
        first = get(f"/static/{name}")
        again = get(f"/static/{name}", **{"if-none-match": first.headers["etag"]})

        assert first.status_code == 200
        assert first.headers["content-type"].startswith(kind)
        assert (again.status_code, again.content) == (304, b"")
    assert get("/static/icon.svg").headers["content-type"] == "image/svg+xml"


def test_no_other_file_can_be_had(get: Get) -> None:
    for name in ("page.html", "..%2Fpage.py", "%2e%2e/model.py", "nothing"):
        answer = get(f"/static/{name}")
        assert answer.status_code == 404
        assert "detail" in answer.json()


def test_a_store_that_is_closed_is_one_clear_line(get: Get, store: DuckStore) -> None:
    store.close()

    answer = get("/")

    assert answer.status_code == 503
    assert "The store cannot be read just now." in answer.text
    assert get("/api/v1/overview").json()["detail"]


def test_viewers_of_the_same_second_share_one_overview(
    get: Get, tell: Tell, clock: HandClock
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.25))
    first = get("/api/v1/overview").json()
    clock.time += SECOND
    shared = get("/api/v1/overview").json()
    clock.seconds += 2
    fresh = get("/api/v1/overview").json()

    assert shared == first
    assert fresh["at"] == "2026-11-24T12:00:01Z"
