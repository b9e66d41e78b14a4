"""``--once``: every value of this very host, with unit, type and source."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from headroom_proto.catalogue import catalogue


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headroom_agent", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if "HEADROOM" not in name},
    )


@pytest.fixture(scope="module")
def reading() -> dict[str, Any]:
    done = run("--once", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
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


def test_a_table_is_for_people() -> None:
    done = run("--once")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["headroom_host_cpus", str(psutil.cpu_count()), "count", "cpu"] in rows


def test_a_procfs_that_is_none_costs_lines_and_no_traceback(tmp_path: Path) -> None:
    done = run("--once", "--json", "--procfs", str(tmp_path))
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert f"{tmp_path}/stat: cannot be read: No such file or directory" in done.stderr
    assert all(line.startswith("time=") and "level=warning" in line for line in lines)
    assert len(lines) == len(set(lines))


def test_once_loads_neither_grpc_nor_asyncio() -> None:
    code = (
        "import sys; from headroom_agent.__main__ import run; run(['--once', '--json'], {});"
        "sys.stderr.write(' '.join(m for m in ('grpc', 'asyncio', 'rich', 'psutil', 'libvirt')"
        " if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
