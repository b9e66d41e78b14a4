"""
The container files followed step by step in folders over this machine's root, and what they make started.

No container engine is needed: each stage is a layer over what it begins with. Debian's packages are not installed
again (this machine has what the tests need of them); everything else is run as it stands in the file.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from rigs.containerfile import Step, stages, steps

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy" / "containers"
NETWORK = "headroom-containers"
CLEAN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}

pytestmark = pytest.mark.timeout(1200)


@contextmanager
def mounted(*arguments: str, place: Path) -> Iterator[Path]:
    subprocess.run(["mount", *arguments, str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=True)


class Builder:
    """Follows a file; ``root`` of a stage is the folder that it made."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._room = stack.enter_context(
            mounted("-t", "tmpfs", "-o", "size=4g", "tmpfs", place=folder)
        )
        self.roots: dict[str, Path] = {}
        self._lower: dict[str, str] = {"": "/"}
        self.env: dict[str, str] = {}
        self.user = "root"

    def stage(self, made: Sequence[Step]) -> Path:
        """Follow a stage."""
        base, _, name = made[0].text.partition(" AS ")
        name = name or "last"
        parts = {part: self._room / name / part for part in ("upper", "work", "root")}
        for part in parts.values():
            part.mkdir(parents=True)
        lower = self._lower.get(base, "/")
        options = f"lowerdir={lower},upperdir={parts['upper']},workdir={parts['work']}"
        root = self._stack.enter_context(
            mounted("-t", "overlay", "overlay", "-o", options, place=parts["root"])
        )
        self._stack.enter_context(mounted("--bind", "/dev", place=root / "dev"))
        self._stack.enter_context(mounted("-t", "proc", "proc", place=root / "proc"))
        self.roots[name], self._lower[name] = root, f"{parts['upper']}:{lower}"
        folder = "/src" if base in self._lower and base else "/"
        for step in made[1:]:
            folder = self._follow(step, root, folder)
        return root

    def _follow(self, step: Step, root: Path, folder: str) -> str:
        if step.name == "WORKDIR":
            (root / step.text.lstrip("/")).mkdir(parents=True)
            return step.text
        if step.name == "ENV":
            self.env |= dict(pair.split("=", 1) for pair in step.text.split())
        if step.name == "USER":
            self.user = step.text
        if step.name == "COPY":
            self._copy(step.text, root, folder)
        if step.name == "RUN":
            words = [
                part
                for part in step.text.split(" && ")
                if not re.match(r"apt-get|rm -rf /var/lib/apt", part)
            ]
            if words:
                self.run(root, "sh", "-c", f"cd {folder} && {' && '.join(words)}")
        return folder

    def _copy(self, text: str, root: Path, folder: str) -> None:
        *sources, target = text.split()
        base = ROOT
        if sources[0].startswith("--from="):
            base = self.roots[sources.pop(0).removeprefix("--from=")]
        place = root / Path(folder, target).as_posix().lstrip("/")
        for source in sources:
            found = base / source.lstrip("/")
            into = place / found.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            what = f"{found}/." if found.is_dir() else str(found)
            subprocess.run(["cp", "-a", "--no-preserve=ownership", what, str(into)], check=True)

    def run(self, root: Path, *command: str) -> None:
        loads = {
            key: value
            for key, value in os.environ.items()
            if key.startswith(("PIP_", "SSL_", "http"))
        }
        done = subprocess.run(
            ["chroot", str(root), *command],
            env=CLEAN | loads,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


@contextmanager
def network() -> Iterator[None]:
    subprocess.run(["ip", "netns", "add", NETWORK], check=True)
    try:
        subprocess.run(["ip", "-n", NETWORK, "link", "set", "lo", "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)


@contextmanager
def built(name: str, folder: Path) -> Iterator[tuple[Path, Builder, list[Step]]]:
    """The last stage's root, read-only but for its volume, as it is run with --read-only."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts")
    made = steps((FILES / f"{name}.Containerfile").read_text())
    with ExitStack() as stack:
        stack.enter_context(network())
        builder = Builder(folder, stack)
        for stage in stages(made):
            root = builder.stage(stage)
        (volume,) = [step.text for step in made if step.name == "VOLUME"]
        place = root / volume.lstrip("/")
        owner = place.stat()
        stack.enter_context(
            mounted(
                "-t",
                "tmpfs",
                "-o",
                f"uid={owner.st_uid},gid={owner.st_gid},mode=0700",
                "tmpfs",
                place=place,
            )
        )
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        yield root, builder, made


def command(builder: Builder, root: Path, *words: str) -> list[str]:
    env = [f"{key}={value}" for key, value in (CLEAN | builder.env).items()]
    start = ["ip", "netns", "exec", NETWORK, "chroot", f"--userspec={builder.user}:{builder.user}"]
    return [*start, str(root), "env", "-i", *env, *words]


def text_of(made: list[Step], name: str) -> str:
    (found,) = [step.text for step in made if step.name == name]
    return found


def test_the_collector_is_built_runs_read_only_and_is_healthy(tmp_path: Path) -> None:
    with built("collector", tmp_path) as (root, builder, made):
        start = [*json.loads(text_of(made, "ENTRYPOINT")), *json.loads(text_of(made, "CMD"))]
        health = json.loads(text_of(made, "HEALTHCHECK").partition(" CMD ")[2])
        asked = command(builder, root, *health)
        assert subprocess.run(asked, capture_output=True, check=False).returncode != 0
        with (tmp_path.parent / "collector.log").open("wb") as log:
            process = subprocess.Popen(command(builder, root, *start), stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 90
            while subprocess.run(asked, capture_output=True, check=False).returncode:
                said = (tmp_path.parent / "collector.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.5)
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_the_agent_is_built_and_reads_the_host_that_is_mounted(tmp_path: Path) -> None:
    with built("agent", tmp_path) as (root, builder, made):
        start = json.loads(text_of(made, "ENTRYPOINT"))
        subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
        for name in ("proc", "sys", "etc"):
            (root / "host" / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        with ExitStack() as binds:
            for name in ("proc", "sys", "etc"):
                binds.enter_context(mounted("--bind", f"/{name}", place=root / "host" / name))
            shown = subprocess.run(
                command(builder, root, *start, "--once", "--json"),
                capture_output=True,
                text=True,
                check=False,
            )
        assert shown.returncode == 0, shown.stderr
        assert "cpu" in shown.stdout
        assert json.loads(shown.stdout)
