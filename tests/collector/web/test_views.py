"""Every view over HTTP: filled, empty, in both languages, behind a prefix, and what goes wrong."""

import asyncio
import re
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from rigs.estate import Filled
from rigs.journey import plain
from rigs.overviews import Get, Tell
from rigs.pages import Tags, getter
from rigs.samples import SECOND, HandClock, host_rows

from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.web.evidence import told
from headroom_collector.web.tongue import Tongue
from headroom_collector.web.views import settings

VIEWS = ["/", "/hosts", "/vms", "/plan", "/waste", "/energy", "/alerts", "/agents", "/settings"]
HOST = "/hosts/sim-00007"
VM = "/vms/00000007-0000-4000-8000-000000000001"
HOME = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="session")
def filled(estate: tuple[Filled, Services]) -> Get:
    return getter(make_app(estate[1], admin=False))


def shown(get: Get, path: str, language: str = "en") -> str:
    answer = get(path, **{"accept-language": language})
    assert answer.status_code == 200, answer.text
    return plain(" ".join(Tags(answer.text).text.split()))


def post(app: FastAPI, path: str, headers: dict[str, str], **fields: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            sent = {"content-type": "application/x-www-form-urlencoded", **headers}
            return await client.post(path, content=urlencode(fields), headers=sent)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", [*VIEWS, HOST, VM])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_view_is_whole_in_both_languages(filled: Get, path: str, language: str) -> None:
    answer = filled(path, **{"accept-language": language})
    tags = Tags(answer.text)

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert sum(tag == "h1" for tag, _ in tags.tags) == 1
    assert not re.search(r"\bNone\b|\{\w+\}|Undefined", tags.text)
    for tag, attributes in tags.tags:
        assert "style" not in attributes
        assert tag != "script" or "src" in attributes


@pytest.mark.parametrize("path", VIEWS)
def test_an_empty_estate_says_what_is_missing(get: Get, path: str) -> None:
    assert len(shown(get, path)) > 200
    assert len(shown(get, path, "fr")) > 200


def test_what_is_missing_comes_with_how_to_get_it(get: Get, tell: Tell) -> None:
    assert "Start an agent on a host" in shown(get, "/hosts")
    tell("alpha", host_rows(cpu_utilisation_ratio=0.25, cpus=4))

    assert "Agents see them on hosts that run libvirt" in shown(get, "/vms")
    assert "`headroom-agent doctor` says on a host which sources" in shown(get, "/energy")
    assert "verdicts on what does nothing need 14 days" in shown(get, "/waste")
    assert "Nobody is told: no receiver is configured" in shown(get, "/alerts")
    assert "This collector makes no plans" in shown(get, "/plan")
    assert "known only for those that this collector issued" in shown(get, "/agents")
    host = shown(get, "/hosts/alpha")
    assert "It reports no virtual machines." in host
    assert "No value in this time." not in host


def test_the_estate_is_cut_sorted_and_sifted_on_the_server(filled: Get) -> None:
    first = shown(filled, "/hosts?sort=name")
    assert "1 to 50 of 60" in first
    assert "sim-00000" in first
    assert "sim-00059" not in first
    assert "51 to 60 of 60" in shown(filled, "/hosts?sort=name&page=2")
    assert "51 to 60 of 60" in shown(filled, "/hosts?sort=name&page=99")
    assert "1 to 20 of 20" in shown(filled, "/hosts?place=dc-south%2Fdb")
    assert "1 to 1 of 1" in shown(filled, "/hosts?q=00042")
    assert "Nothing fits the filter." in shown(filled, "/hosts?q=nobody")
    for odd in ("sort=evil;drop", "page=-1", "page=zz", "state=<b>", "place=%2F%2F"):
        assert filled(f"/hosts?{odd}").status_code == 200
        assert filled(f"/vms?{odd}").status_code == 200


def test_virtual_machines_are_cut_sorted_and_sifted_in_the_store(filled: Get) -> None:
    assert "1 to 50 of 240" in shown(filled, "/vms")
    assert "201 to 240 of 240" in shown(filled, "/vms?page=5")
    assert "1 to 4 of 4" in shown(filled, "/vms?q=app-00009-")
    assert "1 to 80 of 80".replace("80 of", "50 of") in shown(filled, "/vms?place=dc-north%2Fweb")
    assert "app-00009-2" in shown(filled, "/vms?q=00000009-0000-4000-8000-000000000002")


def test_a_name_with_any_character_is_shown_and_does_nothing(filled: Get) -> None:
    answer = filled("/vms?q=onerror")
    assert "<img src=x" not in answer.text
    assert "<img src=x onerror=alert(1)>" in Tags(answer.text).text
    assert "\u202e" not in Tags(answer.text).text
    assert "&lt;img src=x" in filled("/vms/00000000-0000-4000-8000-000000000000").text


def test_a_chart_has_its_points_its_drawing_and_its_table(filled: Get) -> None:
    points = filled("/chart.json?host=sim-00007&what=cpu&range=1h").json()
    assert points["unit"] == "ratio"
    assert points["level"] == 0.4
    assert len(points["times"]) == len(points["lines"][0]["values"]) == 120
    assert any(value for value in points["lines"][0]["values"])

    answer = filled(f"{HOST}?range=7d")
    assert answer.text.count("<figure") == 4
    assert '<path class="line_cpu" d="M' in answer.text
    assert "The figures as a table" in answer.text
    assert filled("/chart.json?host=nobody&what=cpu").status_code == 404
    assert filled("/chart.json?host=sim-00007&what=nonsense").status_code == 404
    assert filled("/chart.json").status_code == 404


def test_gaps_and_versions_stand_with_the_agents(filled: Get) -> None:
    shown_ = shown(filled, "/agents?sort=-gaps")

    assert "Versions: 0.1.0 (60)" in shown_
    assert re.search(r"sim-00003.{0,250}?Lost batches 7\D", shown_)


def test_a_clock_that_is_ahead_is_said(get: Get, tell: Tell, clock: HandClock) -> None:
    ahead = clock.time + 90 * SECOND
    tell("alpha", host_rows(ahead, cpu_utilisation_ratio=0.25, cpus=4))

    assert "clock 1 min ahead: check NTP on the host" in shown(get, "/agents")


def test_what_is_not_there_is_a_page_that_says_so(filled: Get) -> None:
    for path in ("/hosts/nobody", "/vms/nothing", "/plan?id=none"):
        assert filled(path).status_code == 404, path
    assert "There is nothing of that name here." in filled("/hosts/nobody").text
    assert "Rien ne porte ce nom ici." in filled("/vms/x", **{"accept-language": "fr"}).text


def test_every_link_is_right_behind_a_prefix(behind: Get, tell: Tell) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.25, cpus=4))
    for path in [*VIEWS, "/hosts/alpha"]:
        answer = behind(f"/headroom{path}")
        assert answer.status_code == 200, path
        for tag, attributes in Tags(answer.text).tags:
            for name in ("href", "src", "action", "data-chart"):
                link = attributes.get(name) or "#"
                known = link.startswith(("/headroom/", "#", "https://ops.example.com/grafana/d/"))
                assert known, f"{path}: {tag} {name}={link}"
    assert 'href="https://ops.example.com/grafana/d/' in behind("/headroom/hosts/alpha").text
    assert behind("/hosts").text.count("/headroom/static/style.css") == 1


