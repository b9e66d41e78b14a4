"""The agent's benchmark: what it makes up, and what it adds up."""

import os
import subprocess
import sys
from pathlib import Path

from rigs.libvirt import wait_for

from headroom_collector.bench import agent_hosts
from headroom_collector.bench.agent import Measured, compared
from headroom_collector.bench.process import Cost, cost, tree

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"


def test_a_tree_costs_what_all_its_processes_cost() -> None:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE)
    try:
        wait_for(lambda: tree(process.pid).threads >= 2, "the child runs")
        assert tree(process.pid).pss_bytes > cost(process.pid).pss_bytes
    finally:
        process.communicate(b"\n")
    assert cost(os.getpid()).rss_bytes > 1 << 20


def test_a_made_up_host_has_as_many_cpus_as_it_should(tmp_path: Path) -> None:
    procfs = agent_hosts.many_cpus(tmp_path, 128)
    done = subprocess.run(
        [sys.executable, "-m", "headroom_agent", "--once", "--procfs", str(procfs)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    values = dict(line.split()[:2] for line in done.stdout.splitlines() if "headroom_" in line)
    assert values["headroom_host_cpus"] == "128"
    assert "headroom_cpu_busy_seconds_total{cpu=127}" in values
    assert "failed" not in done.stderr


def test_every_figure_has_the_peers_beside_it() -> None:
    ours = Measured(2.0, 100.0, Cost(1.0, 40, 30, 9), 35)
    theirs = Measured(8.0, 50.0, Cost(1.0, 20, 20, 5), 20)
    found = {f.metric: f for f in compared("host", ours, {"peer": theirs}, {"other": "gone"})}
    assert found["cpu_ms_per_cycle"].ratios() == {"peer": 0.25}
    assert found["us_per_value"].value == 20.0
    assert found["pss_bytes"].value == 35.0
    assert found["threads"].skipped == {"other": "gone"}
