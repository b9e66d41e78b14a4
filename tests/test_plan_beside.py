"""A running collector goes on acknowledging agents while live plans run in its child process."""

from pathlib import Path

import httpx
from rigs.up import Up, headroom_up, wait_for

BATCHES = 10
PLANS = 30
"""Most plans that are begun: a small estate's is soon over."""


def stored(up: Up) -> float:
    """Return the batches stored so far; each is acknowledged once it is durable."""
    lines = up.text("/metrics").splitlines()
    wanted = "headroom_collector_batches_total"
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted))


def during_one_plan(up: Up) -> tuple[float, str]:
    """Run a plan; return the batches stored while its child was there, and how it ended."""
    url = f"http://{up.at.http}/api/v1/plans"
    id_ = httpx.post(url, json={"time_limit": 5}, timeout=30).raise_for_status().json()["id"]
    first = last = None

    def ended() -> str | None:
        nonlocal first, last
        count = stored(up)
        found = up.get(f"/api/v1/plans/{id_}")
        if found["state"] != "running":
            return str(found["state"])
        if found["progress"]:  # the child has spoken, and had not ended after the count
            first = count if first is None else first
            last = count
        return None

    state = wait_for(ended, 120, "end of the plan")
    return (last or 0.0) - (first or 0.0), state


def test_agents_are_acknowledged_while_a_plan_runs(tmp_path: Path) -> None:
    with headroom_up(tmp_path / "data", "--fleet", "20", "--interval", "0.2") as up:
        wait_for(lambda: stored(up) > 40, 120, "batches")
        seen = 0.0
        states: list[str] = []
        while seen < BATCHES and len(states) < PLANS:
            batches, state = during_one_plan(up)
            seen += batches
            states.append(state)
        assert seen >= BATCHES, f"{seen:g} batches while {len(states)} plans ran: {states}"
        assert "finished" in states
        assert up.stop() == 0
