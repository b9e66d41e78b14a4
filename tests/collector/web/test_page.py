"""The overview as HTML: right without a script, harmless whatever a name holds, in both languages."""

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs import overviews
from rigs.journey import plain
from rigs.pages import Tags

from headroom_collector.web.draw import heights, nice, spark
from headroom_collector.web.model import Overview
from headroom_collector.web.render import HERE, environment, render
from headroom_collector.web.site import Site
from headroom_collector.web.tongue import Tongue, chosen
from headroom_collector.web.views import overview as view
from headroom_collector.web.words import PARTS, TEXTS

HOSTILE = '<img src=x onerror=alert(1)>"\' onload="x\u202egpj.exe\x00&amp;<!--hosts--> {{ 7 * 7 }} {% raw %}'
ENGLISH, FRENCH = Tongue("en"), Tongue("fr")


def html(overview: Overview, tongue: Tongue = ENGLISH) -> str:
    site = Site(tongue, "", "", "/", {}, "", "0.1.0")
    return render("overview", site, view="overview", **view.figures(tongue, overview))


def text(overview: Overview, tongue: Tongue = ENGLISH) -> str:
    return plain(" ".join(Tags(html(overview, tongue)).text.split()))


def said(overview: Overview) -> str:
    totals = overview.totals
    return plain(f"{view.sentence(ENGLISH, totals)} {view.sure(ENGLISH, overview)}")


def test_an_empty_estate_says_how_to_begin() -> None:
    shown = text(overviews.empty())

    assert "No host reports yet." in shown
    assert "headroom-agent --collector 127.0.0.1:9440" in shown
    assert "hosts present" not in shown
    assert "Aucun hôte ne rend encore compte." in text(overviews.empty(), FRENCH)


def test_one_host_without_history_says_what_there_is_and_what_there_is_not() -> None:
    shown = text(overviews.overview())

    assert "You run 1 host." in shown
    assert "Measuring since 12 s; a bound needs more history" in shown
    assert "12.3 %" in shown
    assert "3.0 GiB of 8.0 GiB" in shown
    assert "no host reports VMs" in shown
    assert "no host reports its power; give the agents access to RAPL or IPMI" in shown
    assert "metal-1" in shown
    assert "All hosts here are simulated." not in shown


def test_a_simulated_fleet_says_its_bound_and_that_it_is_simulated() -> None:
    fleet = overviews.fleet(60)
    shown = text(fleet)

    assert (
        "You run 60 hosts; the measured work needs at least 18 under the 40 % ceiling;"
        " up to 42 could be freed."
    ) in shown
    assert "It rests on 9 d of history." in shown
    assert "All hosts here are simulated." in shown
    assert "1 alert firing: " in shown
    for cluster in ("dc-north / batch", "dc-north / web", "dc-south / db"):
        assert cluster in shown
    assert html(fleet).count("<i>simulated</i>") >= view.BUSIEST


def test_french_writes_its_figures_its_own_way() -> None:
    shown = text(overviews.fleet(1200), FRENCH)

    assert "Vous exploitez 1 200 hôtes" in shown
    assert "21,0 %" in shown
    assert "Tous les hôtes affichés sont simulés." in shown
    assert FRENCH.money(12_345.6, "EUR") == "12\u202f350\u00a0€"
    assert ENGLISH.money(-12_345.6, "EUR") == "-€12,350"
    assert ENGLISH.money(99.5, "CHF", 2) == "CHF\u00a099.50"
    assert FRENCH.count("host", 0) == "0 hôte"
    assert ENGLISH.count("host", 0) == "0 hosts"
    assert FRENCH.gibibytes(1536 * 1024**2) == "1,5\u00a0Gio"


@pytest.mark.parametrize(
    ("present", "needed", "days", "says"),
    [
        (50, 15, 9.0, "up to 35 could be freed. A bound"),
        (1, 1, 9.0, "none can be freed."),
        (3, 5, 9.0, "needs at least 5: more than there are."),
        (50, 15, 0.02, "28 min of history: too little to act on."),
        (50, 15, 0.5, "12 h of history and has not seen a whole day."),
        (50, 15, 6.0, "6 d of history and has not seen a whole week."),
    ],
)
def test_the_headline_says_what_follows_and_how_sure_it_is(present, needed, days, says) -> None:
    bound = overviews.bound(present, needed, days)

    assert says in said(
        overviews.overview(totals=overviews.totals(hosts_present=present, bound=bound))
    )


