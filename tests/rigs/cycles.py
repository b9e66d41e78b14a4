"""Runs the agent's cycles as fast as they go and tells its memory: ``python cycles.py ...``."""

import argparse
import gc
import json
import logging
import sys
import time
from pathlib import Path

from headroom_agent.agent import Recorder
from headroom_agent.backoff import Backoff
from headroom_agent.channel import Endpoint
from headroom_agent.config import AgentConfig, SpoolSettings
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment
from headroom_agent.samplers import registry
from headroom_agent.schedule import Schedule
from headroom_agent.spool import Limits, Spool
from headroom_agent.transport import Speaker, Transport


class Seconds:
    """Moments a second apart."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> Moment:
        self.number += 1
        return Moment(1_795_000_000 * 10**9 + self.number * 10**9, self.number * 10**9)


def resident() -> int:
    """Return the bytes of memory that are this process's own."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return (sizes["Private_Dirty"] + sizes["Private_Clean"]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--root", "--folder", "--collector", "--tls"):
        parser.add_argument(name, required=True)
    for name in ("--cycles", "--stretch"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args()
    root, tls = Path(given.root), Path(given.tls)
    config = AgentConfig(
        procfs=root / "proc",
        sysfs=root / "sys",
        etc=root / "etc",
        spool=SpoolSettings(path=Path(given.folder) / "spool.db"),
    )
    notices = Notices(logging.getLogger("cycles"))
    spool = Spool(config.spool.path, Limits(max_bytes=4 << 20, keep_seconds=5.0), notices)
    recorder = Recorder(spool, "boot", notices, moment=Seconds())
    own = registry.Self(recorder.last_seconds, spool.state)
    samplers = registry.build(config, notices, own, root)
    schedule = Schedule(samplers, 30.0, notices)
    endpoint = Endpoint(given.collector, tls / "ca.pem", tls / "cert.pem", tls / "key.pem")
    transport = Transport(endpoint, spool, Speaker("boot", "1", 1.0), notices, Backoff(0.05, 0.5))
    transport.start()
    for number in range(1, given.cycles + 1):
        recorder.cycle(schedule)
        transport.wake()
        while number - spool.acked_seq > 500:
            time.sleep(0.01)
        if number % given.stretch == 0:
            gc.collect()
            sys.stdout.write(json.dumps({"cycles": number, "bytes": resident()}) + "\n")
            sys.stdout.flush()
    said = transport.stop(30.0)
    schedule.close()
    registry.close(samplers)
    sys.stdout.write(json.dumps({"goodbye": said, "acked": spool.acked_seq}) + "\n")
    spool.close()


if __name__ == "__main__":
    main()
