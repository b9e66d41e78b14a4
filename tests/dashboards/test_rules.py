"""Rules for other engines: they load, and judge as the collector does."""

import json
import subprocess
from pathlib import Path

import _jsonnet
import pytest
import yaml
from rigs.need import engine
from typer.testing import CliRunner

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule, Scope
from headroom_dashboards.cli import RULES, app, rule_files
from headroom_dashboards.folder import differences, write
from headroom_dashboards.rules.expression import levels
from headroom_dashboards.rules.figures import UnsayableError, figure
from headroom_dashboards.rules.file import Engine, groups, text

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("rules")
    write(rule_files(None), made)
    return made


def run(*command):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=170, check=False
    )


def test_the_committed_files_are_what_the_code_makes():
    assert differences(rule_files(None), ROOT / RULES) == []


def test_prometheus_takes_the_rules(folder):
    done = run(engine("promtool"), "check", "rules", folder / "prometheus.yml")
    assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", ["quick", "slow"])
def test_below_the_level_nothing_fires_above_it_everything_does_and_clears(folder, name):
    done = run(engine("promtool"), "test", "rules", folder / f"{name}.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_with_another_ceiling_fail_these_trials(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    rules = (tmp_path / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(rules.replace("> 0.4", "> 0.5"))
    done = run(engine("promtool"), "test", "rules", tmp_path / "quick.test.yml")
    assert done.returncode == 1
    assert "HostAboveCeiling" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["prometheus", "vmalert"])
def test_vmalert_takes_the_rules(folder, name):
    done = run(
        engine("vmalert"), f"-rule={folder / name}.yml", "-dryRun", "-datasource.url=http://127.0.0.1:1"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_mimirs_file_names_its_namespace_and_has_the_same_groups(folder):
    mimir = yaml.safe_load((folder / "mimir.yml").read_text())
    ours = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert mimir == {"namespace": "headroom", **ours}


def test_each_alert_has_a_severity_and_labels_of_the_collectors_own(folder):
    for group in yaml.safe_load((folder / "prometheus.yml").read_text())["groups"]:
        *records, alert = group["rules"]
        assert records
        assert alert["labels"]["severity"] in {"info", "warning", "error", "critical"}
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["description"]


def test_what_cannot_be_said_is_left_out_with_its_reason():
    made = groups([Rule(name="Odd", metric="made_up", threshold=1.0)], Ceiling())
    assert made.groups == []
    assert "made_up is in no engine" in made.left["Odd"]
    assert "# Not here: Odd: made_up is in no engine" in text(made, Engine.PROMETHEUS)


def test_the_most_particular_ceiling_goes_first_and_is_left_out_of_the_others():
    ceiling = Ceiling(0.4, {"paris": 0.5}, {"paris/web": 0.6}, {"gpu": 0.7})
    assert list(levels(Rule(), ceiling)) == [
        ('class="gpu"', 0.7),
        ('site="paris",cluster="web",class!="gpu"', 0.6),
        ('site="paris",cluster!~"web",class!="gpu"', 0.5),
        ('site!~"paris",class!="gpu"', 0.4),
    ]


def test_a_scope_becomes_matchers():
    scope = Scope(sites=("par*", "ly?n"), hosts=("web-[0-3].x",))
    rule = Rule(name="Scoped", metric="load1", threshold=4.0, scope=scope)
    assert 'headroom_host_load1{site=~"par.*|ly.n",host=~"web-[0-3]\\\\.x"}' in figure(rule).expr


def test_a_figure_that_only_the_collector_has_is_refused():
    with pytest.raises(UnsayableError, match="no engine"):
        figure(Rule(name="Odd", metric="forecast.none", threshold=1.0))


def test_a_configuration_changes_the_rules(tmp_path):
    config = tmp_path / "collector.toml"
    config.write_text("[ceiling]\nratio = 0.55\n[alerts.rules.HostSteal]\nthreshold = 0.2\n")
    done = CliRunner().invoke(app, ["rules", "--config", str(config), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made = (tmp_path / "prometheus.yml").read_text()
    assert "> 0.55" in made
    assert "> 0.2" in made
    assert run(engine("promtool"), "test", "rules", tmp_path / "quick.test.yml").returncode == 0


def test_a_configuration_that_cannot_be_read_is_one_line(tmp_path):
    done = CliRunner().invoke(app, ["rules", "--config", str(tmp_path / "none.toml")])
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be read" in done.stderr


def test_the_mixin_has_every_dashboard_and_rule():
    mixin = ROOT / "dashboards" / "mixin" / "mixin.libsonnet"
    shown = "{d: m.grafanaDashboards, a: m.prometheusAlerts, r: m.prometheusRules}"
    found = json.loads(_jsonnet.evaluate_snippet("mixin", f"local m = import '{mixin}'; {shown}"))
    committed = {path.name for path in (ROOT / "dashboards" / "generated").glob("*.json")}
    assert len(found["d"]) == len(committed)
    rules = yaml.safe_load((ROOT / RULES / "prometheus.yml").read_text())["groups"]
    assert sum(len(group["rules"]) for group in rules) == sum(
        len(group["rules"]) for part in ("a", "r") for group in found[part]["groups"]
    )


def links(folder):
    return [
        rule["annotations"][name]
        for file in ("prometheus", "vmalert", "mimir")
        for group in yaml.safe_load((folder / f"{file}.yml").read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
        for name in ("runbook_url", "dashboard_url")
    ]


def test_links_are_whole_and_lead_to_the_collector_that_is_configured(folder, tmp_path):
    assert all(link.startswith("http://127.0.0.1:9441/") for link in links(folder))
    config = tmp_path / "collector.toml"
    config.write_text('[alerts]\nexternal_url = "https://headroom.example/"\n')
    done = CliRunner().invoke(app, ["rules", "--config", str(config), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made = links(tmp_path)
    assert "https://headroom.example/runbooks/HostAboveCeiling" in made
    assert all(link.startswith("https://headroom.example/") for link in made)


def test_an_address_that_is_not_whole_is_refused(tmp_path):
    config = tmp_path / "collector.toml"
    config.write_text('[alerts]\nexternal_url = "headroom.example"\n')
    done = CliRunner().invoke(app, ["rules", "--config", str(config), "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "alerts.external_url: expected" in done.stderr
