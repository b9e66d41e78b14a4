"""Settings for people: all of them, as TOML that can be read again, without what is secret."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from headroom_collector.alert_settings import Alerts, Receiver, Webhook
from headroom_collector.config import CollectorConfig
from headroom_core.settings import read
from headroom_core.shown import lines, url_shown


def test_what_is_shown_can_be_read_again() -> None:
    config = CollectorConfig(inventory=Path("/etc/x.toml"))
    table = tomllib.loads("\n".join(lines(config)))
    again, unknown = read(CollectorConfig, table, "shown")
    assert (again, unknown) == (config, [])


def test_no_secret_is_shown() -> None:
    alerts = Alerts(
        webhook=Webhook(url="https://hooks.example/services/T0/CANARY1"),
        receivers={
            "a b": Receiver(url="https://u:CANARY2@x.example:8443/?key=CANARY3", type="slack"),
            "c": Receiver(type="pagerduty", key_file=Path("/etc/key")),
        },
    )
    text = "\n".join(lines(replace(CollectorConfig(), alerts=alerts)))
    assert "CANARY" not in text
    assert "https://x.example:8443/(hidden)" in text
    assert 'key_file = "/etc/key"' in text
    assert '[alerts.receivers."a b"]' in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:9441", "http://127.0.0.1:9441"),
        ("https://[::1]:1/x", "https://[::1]:1/(hidden)"),
        ("https://a/", "https://a/"),
        ("https://a:b/", "(hidden)"),
    ],
)
def test_of_a_url_only_where_it_leads(url: str, shown: str) -> None:
    assert url_shown(url) == shown
