"""The agent's memory over many cycles: it stays what it was."""

import json
import logging
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import trustme
from rigs.cycles import Seconds
from rigs.peer import Listening, Peer, Pki

from headroom_agent.agent import Recorder
from headroom_agent.config import AgentConfig, SpoolSettings
from headroom_agent.notices import Notices
from headroom_agent.samplers import registry
from headroom_agent.schedule import Schedule
from headroom_agent.spool import Limits, Spool
from headroom_proto.v1 import telemetry_pb2 as pb

CYCLES = int(os.environ.get("HEADROOM_CYCLES", "600"))
"""Cycles of one process under a tracer; each is a second of the agent's own time."""
WARM = 300
STRETCHES = 3
SLACK = 128 * 1024
"""Bytes that Python's free lists may take in one stretch."""


@pytest.mark.timeout(1800)
def test_memory_does_not_grow_over_many_cycles(tmp_path: Path) -> None:
    notices = Notices(logging.getLogger("growth"))
    spool = Spool(tmp_path / "spool.db", Limits(max_bytes=1 << 20), notices)
    config = AgentConfig(spool=SpoolSettings(path=tmp_path / "spool.db"))
    recorder = Recorder(spool, "boot", notices, moment=Seconds())
    own = registry.Self(recorder.last_seconds, spool.state)
    samplers = registry.build(config, notices, own, tmp_path)
    schedule = Schedule(samplers, 30.0, notices)

    def run(cycles: int) -> int:
        for _ in range(cycles):
            recorder.cycle(schedule)
            spool.ack(spool.next_seq - 1)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held = [run(WARM)] + [run(CYCLES // STRETCHES) for _ in range(STRETCHES)]
        # A leak grows in every stretch; a table that is made anew once, in one of them.
        assert min(after - before for before, after in pairwise(held)) < SLACK, held
    finally:
        tracemalloc.stop()
        schedule.close()
        registry.close(samplers)
        spool.close()


LONG = int(os.environ.get("HEADROOM_GROWTH_CYCLES", "8000"))
"""The long form (make test-agent-long) runs 100,000. SQLite's cache is full after some 4,000."""
STRETCH = max(500, LONG // 20)
GROWTH = 512 * 1024
"""Bytes that the allocator may take between the first half's most and the second half's."""
ROOT = Path(__file__).parents[1] / "hosts" / "two-sockets"


@dataclass
class Forgetful(Peer):
    """A collector that keeps nothing of what it got."""

    def _answers(self, request: pb.PushRequest) -> Iterator[pb.PushResponse]:
        yield from super()._answers(request)
        self.stored.clear()
        self.sizes.clear()
        self.messages.queue.clear()


@pytest.mark.timeout(7200)
def test_a_process_that_samples_spools_and_sends_does_not_grow(tmp_path: Path) -> None:
    pki = Pki(trustme.CA(), tmp_path / "pki")
    listening = Listening(pki, Forgetful()).start()
    command = [sys.executable, "-m", "rigs.cycles", "--root", str(ROOT)]
    command += ["--folder", str(tmp_path), "--tls", str(pki.agent())]
    command += ["--collector", listening.address]
    command += ["--cycles", str(LONG), "--stretch", str(STRETCH)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    listening.stop()
    *lines, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert end == {"goodbye": True, "acked": LONG}
    sizes = [line["bytes"] for line in lines]
    sys.stdout.write(f"\n{LONG} cycles: private bytes {sizes}\n")
    half = len(sizes) // 2
    assert max(sizes[half:]) - max(sizes[:half]) < GROWTH, sizes
