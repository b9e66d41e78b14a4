"""Every text that a person reads on the page, in English and in French, by name."""

from collections.abc import Mapping

from headroom_collector.web.words import (
    alerts,
    common,
    energy,
    estate,
    machine,
    overview,
    plan,
    report,
    settings,
    waste,
)

__all__ = ["TEXTS"]

PARTS = (common, overview, estate, machine, plan, waste, energy, alerts, settings, report)

TEXTS: Mapping[str, tuple[str, str]] = {
    key: texts for part in PARTS for key, texts in part.TEXTS.items()
}
