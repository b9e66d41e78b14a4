"""What reading the CPUs' counters costs, for the benchmark: ``python -m ... SYSFS READINGS``."""

import logging
import resource
import sys
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment
from headroom_agent.samplers.rapl import Rapl, RaplSampler


def measure(sysfs: Path, readings: int) -> float:
    """Return the CPU seconds of one whole sample of every counter, its messages included."""
    now = 0.0
    rapl = Rapl(sysfs, Notices(logging.getLogger(__name__)), lambda: now)
    sampler = RaplSampler(rapl)
    sampler.sample(Moment(0, 0))
    begin = resource.getrusage(resource.RUSAGE_SELF)
    for reading in range(1, readings + 1):
        now = float(reading)
        sampler.sample(Moment(reading * 10**9, reading * 10**9))
    end = resource.getrusage(resource.RUSAGE_SELF)
    sampler.close()
    return (end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime) / readings


if __name__ == "__main__":
    print(measure(Path(sys.argv[1]), int(sys.argv[2])))  # noqa: T201 - the benchmark reads it
