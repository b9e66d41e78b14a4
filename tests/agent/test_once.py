"""``--once``: every value of this very host, with unit, type and source."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from headroom_proto.catalogue import catalogue

LOADED = """
import sys
from headroom_agent.__main__ import run
run(["--once", "--json"], {})
modules = ("grpc", "asyncio", "rich", "psutil", "libvirt")
sys.stderr.write(" ".join(name for name in modules if name in sys.modules))
"""
Done = subprocess.CompletedProcess[str]


def run(arguments: list[str]) -> Done:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if "HEADROOM" not in name},
    )


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("procfs")


@pytest.fixture(scope="module")
def done(nowhere: Path) -> dict[str, Done]:
    """Each way to ask, all at the same time: each measures for a second."""
    once = ["-m", "headroom_agent", "--once"]
    ways = {
        "table": once,
        "json": [*once, "--json"],
        "procfs": [*once, "--json", "--procfs", str(nowhere)],
        "loaded": ["-c", LOADED],
    }
    with ThreadPoolExecutor(len(ways)) as pool:
        return dict(zip(ways, pool.map(run, ways.values()), strict=True))


@pytest.fixture(scope="module")
def reading(done: dict[str, Done]) -> dict[str, Any]:
    assert done["json"].returncode == 0, done["json"].stderr
    found: dict[str, Any] = json.loads(done["json"].stdout)
    return found


def test_every_value_is_in_the_catalogue_with_its_unit_and_type(
    reading: dict[str, Any],
) -> None:
    known = {column.metric: column for _, column in catalogue().metrics()}
    assert len(reading["values"]) > 50
    for value in reading["values"]:
        column = known[str(value["name"])]
        assert (value["unit"], value["type"]) == (column.unit, column.type)
        assert value["source"]


def one(reading: dict[str, Any], name: str) -> dict[str, object]:
    return next(value for value in reading["values"] if value["name"] == name)


def test_the_values_are_this_hosts_own(reading: dict[str, Any]) -> None:
    ratio = one(reading, "headroom_host_cpu_utilisation_ratio")
    assert 0 <= float(str(ratio["value"])) <= 1
    assert ratio["source"] == "cpu"
    assert one(reading, "headroom_host_cpus")["value"] == psutil.cpu_count()
    memory = one(reading, "headroom_host_memory_total_bytes")
    assert memory["value"] == psutil.virtual_memory().total
    facts = dict(reading["facts"])
    assert facts["kernel"] == os.uname().release
    assert facts["memory_bytes"] == memory["value"]


def test_a_table_is_for_people(done: dict[str, Done]) -> None:
    assert done["table"].returncode == 0
    rows = [line.split() for line in done["table"].stdout.splitlines()]
    assert ["headroom_host_cpus", str(psutil.cpu_count()), "count", "cpu"] in rows


def test_a_procfs_that_is_none_costs_lines_and_no_traceback(
    done: dict[str, Done], nowhere: Path
) -> None:
    asked = done["procfs"]
    assert asked.returncode == 0
    lines = asked.stderr.splitlines()
    assert f"{nowhere}/stat: cannot be read: No such file or directory" in asked.stderr
    assert all(line.startswith("time=") and "level=warning" in line for line in lines)
    assert len(lines) == len(set(lines))


def test_once_loads_neither_grpc_nor_asyncio(done: dict[str, Done]) -> None:
    assert done["loaded"].returncode == 0
    assert done["loaded"].stderr == ""