def test_a_language_and_a_theme_are_remembered_and_nobody_is_sent_elsewhere(get: Get) -> None:
    answer = get("/preferences?language=fr&to=/hosts%3Fq%3Da")
    assert (answer.status_code, answer.headers["location"]) == (303, "/hosts?q=a")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("headroom_language=fr")
    assert "HttpOnly" in cookie
    assert '<html lang="fr">' in get("/", cookie="headroom_language=fr").text
    assert 'data-theme="dark"' in get("/", cookie="headroom_theme=dark").text
    assert "set-cookie" not in get("/preferences?language=xx").headers or (
        "Max-Age=0" in get("/preferences?language=xx").headers["set-cookie"]
    )
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "evil"):
        assert get(f"/preferences?theme=dark&to={elsewhere}").headers["location"] == "/"


def test_a_silence_is_made_and_ended_on_the_page(app: FastAPI, get: Get) -> None:
    asked = {"host": "web-*", "length": "4h", "author": "Zoë", "reason": "patch day"}
    made = post(app, "/admin/silences/page", HOME, **asked)
    assert made.status_code == 200
    assert "The silence holds." in made.text
    assert "by Zoë: patch day" in made.text
    (id_,) = re.findall(r'name="id" value="(\w+)"', made.text)

    ended = post(app, "/admin/silences/page/end", HOME, id=id_)
    assert "The silence has ended." in ended.text
    assert "No silence holds." in shown(get, "/alerts")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"host": "a", "length": "4h", "author": "", "reason": "r"}, "author"),
        ({"host": "a", "length": "9y", "author": "z", "reason": "r"}, "length"),
        ({"host": "", "length": "4h", "author": "z", "reason": "r"}, "at least one label"),
        ({"host": "*", "length": "4h", "author": "z", "reason": "r"}, "not &#39;*&#39;"),
    ],
)
def test_a_silence_that_cannot_be_says_why(app: FastAPI, fields, says) -> None:
    answer = post(app, "/admin/silences/page", HOME, **fields)

    assert "Not done: " in answer.text
    assert says in answer.text
    assert "No silence holds." in answer.text