def test_clusters_that_differ_are_not_made_one() -> None:
    bound = overviews.bound(50, 19, 0.00005).model_copy(
        update={"history_longest_seconds": 7_200.0, "clusters": 5, "clusters_short": 1}
    )
    seen = overviews.overview(
        totals=overviews.totals(hosts_present=50, bound=bound),
        clusters=[overviews.cluster(bound=overviews.bound(1, 3))],
    )
    shown = text(seen)

    assert "It rests on 4 s to 2 h of history and has not seen a whole day." in shown
    assert "More hosts are needed than there are in 1 of 5 clusters." in shown
    assert "at least 3more than there are" in shown


def test_a_young_cluster_beside_an_old_one_is_said() -> None:
    bound = overviews.bound(50, 19, 9).model_copy(update={"history_seconds": 7_200.0})

    assert "It rests on 2 h to 9 d of history, by cluster;" in said(
        overviews.overview(totals=overviews.totals(bound=bound))
    )


def test_a_bound_that_covers_some_hosts_only_says_so() -> None:
    seen = overviews.overview(
        totals=overviews.totals(hosts_present=52, bound=overviews.bound(50, 15))
    )

    assert "It covers 50 of 52 hosts." in said(seen)


def test_differing_ceilings_are_both_named() -> None:
    totals = overviews.totals(hosts_present=9, bound=overviews.bound(9, 2), ceiling_low_ratio=0.3)

    assert "30 % to 40 % ceiling" in text(overviews.overview(totals=totals))


def test_an_estimate_carries_its_kind_and_its_interval() -> None:
    shown = text(overviews.overview(hosts=[overviews.host(power=overviews.power(142.0))]))
    counted = text(
        overviews.overview(hosts=[overviews.host(power=overviews.power(61.0, "measured"))])
    )

    assert "142 W" in shown
    assert "modelled, 114–170 W" in shown  # noqa: RUF001 - the dash of an interval
    assert "61 W" in counted
    assert "measured, CPU and memory only" in counted


def test_money_at_stake_is_said_or_why_it_is_not() -> None:
    known = overviews.totals(waste_cost_per_year=5_800.0, currency="EUR")

    assert "€5,800" in text(overviews.overview(totals=known))
    assert "looked for every hour" in text(overviews.overview())


@pytest.mark.parametrize("tongue", [ENGLISH, FRENCH], ids=["en", "fr"])
def test_hostile_names_are_shown_and_do_nothing(tongue) -> None:
    seen = overviews.overview(
        hosts=[overviews.host(HOSTILE, site=HOSTILE, cluster=HOSTILE)],
        alerts=[overviews.alert(HOSTILE)],
        clusters=[overviews.cluster(HOSTILE, HOSTILE)],
    )
    plain_ = Tags(
        html(
            overviews.overview(
                hosts=[overviews.host("h", site="s", cluster="c")],
                alerts=[overviews.alert("x")],
                clusters=[overviews.cluster("s", "c")],
            ),
            tongue,
        )
    )
    hostile = Tags(html(seen, tongue))

    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain_.tags]
    assert [set(one) for _, one in hostile.tags] == [set(one) for _, one in plain_.tags]
    assert "<img src=x onerror=alert(1)>" in hostile.text
    assert "{{ 7 * 7 }}" in hostile.text
    assert "\u202e" not in hostile.text
    assert "\u202e" not in view.announce(tongue, seen)


@given(st.text())
def test_no_text_gets_out_of_its_place(value: str) -> None:
    template = environment().from_string('<p title="{{ v }}"><b>{{ v | foreign }}</b></p>')
    filled = template.render(v=value)

    assert re.fullmatch(r'<p title="[^"<>]*"><b>[^<>]*</b></p>', filled)


