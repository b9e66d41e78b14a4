"""Alerts: what fires, what people said to it, and what was."""

from typing import Any

from headroom_collector.alerts import mute
from headroom_collector.api.alert_admin import silence_out
from headroom_collector.api.alerts import list_alerts, list_history
from headroom_collector.web.asked import Asked
from headroom_collector.web.queries import moment

MOST = 200
HISTORY = 40
LENGTHS = ("1h", "4h", "1d", "1w")
"""Lengths of a silence that the page offers."""


def view(asked: Asked, said: str = "", fault: str = "") -> dict[str, Any]:
    """Return the figures of the view; ``said`` and ``fault`` answer what was just asked for."""
    given, now = asked.given, asked.now
    known = given.config.alerts
    return {
        "at": moment(now),
        "simulated": "",
        "page": list_alerts(given, state=None, host="", limit=MOST, cursor=""),
        "history": list_history(given, host="", limit=HISTORY, cursor=""),
        "silences": [silence_out(one, now) for one in mute.read_silences(given.store, now)],
        "rules": known.every_rule(),
        "receivers": known.all_receivers(),
        "lengths": LENGTHS,
        "ceiling": given.config.ceiling.ratio,
        "hold": known.rule.hold_seconds,
        "said": said,
        "fault": fault,
        "runbooks": {rule.name: rule.runbook_url for rule in known.every_rule()},
    }
