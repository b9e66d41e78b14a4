"""A worker thread that runs samplers in turn and can be left behind when one of them hangs."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headroom_agent.sampler import Moment, NoData, SampleError, Sampler
from headroom_proto.v1 import telemetry_pb2


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one sampler in one cycle.

    Exactly one of ``cycle`` (values), ``no_data`` and ``fault`` (one line each) is set.
    """

    sampler: str
    seconds: float
    cycle: telemetry_pb2.Cycle | None = None
    no_data: str | None = None
    fault: str | None = None


def attempt(sampler: Sampler, now: Moment, clock: Callable[[], float]) -> Outcome:
    """Run one sampler, whatever it raises."""
    start = clock()
    try:
        cycle = sampler.sample(now)
    except NoData as reason:
        return Outcome(sampler.name, clock() - start, no_data=str(reason))
    except SampleError as error:
        return Outcome(sampler.name, clock() - start, fault=str(error))
    except Exception as error:  # noqa: BLE001 - no fault of one sampler may stop the others
        line = f"{type(error).__name__}: {error}".replace("\n", " ")
        return Outcome(sampler.name, clock() - start, fault=line)
    return Outcome(sampler.name, clock() - start, cycle=cycle)


@dataclass(slots=True)
class Run:
    """
    Samplers run in turn for one moment.

    Written by the lane's thread, read by the scheduler's: ``outcomes`` only grows, and
    ``outcomes[n]`` belongs to ``samplers[n]``.
    """

    samplers: Sequence[Sampler]
    now: Moment
    clock: Callable[[], float] = time.monotonic
    outcomes: list[Outcome] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    left_behind: bool = False
    started: float = 0.0

    def __post_init__(self) -> None:
        """Count the first sampler's deadline from now on."""
        self.started = self.clock()

    def go(self) -> None:
        """Run them; after a run was left behind, the sampler that hung is the last."""
        for sampler in self.samplers:
            if self.left_behind:
                break
            self.started = self.clock()
            self.outcomes.append(attempt(sampler, self.now, self.clock))
        self.done.set()

    def wait(self, deadline_seconds: float) -> bool:
        """Wait until all are through; false as soon as one takes longer than its deadline."""
        remaining = deadline_seconds
        while not self.done.wait(max(0.0, remaining)):
            remaining = self.started + deadline_seconds - self.clock()
            if remaining <= 0:
                self.left_behind = True
                return False
        return True


class Lane:
    """One worker thread; a daemon, so that a sampler that hangs cannot hold up the end."""

    def __init__(self) -> None:
        self._runs: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="samplers", daemon=True).start()

    def _work(self) -> None:
        while (run := self._runs.get()) is not None:
            run.go()

    def start(self, run: Run) -> None:
        """Let the thread run it next."""
        self._runs.put(run)

    def close(self) -> None:
        """Let the thread end after what it is at."""
        self._runs.put(None)
