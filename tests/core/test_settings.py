"""Settings are read strictly, and each fault says what was expected."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headroom_core.settings import SettingsError, load, read


@dataclass(frozen=True, slots=True)
class Inner:
    ratio: float = 0.4
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    interval: float = 10.0
    count: int = 1
    on: bool = True
    path: Path | None = None
    inner: Inner = field(default_factory=Inner)
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.interval <= 0:
            raise ValueError(f"interval = {self.interval}: expected more than 0")


def test_a_table_becomes_a_dataclass() -> None:
    table = {
        "interval": 5,
        "path": "/var/lib/x",
        "inner": {"ratio": 0.5, "names": ["a", "b"]},
        "labels": {"site": "paris"},
    }
    made, unknown = read(Outer, table, "x.toml")
    assert made == Outer(
        5.0, path=Path("/var/lib/x"), inner=Inner(0.5, ("a", "b")), labels={"site": "paris"}
    )
    assert unknown == []


def test_an_unknown_key_is_told_with_the_nearest_spelling() -> None:
    _, unknown = read(Outer, {"intervall": 5, "inner": {"ratoi": 1, "zzz": 1}}, "x.toml")
    assert unknown == [
        "x.toml: unknown key 'intervall'; did you mean 'interval'?",
        "x.toml: unknown key 'inner.ratoi'; did you mean 'ratio'?",
        "x.toml: unknown key 'inner.zzz'; known: ratio, names",
    ]


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"interval": "5s"}, "x.toml: 'interval' = '5s': expected a number"),
        ({"count": 1.5}, "x.toml: 'count' = 1.5: expected a whole number"),
        ({"count": True}, "x.toml: 'count' = True: expected a whole number"),
        ({"on": 1}, "x.toml: 'on' = 1: expected true or false"),
        ({"path": 3}, "x.toml: 'path' = 3: expected a path in quotes"),
        ({"inner": 3}, "x.toml: 'inner' = 3: expected a table"),
        ({"inner": {"names": "a"}}, "x.toml: 'inner.names' = 'a': expected a list"),
        ({"inner": {"names": {"a": 1}}}, "x.toml: 'inner.names' = {'a': 1}: expected a list"),
        ({"inner": {"names": [1]}}, "x.toml: 'inner.names[0]' = 1: expected a text in quotes"),
        ({"labels": ["a"]}, "x.toml: 'labels' = ['a']: expected a table"),
        ({"labels": {"a": 1}}, "x.toml: 'labels.a' = 1: expected a text in quotes"),
        ({"interval": 0}, "x.toml: settings: interval = 0.0: expected more than 0"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected(table: dict[str, object], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Outer, table, "x.toml")
    assert caught.value.lines == [line]


def test_all_faults_come_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read(Outer, {"interval": "x", "count": "y", "odd": 1}, "x.toml")
    assert len(caught.value.lines) == 3


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nonesuch\.toml: cannot be read: No such file"):
        load(tmp_path / "nonesuch.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("a = = 1")
    with pytest.raises(SettingsError, match=r"broken\.toml: is not valid TOML"):
        load(broken)
    broken.write_bytes(b"a = '\xff'")
    with pytest.raises(SettingsError, match=r"broken\.toml: is not valid TOML"):
        load(broken)
