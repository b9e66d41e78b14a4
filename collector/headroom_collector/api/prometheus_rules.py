"""The collector's own rules and alerts in the form of Prometheus' HTTP API."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response

from headroom_collector.alerts import queries
from headroom_collector.api.alerts import AlertOut, alert_out, rules_of
from headroom_collector.api.prometheus import gate
from headroom_collector.api.prometheus_calls import answered
from headroom_collector.api.services import Given, Services
from headroom_collector.promql.render import dumped
from headroom_core.rules import Rule

router = APIRouter(prefix="/prometheus/api/v1", include_in_schema=False)

STATES = {"pending": "pending", "firing": "firing", "clearing": "firing"}
"""An alert that clears still fires: nobody was told otherwise."""
GROUP = "headroom"


def _alert(found: AlertOut) -> dict[str, Any]:
    labels = {
        "alertname": found.rule,
        "severity": found.severity,
        "host": found.host,
        "site": found.site,
        "cluster": found.cluster,
        "class": found.host_class,
    }
    if found.simulated:
        labels["simulated"] = "true"
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {},
        "state": STATES[found.state],
        "activeAt": found.started,
        "value": "" if found.value is None else str(found.value),
    }


def _words(rule: Rule) -> str:
    """Return what a rule looks at; it is no query, the rule judges on the samples' own time."""
    level = "the ceiling" if rule.threshold is None else f"{rule.threshold:g}"
    side = "<" if rule.below else ">"
    return f"{rule.aggregate} of {rule.metric} over {rule.window_seconds:g} s {side} {level}"


def rule_out(rule: Rule, alerts: Iterable[AlertOut]) -> dict[str, Any]:
    """Return a rule with those of these alerts that are its own."""
    mine = [_alert(each) for each in alerts if each.rule == rule.name]
    states = {each["state"] for each in mine}
    worst = "firing" if "firing" in states else "pending" if states else "inactive"
    return {
        "type": "alerting",
        "name": rule.name,
        "query": _words(rule),
        "duration": rule.hold_seconds,
        "labels": {**rule.labels, "severity": rule.severity},
        "annotations": {"runbook_url": rule.runbook_url} if rule.runbook_url else {},
        "alerts": mine,
        "health": "ok",
        "state": worst,
    }


def _open(services: Services) -> list[AlertOut]:
    return [alert_out(services, each) for each in queries.open_alerts(services.store)]


@router.get("/alerts")
async def alerts(given: Given, request: Request) -> Response:
    """List the alerts that are pending or fire."""

    async def work() -> str:
        return await gate(request).run(
            request, lambda _: dumped({"alerts": [_alert(each) for each in _open(given)]})
        )

    return await answered(work)


@router.get("/rules")
async def rules(given: Given, request: Request) -> Response:
    """List the rules with their alerts, as one group."""

    async def work() -> str:
        def listed() -> str:
            found = _open(given)
            made = [rule_out(rule, found) for rule in rules_of(given).values() if rule.enabled]
            every = given.config.alerts.evaluate_seconds
            group = {"name": GROUP, "file": "", "interval": every, "rules": made}
            return dumped({"groups": [group]})

        return await gate(request).run(request, lambda _: listed())

    return await answered(work)
