"""What the papers promise is there."""

import dataclasses
import importlib.util
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from headroom_collector.cli.__main__ import make
from headroom_collector.config import CollectorConfig, load_config

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "deploy" / "config" / "collector.toml"


def keys(cls: typing.Any, prefix: str = "") -> Iterator[str]:
    """Every key that a configuration dataclass knows, with its table's name before it."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from keys(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def shown(text: str) -> set[str]:
    """Every key that a sample file shows, commented out or not."""
    found, table = set(), ""
    for line in text.splitlines():
        if head := re.fullmatch(r"(?:# )?\[\[?([\w.]+)\]\]?", line):
            table = f"{head[1]}."
            found |= {head[1], head[1].rpartition(".")[0]}  # a list of tables, or tables by name
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            found.add(f"{table}{key[1]}")
    return found


def test_the_sample_configuration_loads_and_shows_every_key_with_its_default() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert load_config(SAMPLE) == CollectorConfig()
    assert set(keys(CollectorConfig)) - shown(text) == set()
    assert tomllib.loads(text)


def test_the_first_screen_holds_the_purpose_the_page_and_exactly_two_commands() -> None:
    screen = README.split("\n---\n", maxsplit=1)[0]
    assert len(screen.splitlines()) < 40
    assert "how many of its x86 servers it really needs" in screen
    assert "docs/images/page.png" in screen
    (block,) = re.findall(r"```sh\n(.*?)```", screen, re.DOTALL)
    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make up", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_in_the_readme_exists_and_every_command_is_in_the_readme() -> None:
    commands = get_command(make()).commands  # type: ignore[attr-defined]  # it is a group
    table = set(re.findall(r"^\| `headroom ([\w-]+)", README, re.MULTILINE))
    assert table == set(commands)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for block in re.findall(r"`make ([\w-]+)", page.read_text(encoding="utf-8")):
            assert block in targets, f"{page.name}: make {block}"


def test_the_reference_pages_are_what_the_code_gives() -> None:
    found = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert module.main(["--check"]) == 0


def test_no_page_and_no_sample_carries_a_path_of_one_machine() -> None:
    for page in [*PAGES, *(ROOT / "deploy").rglob("*.*")]:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/home/\w+|/root/", text), page.name
