"""The facts of this very host against independent readers of the same second."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from headroom_agent.samplers.facts import FactsSampler
from headroom_proto.v1 import telemetry_pb2


@pytest.fixture(scope="module")
def facts() -> telemetry_pb2.HostFacts:
    return FactsSampler(Path("/proc"), Path("/sys")).read()


def lscpu() -> dict[str, str]:
    """Return what lscpu prints, by its names."""
    if shutil.which("lscpu") is None:
        pytest.skip("there is no lscpu: apt-get install util-linux")
    done = subprocess.run(
        ["lscpu", "-J"],
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    rows = json.loads(done.stdout)["lscpu"]
    found: dict[str, str] = {}
    while rows:
        row = rows.pop()
        found[row["field"].rstrip(":")] = row["data"]
        rows += row.get("children", [])
    return found


def test_cpus_agree_with_lscpu(facts: telemetry_pb2.HostFacts) -> None:
    told = lscpu()
    assert facts.architecture == told["Architecture"]
    assert facts.threads == int(told["CPU(s)"])
    assert facts.cpu_vendor == told["Vendor ID"]
    assert facts.cpu_model == " ".join(told["Model name"].split())
    assert facts.cpu_family == int(told["CPU family"])
    assert facts.cpu_model_number == int(told["Model"])
    assert facts.cpu_stepping == int(told["Stepping"])
    assert facts.sockets == int(told["Socket(s)"])
    assert facts.cores == int(told["Socket(s)"]) * int(told["Core(s) per socket"])
    assert facts.virtual == ("Hypervisor vendor" in told)


def test_memory_agrees_with_procfs_read_by_hand(facts: telemetry_pb2.HostFacts) -> None:
    lines = Path("/proc/meminfo").read_text().splitlines()
    total = next(line for line in lines if line.startswith("MemTotal:"))
    assert facts.memory_bytes == int(total.split()[1]) * 1024
