"""Settings of alerting: rules, receivers, routes and groups, as the configuration names them."""

import string
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from headroom_collector.alert_metrics import check
from headroom_core.budget import EnergyBudget
from headroom_core.rules import CeilingRule, Override, Rule, all_rules

TYPES = ("webhook", "alertmanager", "pagerduty", "slack", "teams", "ntfy", "email", "apprise")
LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    A receiver of notifications, in Alertmanager's webhook format, version 4.

    ``url`` is sent to as it stands; empty where nobody is to be told.
    """

    url: str = ""
    timeout_seconds: float = 10.0
    give_up_seconds: float = 86400.0
    """A notification that could not be delivered for so long is given up, and that is logged."""

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL; raises ValueError."""
        _check_url("url", self.url)


def _check_url(name: str, url: str) -> None:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError(f"{name} = {url!r}: expected http://... or https://...")


@dataclass(frozen=True, slots=True)
class Receiver:
    """
    Where notifications go; ``type`` says in which form.

    ``url_file`` and ``key_file`` hold an address or a key that is a secret: PagerDuty's routing
    key, a bearer token for Alertmanager and ntfy, what a webhook is signed with, a mail password.
    """

    type: str = "webhook"
    url: str = ""
    url_file: Path | None = None
    key_file: Path | None = None
    topic: str = ""
    """ntfy: what the phone subscribed to."""
    server: str = ""
    """email: HOST:PORT of the mail server."""
    sender: str = ""
    to: tuple[str, ...] = ()
    user: str = ""
    starttls: bool = False
    timeout_seconds: float = 10.0
    give_up_seconds: float = 86400.0
    max_alerts: int = 100
    """Most alerts that one notification lists; the rest is counted."""

    def __post_init__(self) -> None:
        """Refuse a receiver that can reach nobody; raises ValueError."""
        if self.type not in TYPES:
            raise ValueError(f"type = {self.type!r}: expected {', '.join(TYPES)}")
        if self.type != "apprise":  # its addresses have schemes of their own
            _check_url("url", self.url)
        if self.type == "email":
            if not (self.server and self.sender and self.to):
                raise ValueError("type 'email': expected server, sender and to")
        elif not (self.url or self.url_file or self.type == "pagerduty"):
            raise ValueError(f"type {self.type!r}: expected url or url_file")
        if self.type == "pagerduty" and self.key_file is None:
            raise ValueError("type 'pagerduty': expected key_file, with the routing key")
        if self.type == "ntfy" and not self.topic:
            raise ValueError("type 'ntfy': expected topic")
        if self.timeout_seconds <= 0 or self.max_alerts < 1:
            raise ValueError("timeout_seconds and max_alerts: expected more than 0")


