"""From fresh Debian 12 machines to a filled page, by the commands of README and docs/install.md alone."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rigs.debian import fresh
from rigs.machine import Machine, machine
from rigs.netns import Lan, lan

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^```sh(?: title="(\w+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
TAKEN_ALONG = ("web-17.token", "collector.fingerprint")
"""What the page says to take from the collector to the host."""


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced commands of a page: where they are to be run, and what."""
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def until(look: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def debian() -> Path:
    return fresh()


def test_the_readme_leads_from_a_fresh_debian_to_a_filled_page(
    debian: Path, tmp_path: Path
) -> None:
    (_, text), *_ = blocks("README.md")
    up, test = (line.split("#")[0].strip() for line in text.splitlines())
    assert (up, test) == ("make up", "make test")  # the second is the suite that this is part of
    clone = tmp_path / "headroom"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    with machine(debian) as fresh_one:
        shutil.copytree(clone, fresh_one.root / "srv/headroom")
        log = "/root/up.log"
        fresh_one.run("sh", "-c", f"{up} >{log} 2>&1 &", folder="/srv/headroom")
        said = fresh_one.root / log.lstrip("/")

        def filled() -> bool:
            answer = fresh_one.run(
                "curl", "-sf", "http://127.0.0.1:9441/api/v1/hosts", check=False
            )
            if answer.returncode:
                return False
            hosts = json.loads(answer.stdout)["items"]
            return bool(hosts) and "cpu_utilisation_ratio" in json.dumps(hosts)

        until(filled, f"host on the page; make up says:\n{said.read_text()[-2000:]}", 600)
        assert "Headroom" in fresh_one.run("curl", "-sf", "http://127.0.0.1:9441/").stdout


@pytest.fixture(scope="module")
def two(debian: Path) -> Iterator[dict[str, Machine]]:
    """A collector and a host, each in a network of its own with a wire between them."""
    with ExitStack() as stack:
        wires: Lan = stack.enter_context(lan("collector", "host"))
        made = {
            name: stack.enter_context(machine(debian, network=wires.namespaces[name]))
            for name in ("collector", "host")
        }
        for one in made.values():
            with (one.root / "etc/hosts").open("a") as names:
                names.write(f"{wires.addresses['collector']} collector.example\n")
        yield made


def test_the_page_about_installing_leads_to_an_enrolled_host(two: dict[str, Machine]) -> None:
    ran = []
    for place, text in blocks("docs/install.md"):
        if place == "build":
            subprocess.run(["sh", "-ec", text], cwd=ROOT, check=True, capture_output=True)
            for package in (ROOT / "dist").glob("*.deb"):
                name = "host" if package.name.startswith("headroom-agent") else "collector"
                two[name].put(package)
        else:
            if place == "host":
                for name in TAKEN_ALONG:
                    shutil.copy(two["collector"].root / "root" / name, two["host"].root / "root")
            done = two[place].run("sh", "-ec", text, seconds=300, check=False)
            bad = done.returncode and "doctor" not in text
            assert not bad, f"on {place}:\n{text}\n{done.stdout}{done.stderr}"
        ran.append(place)
    assert set(ran) == {"build", "collector", "host"}

    def there() -> bool:
        return "web-17" in two["collector"].run("headroom", "hosts").stdout

    until(there, f"host; its journal:\n{two['host'].journal('headroom-agent')}", 60)
    assert "web-17" in two["collector"].run("curl", "-sf", "http://127.0.0.1:9441/").stdout
    found = two["host"].run(
        "headroom-agent", "--config", "/etc/headroom/agent.toml", "--json", "doctor", check=False
    )
    faults = [one for one in json.loads(found.stdout) if one["state"] == "bad"]
    assert faults == []


def test_a_host_is_taken_off_again(two: dict[str, Machine]) -> None:
    two["host"].run("apt-get", "purge", "-y", "headroom-agent")
    assert not (two["host"].root / "opt/headroom-agent").exists()
    two["collector"].run("headroom", "hosts", "retire", "web-17")
