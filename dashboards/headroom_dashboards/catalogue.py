"""All dashboards, by the name of their file, and the flavours and languages there are."""

from collections.abc import Mapping

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.consolidation import consolidation
from headroom_dashboards.flavour import Flavour
from headroom_dashboards.frame import Page
from headroom_dashboards.french import FRENCH
from headroom_dashboards.influxql.flavour import Influxql
from headroom_dashboards.pages.alerts import alerts
from headroom_dashboards.pages.energy import energy
from headroom_dashboards.pages.estate import estate
from headroom_dashboards.pages.host import host
from headroom_dashboards.pages.itself import itself
from headroom_dashboards.pages.vm import vm
from headroom_dashboards.promql import Promql
from headroom_dashboards.texts import ENGLISH, Texts


def pages(ceiling: Ceiling, rule: Rule) -> Mapping[str, Page]:
    """Return the dashboards; thresholds are those of ``ceiling`` and ``rule``."""
    return {
        "consolidation-headroom": consolidation(ceiling, rule),
        "estate": estate(ceiling, rule),
        "host": host(ceiling, rule),
        "virtual-machine": vm(),
        "energy": energy(),
        "alerts": alerts(ceiling, rule),
        "headroom-itself": itself(),
    }


def flavours() -> Mapping[str, Flavour]:
    """Return the flavours by their name on the command line."""
    return {flavour.name: flavour for flavour in (Promql(), Influxql())}


def texts(language: str) -> Texts:
    """Return the texts in a language; raises ValueError where there are none."""
    known = {each.language: each for each in (ENGLISH, Texts("fr", FRENCH))}
    if language not in known:
        raise ValueError(f"language {language!r}: expected {' or '.join(known)}")
    return known[language]
