"""``headroom grafana``: files, the HTTP API, and the form for grafana.com."""

import json
from pathlib import Path

import pytest
import yaml
from rigs.grafana import TOKEN, fake_grafana
from rigs.ports import free_port
from typer.testing import CliRunner

from headroom_dashboards.provision.cli import app

DASHBOARDS = 7


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def grafana():
    with fake_grafana() as running:
        yield running


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


def test_files_are_such_as_grafana_reads(tmp_path):
    done = run("provision", "--dir", tmp_path, "--contact", "http://oncall.example/hook")
    assert done.exit_code == 0, done.output
    (source,) = yaml.safe_load((tmp_path / "datasources/headroom.yaml").read_text())["datasources"]
    assert source["url"] == "http://127.0.0.1:9441/prometheus"
    assert (source["type"], source["uid"]) == ("prometheus", "headroom")
    (provider,) = yaml.safe_load((tmp_path / "dashboards/headroom.yaml").read_text())["providers"]
    assert provider["folder"] == "Headroom"
    assert len(list(Path(provider["options"]["path"]).glob("*.json"))) == DASHBOARDS
    (point,) = yaml.safe_load((tmp_path / "alerting/headroom.yaml").read_text())["contactPoints"]
    assert point["receivers"][0]["settings"]["url"] == "http://oncall.example/hook"


def test_dashboards_begin_with_the_data_source_that_comes_along(tmp_path):
    run("provision", "--dir", tmp_path, "--flavour", "influxql")
    folder = tmp_path / "dashboards/headroom-influxql"
    (source,) = yaml.safe_load((tmp_path / "datasources/headroom-influxql.yaml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["jsonData"]["dbName"]) == ("influxdb", "headroom")
    for path in folder.glob("*.json"):
        chosen = json.loads(path.read_text())["templating"]["list"][0]["current"]
        assert chosen == {"text": source["name"], "value": source["uid"]}


def test_a_secret_is_in_no_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hush")
    run("provision", "--dir", tmp_path / "out", "--source-token-file", secret)
    written = (tmp_path / "out/datasources/headroom.yaml").read_text()
    assert "hush" not in written
    assert f"Bearer $__file{{{secret}}}" in written


def test_a_container_may_see_the_folder_elsewhere(tmp_path):
    run("provision", "--dir", tmp_path, "--seen-as", "/etc/grafana/provisioning")
    text = (tmp_path / "dashboards/headroom.yaml").read_text()
    assert "path: /etc/grafana/provisioning/dashboards/headroom" in text


def test_a_push_makes_everything_and_a_second_one_nothing(grafana, token):
    push = [
        "provision",
        "--push",
        grafana.url,
        "--token-file",
        token,
        "--contact",
        "http://x.example",
    ]
    first = run(*push)
    assert first.exit_code == 0, first.output
    assert len(grafana.dashboards) == DASHBOARDS
    assert (
        set(grafana.datasources) == set(grafana.folders) == set(grafana.contacts) == {"headroom"}
    )
    assert {entry["meta"]["folderUid"] for entry in grafana.dashboards.values()} == {"headroom"}
    grafana.writes.clear()
    second = run(*push)
    assert second.exit_code == 0
    assert grafana.writes == []
    assert second.output.count("unchanged") == DASHBOARDS + 3


def test_what_somebody_changed_is_brought_up_to_date(grafana, token):
    push = ["provision", "--push", grafana.url, "--token-file", token]
    run(*push)
    grafana.dashboards["headroom-host"]["dashboard"]["title"] = "Mine"
    grafana.datasources["headroom"]["url"] = "http://elsewhere"
    grafana.writes.clear()
    done = run(*push)
    assert sorted(grafana.writes) == [
        "POST /api/dashboards/db",
        "PUT /api/datasources/uid/headroom",
    ]
    assert done.output.count("brought up to date") == 2
    assert grafana.dashboards["headroom-host"]["dashboard"]["title"] == "Host"


def test_another_ceiling_changes_thresholds_in_place(grafana, token):
    push = ["provision", "--push", grafana.url, "--token-file", token]
    run(*push)
    done = run(*push, "--ceiling", "0.6")
    assert "dashboard Host: brought up to date" in done.output
    assert "dashboard Energy: unchanged" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected either --dir FOLDER or --push URL"),
        (["--push", "localhost:3000", "--token-file", "none"], "expected a URL such as http://"),
        (["--push", "http://127.0.0.1:1"], "--push needs --token-file"),
        (["--push", "http://127.0.0.1:1", "--token-file", "/none"], "/none cannot be read"),
        (["--dir", "/proc/none"], "choose another --dir"),
        (["--dir", "/tmp/never", "--language", "xx"], "language 'xx': expected en or fr"),
        (["--dir", "/tmp/never", "--ceiling", "40"], "expected a ratio"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said):
    done = run("provision", *arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_token_and_a_silent_grafana_are_one_line(grafana, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("nonsense")
    for url, said in (
        (grafana.url, "401: the token is not enough"),
        (f"http://127.0.0.1:{free_port()}", "no answer"),
    ):
        done = run("provision", "--push", url, "--token-file", wrong)
        assert done.exit_code == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_export_asks_for_its_data_source_and_names_what_it_needs(tmp_path):
    assert run("export", "--out", tmp_path).exit_code == 0
    files = list(tmp_path.glob("*.json"))
    assert len(files) == DASHBOARDS
    for path in files:
        body = json.loads(path.read_text())
        (asked,) = body["__inputs"]
        assert (asked["name"], asked["pluginId"]) == ("DS_HEADROOM", "prometheus")
        assert body["templating"]["list"][0]["current"]["value"] == "${DS_HEADROOM}"
        assert body["id"] is None
        needed = {each["id"] for each in body["__requires"] if each["type"] == "panel"}
        assert needed == {panel["type"] for panel in body["panels"]} - {"row"}