@dataclass(frozen=True, slots=True)
class Route:
    """
    Which alerts a receiver gets: those whose labels fit all patterns of ``match``.

    Routes are looked through in order; the first that fits ends the search unless ``go_on``.
    """

    receiver: str
    match: dict[str, str] = field(default_factory=dict)
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Groups:
    """How alerts share a notification; names and defaults are Alertmanager's where it has them."""

    by: tuple[str, ...] = ("alertname", "site", "cluster")
    wait_seconds: float = 2.0
    """Before the first notification of a new group: what comes meanwhile goes with it."""
    interval_seconds: float = 300.0
    """Between two notifications of a group that changed."""
    repeat_seconds: float = 14400.0
    """Before a group that still fires is told of again."""
    info_repeat_seconds: float = 604_800.0
    """The same for a group in which nothing is more severe than info."""
    storm_alerts: int = 50
    """More new alerts at once for one receiver, from several groups, become one notification."""
    storm_groups: int = 10
    """So do further groups once this many were told of within ``interval_seconds``."""

    def __post_init__(self) -> None:
        """Refuse what would never or always send; raises ValueError."""
        repeats = (self.repeat_seconds, self.info_repeat_seconds)
        if self.wait_seconds < 0 or self.interval_seconds <= 0 or min(repeats) <= 0:
            raise ValueError("wait, interval and repeat: expected more than 0 seconds")
        if self.storm_alerts < 1 or self.storm_groups < 1:
            raise ValueError("storm_alerts and storm_groups: expected 1 or more")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """
    Dead man's switch: a POST to ``url`` while alerting works; who misses it, raises the alarm.

    Empty: no heartbeat.
    """

    url: str = ""
    every_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL or no interval; raises ValueError."""
        _check_url("url", self.url)
        if self.every_seconds <= 0:
            raise ValueError(f"every_seconds = {self.every_seconds}: expected more than 0")


DEFAULT_RECEIVER = "headroom"
"""Name of the receiver that ``[alerts.webhook]`` makes."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerting: ``rule`` is that of the ceiling, ``rules`` changes the others by their names."""

    rule: Rule = field(default_factory=CeilingRule)
    webhook: Webhook = field(default_factory=Webhook)
    evaluate_seconds: float = 0.5
    max_page_age_seconds: float = 300.0
    """What older samples bring about goes to the history and nobody is told of it."""
    external_url: str = "http://127.0.0.1:9441"
    runbook_url: str = ""
    """For rules that name none themselves."""
    dashboard_url: str = ""
    language: str = "en"
    rules: dict[str, Override] = field(default_factory=dict)
    receivers: dict[str, Receiver] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    groups: Groups = field(default_factory=Groups)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    energy_budget: EnergyBudget = field(default_factory=EnergyBudget)

    def __post_init__(self) -> None:
        """Refuse rules and routes that cannot be; raises ValueError."""
        check(all_rules(self.rule, self.rules))
        _check_links(self.every_rule())
        if self.language not in LANGUAGES:
            raise ValueError(f"language = {self.language!r}: expected {', '.join(LANGUAGES)}")
        if DEFAULT_RECEIVER in self.receivers:
            raise ValueError(f"receivers.{DEFAULT_RECEIVER}: is the name of alerts.webhook")
        known = self.all_receivers()
        for route in self.routes:
            if route.receiver not in known:
                names = ", ".join(known) or "none"
                raise ValueError(
                    f"routes: receiver {route.receiver!r} is not there; known: {names}"
                )

    def every_rule(self) -> tuple[Rule, ...]:
        """Return every rule that is enabled, with the links that all share."""
        return tuple(self._linked(rule) for rule in all_rules(self.rule, self.rules))

    def _linked(self, rule: Rule) -> Rule:
        """Return a rule with whole links; the estate's own runbook goes before a shipped one."""
        home = self.external_url.rstrip("/")
        shipped = rule.runbook_url.startswith("/")
        runbook = self.runbook_url if shipped and self.runbook_url else rule.runbook_url
        runbook = runbook or self.runbook_url
        return replace(
            rule,
            runbook_url=home + runbook if runbook.startswith("/") else runbook,
            dashboard_url=rule.dashboard_url or self.dashboard_url or f"{home}/",
        )

    def all_receivers(self) -> dict[str, Receiver]:
        """Return every receiver by its name, that of ``webhook`` among them."""
        found = dict(self.receivers)
        if self.webhook.url:
            hook = self.webhook
            found[DEFAULT_RECEIVER] = Receiver(
                url=hook.url,
                timeout_seconds=hook.timeout_seconds,
                give_up_seconds=hook.give_up_seconds,
            )
        return found


PLACES = {"host", "site", "cluster"}


def _check_links(rules: Iterable[Rule]) -> None:
    """Refuse a rule without a runbook, and links that lead nowhere; raises ValueError."""
    for rule in rules:
        if not rule.runbook_url:
            raise ValueError(
                f"rules.{rule.name}: runbook_url: expected a link to what on-call should do when"
                " this rule pages; alerts.runbook_url is one for all rules"
            )
        try:
            places = {name for _, name, _, _ in string.Formatter().parse(rule.dashboard_url)}
        except ValueError:
            places = {"{"}
        if places - PLACES - {None}:
            raise ValueError(
                f"rules.{rule.name}: dashboard_url = {rule.dashboard_url!r}: expected no other"
                " braces than {host}, {site} and {cluster}"
            )
