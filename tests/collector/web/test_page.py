"""The page as HTML: right without a script, harmless whatever a name holds, clean under its CSP."""

import re
from html import escape, unescape
from html.parser import HTMLParser
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs import overviews

from headroom_collector.web import fill, headline
from headroom_collector.web.draw import spark
from headroom_collector.web.model import Overview, State
from headroom_collector.web.page import HERE, document, page
from headroom_collector.web.words import ENGLISH

VOID = {"meta", "link", "img", "input", "rect", "path"}
HOSTILE = (
    '<img src=x onerror=alert(1)>"\' onload="x\u202egpj.exe\x00&amp;<!--hosts--> data-f="key"'
)


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


def html(overview: Overview) -> str:
    return page().html(headline.make(overview))


def text(overview: Overview) -> str:
    return Tags(html(overview)).text.replace("\u00a0", " ").replace("\u2060", "")


def test_an_empty_estate_says_how_to_begin() -> None:
    shown = text(overviews.empty())

    assert "No host reports yet." in shown
    assert "headroom-agent --collector 127.0.0.1:9440" in shown
    assert re.search(r'<div class="show"[^>]* hidden="hidden">', html(overviews.empty()))


def test_one_host_without_history_says_what_there_is_and_what_there_is_not() -> None:
    shown = text(overviews.overview())

    assert "You run 1 host." in shown
    assert "Measuring since 12 s; a bound needs more history" in shown
    assert "12.3 %" in shown
    assert "3.0 of 8.0 GiB" in shown
    assert "no host reports VMs" in shown
    assert "no host reports its power" in shown
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
    assert html(fleet).count("<i>simulated</i>") >= 60


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
    seen = overviews.overview(totals=overviews.totals(hosts_present=present, bound=bound))
    texts = headline.make(seen).texts

    assert says in f"{texts['headline']} {texts['sure']}".replace("\u00a0", " ")


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
    texts = headline.make(overviews.overview(totals=overviews.totals(bound=bound))).texts

    assert "It rests on 2 h to 9 d of history, by cluster;" in texts["sure"].replace("\u00a0", " ")


def test_a_bound_that_covers_some_hosts_only_says_so() -> None:
    seen = overviews.overview(
        totals=overviews.totals(hosts_present=52, bound=overviews.bound(50, 15))
    )

    assert "It covers 50 of 52 hosts." in headline.make(seen).texts["sure"]


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


def test_hostile_names_are_shown_and_do_nothing() -> None:
    seen = overviews.overview(
        hosts=[overviews.host(HOSTILE, site=HOSTILE, cluster=HOSTILE)],
        alerts=[overviews.alert(HOSTILE)],
        clusters=[overviews.cluster(HOSTILE, HOSTILE)],
    )
    plain = Tags(html(overviews.overview(alerts=[overviews.alert("x")])))
    hostile = Tags(html(seen))

    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert [set(one) for _, one in hostile.tags] == [set(one) for _, one in plain.tags]
    assert "<img src=x onerror=alert(1)>" in hostile.text
    assert not {"\u202e", "\x00"} & set(html(seen))
    assert "\u202e" not in "".join(headline.make(seen).texts.values())


@given(st.text())
def test_no_text_gets_out_of_its_place(value: str) -> None:
    template = '<p data-a="title:v class:v"><b data-f="v"></b></p>'
    filled = fill.figures(template, {"v": value})
    found = re.fullmatch(
        r'<p(?: title="([^"<>]*)" class="([^"<>]*)")?><b>([^<>]*)</b></p>', filled
    )

    assert found
    assert unescape(found[3]) == unescape(escape(value, quote=False))
    assert (found[1] is None) == (not value)


def test_nothing_on_the_page_is_inline_or_from_elsewhere() -> None:
    for tag, attributes in Tags(html(overviews.fleet(30))).tags:
        assert tag not in {"style", "iframe", "object", "base", "form"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes.keys() == {"src", "defer"}
        for name in ("src", "href"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))
    styles = (HERE / "static" / "style.css").read_text()
    assert "url(" not in styles
    assert "@import" not in styles
    script = (HERE / "static" / "app.js").read_text()
    assert "innerHTML" not in script
    assert "http" not in script.replace('"/view.json"', "")


def test_every_word_is_used_and_none_is_missing() -> None:
    sources = "".join(
        path.read_text()
        for path in HERE.rglob("*")
        if path.suffix in {".py", ".html"} and path.name != "words.py"
    )
    formed = {f"state_{state}" for state in get_args(State)} | {
        f"{noun}_{number}"
        for noun in ("host", "alert", "vm", "cluster")
        for number in ("one", "many")
    }

    unused = [key for key in ENGLISH if not re.search(rf'[":]{key}["\s]', sources)]
    assert set(unused) == formed
    assert "data-w" not in html(overviews.fleet(3))


def test_tables_name_their_columns_and_rows() -> None:
    tags = Tags(html(overviews.fleet(5))).tags
    tables = sum(tag == "table" for tag, _ in tags)

    assert tables == 3
    assert sum(tag == "caption" for tag, _ in tags) == tables
    heads = [attributes.get("scope") for tag, attributes in tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    assert {"header", "main", "footer", "nav", "h1"} <= {tag for tag, _ in tags}


def test_a_thousand_hosts_make_a_page_below_300_kilobytes() -> None:
    view = headline.make(overviews.fleet(1000))

    assert len(page().html(view).encode()) < 300_000
    assert len(document(view)) < 300_000
    assert "800 more hosts are not shown here" in page().html(view)


def test_a_line_breaks_where_a_value_is_not_known() -> None:
    assert spark([None, 0.5, 0.25, None, 1.0]) == "M1 50h0L2 75M4 0h0"
    assert spark([]) == ""
