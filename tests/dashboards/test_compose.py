"""Compose files: what they name is there, and their commands and settings are such as we take."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from headroom_collector.cli.__main__ import make
from headroom_collector.config import CollectorConfig
from headroom_core.settings import load, read

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def services(request):
    return yaml.safe_load(request.param.read_text())["services"]


def test_there_is_one_for_each_store():
    assert [path.stem for path in FILES] == ["compose", "influxdb", "victoria-metrics"]


def test_files_that_are_mounted_or_built_from_are_there(services):
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (FOLDER / source).exists(), source
        if "build" in service:
            context = FOLDER / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()


def test_the_command_that_provisions_is_one_of_ours(services, tmp_path):
    command = services["provision"]["command"]
    token = tmp_path / "token"
    token.write_text("t")
    known = {"/out": str(tmp_path / "out"), "/run/secrets/influx_token": str(token)}
    done = CliRunner().invoke(make(), [known.get(each, each) for each in command])
    assert done.exit_code == 0, done.output
    assert list((tmp_path / "out" / "datasources").glob("*.yaml"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_configurations_are_such_as_the_collector_takes(path):
    made, unknown = read(CollectorConfig, load(path), str(path))
    assert unknown == []
    assert made.listen.grpc == "0.0.0.0:9440"


def test_nothing_is_published_beyond_loopback(services):
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
