"""The container files: what they copy and install is there, and they are made as docs/fleet.md says."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from rigs.containerfile import Step, stages, steps

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "deploy" / "containers").glob("*.Containerfile"))
IGNORE = (ROOT / ".dockerignore").read_text().splitlines()


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def made(request: pytest.FixtureRequest) -> list[Step]:
    return steps(request.param.read_text())


def of(made: list[Step], *names: str) -> list[str]:
    return [step.text for step in made if step.name in names]


def test_there_is_one_for_each() -> None:
    assert [path.stem for path in FILES] == ["agent", "collector"]


def test_what_is_copied_is_there_and_sent_to_the_builder(made: list[Step]) -> None:
    allowed = {line[1:] for line in IGNORE if line.startswith("!")}
    for text in of(made, "COPY"):
        *sources, _ = text.split()
        if sources[0].startswith("--from="):
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            folders = {source, *(str(one) for one in Path(source).parents)}
            assert folders & allowed, f"{source} is kept out by .dockerignore"


def test_libraries_are_pinned_by_hash_and_nothing_else_is_loaded(made: list[Step]) -> None:
    for call in re.findall(r"pip (?:install|wheel) [^&]+", " ".join(of(made, "RUN"))):
        assert "--require-hashes" in call or "--no-deps" in call, call
        assert "--no-deps" not in call or "--no-build-isolation" in call or "/wheel/" in call


def test_it_runs_as_a_user_of_its_own_on_a_root_that_may_be_read_only(made: list[Step]) -> None:
    last = stages(made)[-1]
    (user,) = of(last, "USER")
    assert re.search(rf"useradd .*\b{user}\b", " ".join(of(last, "RUN")))
    assert "PYTHONDONTWRITEBYTECODE=1" in " ".join(of(last, "ENV"))
    (volume,) = of(last, "VOLUME")
    assert f"-o {user} -g {user} {volume}" in " ".join(of(last, "RUN"))


def test_both_begin_with_the_same_stage_which_a_builder_makes_once() -> None:
    first, second = (stages(steps(path.read_text()))[0] for path in FILES)
    assert first == second


@pytest.mark.skipif(
    not any(Path("/var/lib/apt/lists").glob("*_Packages*")), reason="no list of Debian's packages"
)
def test_packages_that_are_installed_exist(made: list[Step]) -> None:
    listed = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=True)
    for call in re.findall(r"apt-get install ([^&]+)", " ".join(of(made, "RUN"))):
        names = {word for word in call.split() if not word.startswith("-")}
        assert names <= set(listed.stdout.split())


def test_commands_are_lists_so_that_signals_reach_the_process(made: list[Step]) -> None:
    for text in of(made, "ENTRYPOINT", "CMD"):
        assert all(isinstance(word, str) for word in json.loads(text))