def test_what_does_not_fire_cannot_be_taken_on(app: FastAPI) -> None:
    answer = post(app, "/admin/alerts/page/acknowledge", HOME, rule="X", host="h", author="z")

    assert "Not done: X does not fire for &#39;h&#39;" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "http://page"},
    ],
)
def test_another_page_cannot_send_our_forms(app: FastAPI, get: Get, headers) -> None:
    asked = {"host": "web-*", "length": "4h", "author": "z", "reason": "r"}
    for path in ("/admin/silences/page", "/api/v1/plans/page"):
        assert post(app, path, headers, **asked).status_code == 403
    assert "No silence holds." in shown(get, "/alerts")
    assert post(app, "/admin/silences/page", {"origin": "http://page"}, **asked).status_code == 200


def test_settings_show_no_secret() -> None:
    assert settings.bare("https://user:hunter2@hooks.example:8443/T0/B1/key?token=x") == (
        "https://hooks.example:8443/…"
    )
    assert settings.shown("https://hooks.example/services/secret") == "https://hooks.example/…"
    assert settings.shown(value=True) == "true"


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "busiest 5 minutes 1.2% CPU in 15 days (98% of them measured), runs 3 VMs",
            "5 minutes les plus chargées : 1,2 % CPU en 15 jours (98 % mesurés), porte 3 VM",
        ),
        (
            "off for 20 days; 8.0 GiB stay reserved for it, its disks are not measured",
            "éteinte depuis 20 jours ; 8,0 Gio lui restent réservés, ses disques ne sont pas"
            " mesurés",
        ),
        (
            "over 30 days: 8 vCPUs, 1.5 used at most: 2 are enough",
            "sur 30 jours : 8 vCPU, 1,5 utilisés au plus : 2 suffisent",
        ),
        ("bought 2019-01-01, 7.9 years old; limit 5 years", None),
    ],
)
def test_evidence_is_told_in_french_too(english: str, french: str | None) -> None:
    assert told(Tongue("en"), english) == english
    if french is not None:
        assert told(Tongue("fr"), english) == french
    else:
        assert told(Tongue("fr"), english) == "acheté le 2019-01-01, 7,9 ans ; limite 5 ans"