def test_nothing_on_the_page_is_inline_or_from_elsewhere() -> None:
    for tag, attributes in Tags(html(overviews.fleet(30))).tags:
        assert tag not in {"style", "iframe", "object", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes.keys() <= {"src", "defer", "type"}
        for name in ("src", "href"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))
    for styles in (HERE / "static").rglob("*.css"):
        assert "url(" not in styles.read_text()
        assert "@import" not in styles.read_text()
    for script in (HERE / "static").glob("*.js"):
        assert "http" not in script.read_text()
        assert "insertAdjacentHTML" not in script.read_text()


def test_the_libraries_come_with_their_licences() -> None:
    vendor = HERE / "static" / "vendor"
    for library in vendor.glob("*.js"):
        assert "ermission" in (vendor / f"{library.stem}.LICENSE").read_text()


def fields(text_: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text_) if name}


def test_every_text_is_in_both_languages_with_the_same_figures() -> None:
    assert sum(len(part.TEXTS) for part in PARTS) == len(TEXTS), "a name is there twice"
    for key, pair in TEXTS.items():
        assert len(pair) == 2, key
        assert all(pair), key
        assert fields(pair[0]) == fields(pair[1]), key


def test_french_keeps_its_spaces_and_apostrophes() -> None:
    for key, (_, french) in TEXTS.items():
        assert "'" not in french, key
        assert not re.search(r"[^\s\d\w](?<! )[;?!]|\w[;?!]", french), key


def test_every_text_is_used() -> None:
    sources = "".join(
        path.read_text()
        for folder in (HERE, HERE.parent / "report")
        for path in folder.rglob("*")
        if path.suffix in {".py", ".html"} and "words" not in path.parts
    )
    joined = set(re.findall(r'"(\w+_)" ~|"(\w+_)"\s*~|f"(\w+_)\{', sources))
    starts = tuple({one for group in joined for one in group if one} | {"waste_", "vm_state_"})
    nouns = tuple(re.findall(r'count\(\s*"(\w+)"', sources))

    unused = [
        key
        for key in TEXTS
        if not re.search(rf"""["']{key}["']""", sources)
        and not key.startswith(starts)
        and key.removesuffix("_one").removesuffix("_many") not in nouns
    ]
    assert unused == []


def test_tables_name_their_columns_and_rows() -> None:
    tags = Tags(html(overviews.fleet(5))).tags
    tables = sum(tag == "table" for tag, _ in tags)

    assert tables == 3
    assert sum(tag == "caption" for tag, _ in tags) == tables
    heads = [attributes.get("scope") for tag, attributes in tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    assert {"header", "main", "footer", "nav", "h1"} <= {tag for tag, _ in tags}


def test_a_thousand_hosts_make_a_page_below_300_kilobytes() -> None:
    body = len(html(overviews.fleet(1000)).encode())
    files = sum(
        len((HERE / "static" / name).read_bytes())
        for name in ("app.js", "charts.js", "style.css", "icon.svg", "vendor/idiomorph.js")
    )

    assert body + files < 300_000


@pytest.mark.parametrize(
    ("cookie", "accepted", "code"),
    [
        ("", "", "en"),
        ("", "fr-CA,fr;q=0.8,en;q=0.5", "fr"),
        ("", "de,fr;q=0.4,en;q=0.7", "en"),
        ("", "de-DE", "en"),
        ("", "fr;q=nonsense,*;q=0", "en"),
        ("fr", "en", "fr"),
        ("xx", "fr", "fr"),
    ],
)
def test_the_language_is_the_readers_and_never_an_unknown_one(cookie, accepted, code) -> None:
    assert chosen(cookie, accepted).code == code


def test_a_line_breaks_where_a_value_is_not_known() -> None:
    assert spark([None, 0.5, 0.25, None, 1.0]) == "M1 50h0L2 75M4 0h0"
    assert spark([]) == ""
    assert heights([0, 1, 100]) == ["0", "2", "100"]
    assert [nice(value) for value in (0, 0.03, 7, 130, 2600)] == [1.0, 0.05, 10, 200, 5000]
