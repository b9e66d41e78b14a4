"""Prices that the collector's configuration names: refused at the start, and used where asked."""

import pytest
import typer
from typer.testing import CliRunner

from headroom_collector.api.money import prices
from headroom_collector.cli import config as command
from headroom_collector.cli.collector import merge
from headroom_collector.config import CollectorConfig, load_config
from headroom_core.settings import SettingsError


@pytest.fixture
def files(tmp_path):
    """Write a configuration that names prices; returns the paths of both."""
    estate, config = tmp_path / "estate.toml", tmp_path / "collector.toml"
    estate.write_text("[energy]\npue = 1.2\n")
    config.write_text(f'data = "{tmp_path}"\nestate = "{estate}"\n')
    return config, estate


def check(path):
    app = typer.Typer()
    app.add_typer(command.app, name="config")
    return CliRunner().invoke(app, ["config", "check", str(path)])


def test_prices_that_are_named_are_checked_with_the_configuration(files):
    config, estate = files
    assert check(config).output == f"{config}: good, prices\n"
    estate.write_text("[energy]\npeu = 1.2\n")
    assert "unknown key 'energy.peu'; did you mean 'pue'?" in str(check(config).exception)


def test_a_collector_does_not_start_with_prices_that_cannot_be_read(files):
    config, estate = files
    estate.unlink()
    with pytest.raises(SettingsError, match=f"{estate}: cannot be read: No such file"):
        merge(config, None, None, None, None, None)


def test_named_prices_go_before_those_in_the_data_folder(files, tmp_path):
    config, _ = files
    assert prices(load_config(config)).rates()["energy.pue"] == 1.2
    data = tmp_path / "data"
    data.mkdir()
    plain = CollectorConfig(data=data)
    assert prices(plain).rates()["energy.pue"] == 1.5
    (data / "estate.toml").write_text("[energy]\npue = 1.9\n")
    assert prices(plain).rates()["energy.pue"] == 1.9
