"""From this machine's /proc to a page on on-call's phone, with nothing left out."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rigs.receiver import Receiver, receiver
from rigs.up import Up, headroom_up, wait_for

SHORTENED = """
[ceiling]
ratio = {ceiling}
[alerts]
evaluate_seconds = 0.2
[alerts.rule]
window_seconds = 2
step_seconds = 0
hold_seconds = 2
falling_factor = 0
clear_factor = 0.9
clear_hold_seconds = 3
[alerts.groups]
wait_seconds = 0.5
interval_seconds = 2
"""


@contextmanager
def burning() -> Iterator[None]:
    """Keep every CPU of this machine busy, as real work would."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(len(os.sched_getaffinity(0)))
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def busy_and_all() -> tuple[int, int]:
    """Return the busy and all ticks of this machine so far, from the first line of /proc/stat."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def ceiling_here() -> float:
    """
    Return 0.40, or more where this machine is busy with other things.

    The alert can resolve only where what others run here stays below the ceiling.
    """
    before = busy_and_all()
    time.sleep(3)
    after = busy_and_all()
    background = (after[0] - before[0]) / (after[1] - before[1])
    assert background < 0.8, f"this machine is {background:.0%} busy already: try again later"
    return round(max(0.4, (1 + background) / 2), 2) if background > 0.2 else 0.4


def own_host(up: Up) -> dict[str, Any] | None:
    items: list[dict[str, Any]] = up.get("/api/v1/hosts")["items"]
    return next((item for item in items if item["cpu_utilisation_ratio"] is not None), None)


def test_a_real_load_pages_once_and_resolves_once(tmp_path: Path) -> None:
    config = tmp_path / "collector.toml"
    config.write_text(SHORTENED.format(ceiling=ceiling_here()))
    with receiver() as phone:
        flags = ["--config", str(config), "--webhook", phone.url, "--interval", "0.5"]
        with headroom_up(tmp_path / "data", *flags) as up:
            host = wait_for(lambda: own_host(up), 15, "utilisation of this machine")
            assert not host["simulated"]
            with burning():
                assert phone.wait(lambda it: bool(it.alerts("firing")), 60), "nobody was paged"
            assert phone.wait(lambda it: bool(it.alerts("resolved")), 60), "it never resolved"
            check(phone, host["name"])
            assert up.stop() == 0


def check(phone: Receiver, host: str) -> None:
    (firing,) = phone.alerts("firing")
    (resolved,) = phone.alerts("resolved")
    assert [body["version"] for body in phone.bodies] == ["4", "4"]
    assert firing["labels"]["alertname"] == "HostAboveCeiling"
    assert firing["labels"]["host"] == host
    assert firing["fingerprint"] == resolved["fingerprint"]
    assert firing["startsAt"] == resolved["startsAt"]
    assert firing["endsAt"] == "0001-01-01T00:00:00Z"
    assert resolved["endsAt"] > resolved["startsAt"]


def test_up_shows_this_machine_and_simulated_hosts_apart(tmp_path: Path) -> None:
    with headroom_up(tmp_path / "data", "--fleet", "5", "--interval", "1") as up:
        items = wait_for(
            lambda: (found := up.get("/api/v1/hosts")["items"]) and len(found) == 6 and found,
            30,
            "six hosts",
        )
        assert sorted(item["simulated"] for item in items) == [False] + [True] * 5
        fleet = wait_for(
            lambda: (text := up.text("/metrics/fleet")) and "sim-001" in text and text,
            30,
            "metrics",
        )
        named = [line for line in fleet.splitlines() if 'host="sim-001"' in line]
        assert named
        assert all('simulated="true"' in line for line in named)
        assert socket.gethostname()[:8] in up.text("/")
        assert "simulated" in up.text("/")
        assert up.stop() == 0
