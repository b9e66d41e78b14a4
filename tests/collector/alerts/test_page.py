"""docs/alerting.md against the code: its tables and its settings."""

import re
import tomllib
from pathlib import Path

from typer.main import get_command

from headroom_collector.alert_settings import TYPES, Alerts, Groups
from headroom_collector.alerts.delivery import LONGEST_RETRY_AFTER_SECONDS
from headroom_collector.alerts.evaluator import ROUND_SECONDS
from headroom_collector.cli.alerts import app
from headroom_collector.config import CollectorConfig
from headroom_core.rules import AGENT_SILENT, SHIPPED
from headroom_core.settings import read

PAGE = (Path(__file__).parents[3] / "docs" / "alerting.md").read_text(encoding="utf-8")


def test_the_page_lists_every_shipped_rule_with_its_severity_and_hold():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) (s|min|h) \| (\w+) \|$", PAGE, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600}
    shown = {name: (int(n) * units[unit], word) for name, n, unit, word in rows}
    assert shown == {rule.name: (rule.hold_seconds, rule.severity) for rule in SHIPPED}


def test_the_page_lists_every_kind_of_receiver():
    table = PAGE.split("## Receivers")[1].split("```")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(TYPES)


def test_the_settings_on_the_page_can_be_used():
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        _, unknown = read(CollectorConfig, tomllib.loads(block), "docs/alerting.md")
        assert unknown == []


def test_the_commands_on_the_page_exist():
    known = set(get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    named = set(re.findall(r"^headroom alerts (\w+)", PAGE, re.MULTILINE))
    assert named == known


def test_the_figures_on_the_page_are_the_defaults():
    rule, groups = Alerts().rule, Groups()
    assert (rule.window_seconds, rule.step_seconds, rule.hold_seconds) == (300, 300, 900)
    assert (rule.clear_factor, rule.clear_hold_seconds) == (0.7, 4 * 3600)
    assert (rule.falling_factor, rule.coverage_ratio) == (0.98, 0.8)
    assert (groups.wait_seconds, groups.interval_seconds, groups.repeat_seconds) == (2, 300, 14400)
    assert (groups.storm_alerts, groups.storm_groups) == (50, 10)
    assert LONGEST_RETRY_AFTER_SECONDS == 3600
    silent = next(rule for rule in SHIPPED if rule.name == AGENT_SILENT)
    assert (silent.threshold or 0) + ROUND_SECONDS < 60
    assert (silent.threshold or 0) + silent.hold_seconds == 300
