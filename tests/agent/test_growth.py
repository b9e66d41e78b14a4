"""The agent's memory over many cycles: it stays what it was."""

import logging
import os
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest

from headroom_agent.agent import Recorder
from headroom_agent.config import AgentConfig, SpoolSettings
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment
from headroom_agent.samplers import registry
from headroom_agent.schedule import Schedule
from headroom_agent.spool import Limits, Spool

CYCLES = int(os.environ.get("HEADROOM_CYCLES", "600"))
"""The long form runs 100,000; each is a second of the agent's own time."""
WARM = 300
STRETCHES = 3
SLACK = 128 * 1024
"""Bytes that Python's free lists may take in one stretch."""


class Seconds:
    """Moments a second apart."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> Moment:
        self.number += 1
        return Moment(1_795_000_000 * 10**9 + self.number * 10**9, self.number * 10**9)


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
