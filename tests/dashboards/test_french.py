"""French: every text of every dashboard, from one table."""

import json

import pytest

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import flavours, pages, texts
from headroom_dashboards.frame import to_json
from headroom_dashboards.french import FRENCH
from headroom_dashboards.texts import Texts, UntranslatedError

MADE = [(flavour, name) for flavour in flavours() for name in pages(Ceiling(), Rule())]


def in_language(name, flavour, language):
    return json.loads(
        to_json(pages(Ceiling(), Rule())[name], flavours()[flavour], texts(language))
    )


@pytest.mark.parametrize(("flavour", "name"), MADE)
def test_every_text_is_translated_and_nothing_else_changes(flavour, name):
    english, french = (in_language(name, flavour, language) for language in ("en", "fr"))
    for a, b in zip(english["panels"], french["panels"], strict=True):
        assert (a["id"], a["type"], a["gridPos"]) == (b["id"], b["type"], b["gridPos"])
        for mine, theirs in zip(a.get("targets", []), b.get("targets", []), strict=True):
            assert mine.get("expr", mine.get("query")) == theirs.get("expr", theirs.get("query"))
    titles = [panel["title"] for panel in french["panels"] if panel["type"] != "row"]
    assert len(set(titles)) == len(titles)


def test_columns_and_lines_that_settings_name_are_named_in_the_same_language():
    for name in pages(Ceiling(), Rule()):
        for panel in in_language(name, "promql", "fr")["panels"]:
            shown = json.dumps(
                [panel.get("transformations"), panel.get("targets")], ensure_ascii=False
            )
            for override in panel.get("fieldConfig", {}).get("overrides", []):
                wanted = override["matcher"]["options"]
                assert (
                    wanted.startswith("Value") or json.dumps(wanted, ensure_ascii=False) in shown
                )


def test_the_table_has_no_text_that_nothing_shows():
    asked = set()

    class Noting(Texts):
        def of(self, text):
            asked.update(text.split("\n\n"))
            return text

        def known(self, text):
            asked.add(text)
            return text

    for flavour, name in MADE:
        to_json(pages(Ceiling(), Rule())[name], flavours()[flavour], Noting("xx", {}))
    assert set(FRENCH) <= asked


def test_a_text_that_is_missing_is_named():
    with pytest.raises(UntranslatedError, match="no fr for: New words"):
        Texts("fr", {}).of("New words")
