"""Settings: what wins over what, and one clear line for each fault."""

import re
import tomllib
from pathlib import Path

import pytest

from headroom_agent.config import AgentConfig, Intervals, Switches
from headroom_agent.options import OPTIONS, configure
from headroom_core.settings import SettingsError

SAMPLE = Path(__file__).parents[2] / "deploy/config/agent.toml"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    return str(path)


def test_flags_win_over_the_environment_and_both_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'collector = "file:1"\ninterval_seconds = 1\nprocfs = "/file"\n')
    environment = {"HEADROOM_AGENT_COLLECTOR": "env:2", "HEADROOM_AGENT_INTERVAL": "2"}
    config = configure(["--config", file, "--collector", "flag:3"], environment).config
    assert config.collector == "flag:3"
    assert config.interval_seconds == 2.0
    assert config.procfs == Path("/file")
    assert config.sysfs == AgentConfig().sysfs


def test_the_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, "interval_seconds = 7\n")
    assert configure([], {"HEADROOM_AGENT_CONFIG": file}).config.interval_seconds == 7


def test_certificates_are_in_one_folder_unless_named_apart() -> None:
    config = configure(["--tls", "/a", "--key", "/b/k.pem"], {}).config
    assert config.tls.files() == (Path("/a/ca.pem"), Path("/a/cert.pem"), Path("/b/k.pem"))


def test_hints_are_only_what_is_set() -> None:
    config = configure(["--site", "paris", "--class", "db"], {}).config
    assert config.hints.labels() == {"site": "paris", "class": "db"}


def test_unknown_keys_are_warnings_with_the_nearest_spelling(tmp_path: Path) -> None:
    file = written(tmp_path, 'colector = "a:1"\n[samplers]\nlibvrt = false\n')
    start = configure(["--config", file], {"HEADROOM_AGENT_INTERVALL": "3"})
    assert list(start.warnings) == [
        f"{file}: unknown key 'colector'; did you mean 'collector'?",
        f"{file}: unknown key 'samplers.libvrt'; did you mean 'libvirt'?",
        (
            "environment: unknown variable HEADROOM_AGENT_INTERVALL; "
            "did you mean HEADROOM_AGENT_INTERVAL?"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("interval_seconds = 'ten'", "'interval_seconds' = 'ten': expected a number"),
        ("interval_seconds = 0", "interval_seconds = 0.0: expected 0.05 to 3600, usually 10"),
        ("interval_seconds = nan", "interval_seconds = nan: expected 0.05 to 3600, usually 10"),
        ("collector = 'somewhere'", "collector = 'somewhere': expected HOST:PORT"),
        ("collector = 'host:99999'", "collector = 'host:99999': expected HOST:PORT"),
        ("samplers = 1", "'samplers' = 1: expected a table"),
        ("[spool]\nmax_mib = 0", "max_mib = 0.0: expected more than 0"),
        ("[samplers]\nlibvirt = 'no'", "'samplers.libvirt' = 'no': expected true or false"),
        ("= 3", "is not valid TOML"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_file_and_key(
    tmp_path: Path, text: str, line: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        configure(["--config", file], {})
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith(file)
    assert line in caught.value.lines[0]


def test_a_flag_or_variable_that_is_no_number_is_named() -> None:
    with pytest.raises(SettingsError, match="--interval 'ten': expected a number"):
        configure(["--interval", "ten"], {})
    with pytest.raises(SettingsError, match="HEADROOM_AGENT_INTERVAL 'ten': expected a number"):
        configure([], {"HEADROOM_AGENT_INTERVAL": "ten"})


def test_the_sample_file_loads_as_it_is_and_with_every_line_switched_on(tmp_path: Path) -> None:
    start = configure(["--config", str(SAMPLE)], {})
    assert start.config == AgentConfig()
    assert not start.warnings
    text = re.sub(r"(?m)^# ", "", SAMPLE.read_text())
    start = configure(["--config", written(tmp_path, text)], {})
    assert not start.warnings
    assert start.config.interval_seconds == AgentConfig().interval_seconds
    assert start.config.tls.files() == AgentConfig().tls.files()


def test_the_sample_file_has_every_setting_with_its_default() -> None:
    table = tomllib.loads(re.sub(r"(?m)^# ", "", SAMPLE.read_text()))
    flat = {
        f"{group}.{key}" if isinstance(value, dict) else group
        for group, value in table.items()
        for key in (value if isinstance(value, dict) else [group])
    }
    settings = AgentConfig.__dataclass_fields__
    assert set(table) == set(settings)
    assert {option.key for option in OPTIONS} <= flat
    assert table["samplers"] == dict.fromkeys(table["samplers"], True)


def test_the_agents_page_names_every_sampler_with_its_interval() -> None:
    page = (SAMPLE.parents[2] / "docs/agent.md").read_text()
    rows = [line.split("|")[1:4] for line in page.splitlines() if line.startswith("| `")]
    told = {
        name.strip(" `"): every.strip() for names, _, every in rows for name in names.split(",")
    }
    assert set(told) == set(Switches.__dataclass_fields__)
    for name, every in told.items():
        seconds = getattr(Intervals(), name)
        assert every == ("cycle" if seconds == 0 else f"{seconds:g} s"), name
