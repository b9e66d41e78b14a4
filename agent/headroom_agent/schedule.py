"""The schedule: in each cycle it runs the samplers that are due, each under a deadline."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headroom_agent.lane import Lane, Outcome, Run
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, Sampler
from headroom_proto.v1 import samples_pb2, telemetry_pb2


@dataclass(frozen=True, slots=True)
class Part:
    """What one sampler knows of one moment."""

    sampler: str
    cycle: telemetry_pb2.Cycle


@dataclass(slots=True)
class Record:
    """What became of a sampler so far."""

    failures: int = 0
    last: Moment | None = None
    hanging: Run | None = None


@dataclass(slots=True)
class Schedule:
    """
    Runs samplers.

    A sampler that fails or takes longer than ``deadline_seconds`` is counted and said once for
    each change; the others go on. One that hangs is left behind in its thread and not asked again
    until it came back. ``slack_seconds`` keeps a sampler of 60 s from slipping to the cycle after
    when a cycle comes a little early.
    """

    samplers: Sequence[Sampler]
    deadline_seconds: float
    notices: Notices
    slack_seconds: float = 0.5
    clock: Callable[[], float] = time.monotonic
    _lane: Lane = field(default_factory=Lane)
    _records: dict[str, Record] = field(default_factory=dict)

    def run(self, now: Moment) -> list[Part]:
        """Run what is due; returns a part for each that gave values and one about the samplers."""
        due = [sampler for sampler in self.samplers if self._due(sampler, now)]
        idle = [sampler for sampler in due if self._came_back(sampler.name)]
        outcomes = [
            Outcome(sampler.name, 0.0, fault="still busy with an earlier cycle")
            for sampler in due
            if sampler not in idle
        ]
        outcomes += self._outcomes(idle, now)
        samplers = [self._tell(outcome) for outcome in outcomes]
        parts = [Part(o.sampler, o.cycle) for o in outcomes if o.cycle is not None]
        return [*parts, Part("agent", telemetry_pb2.Cycle(samplers=samplers))]

    def close(self) -> None:
        """End the worker thread."""
        self._lane.close()

    def _record(self, name: str) -> Record:
        return self._records.setdefault(name, Record())

    def _due(self, sampler: Sampler, now: Moment) -> bool:
        record = self._record(sampler.name)
        if record.last is not None and sampler.interval_seconds > 0:
            passed = now.seconds_since(record.last) + self.slack_seconds
            if passed < sampler.interval_seconds:
                return False
        record.last = now
        return True

    def _came_back(self, name: str) -> bool:
        record = self._record(name)
        if record.hanging is not None and record.hanging.done.is_set():
            record.hanging = None
        return record.hanging is None

    def _outcomes(self, samplers: Sequence[Sampler], now: Moment) -> list[Outcome]:
        found: list[Outcome] = []
        rest = list(samplers)
        while rest:
            run = Run(rest, now, self.clock)
            self._lane.start(run)
            if run.wait(self.deadline_seconds):
                return found + run.outcomes
            answered = run.outcomes[: len(rest)]
            found += answered
            rest = rest[len(answered) :]
            if rest:
                found.append(self._leave_behind(rest.pop(0).name, run))
        return found

    def _leave_behind(self, name: str, run: Run) -> Outcome:
        self._record(name).hanging = run
        self._lane.close()
        self._lane = Lane()
        seconds = self.deadline_seconds
        return Outcome(name, seconds, fault=f"did not answer within {seconds:g} s")

    def _tell(self, outcome: Outcome) -> samples_pb2.SamplerSample:
        record, thing = self._record(outcome.sampler), f"sampler {outcome.sampler}"
        if outcome.fault is not None:
            record.failures += 1
            self.notices.fault(thing, f"{thing} failed: {outcome.fault}; the others go on")
        else:
            self.notices.fine(thing, f"{thing}: works again")
        if outcome.no_data is not None:
            self.notices.debug(f"{thing} data", f"{thing} has no data: {outcome.no_data}")
        return samples_pb2.SamplerSample(
            sampler=outcome.sampler,
            duration_seconds=outcome.seconds,
            up=0 if outcome.fault is not None else 1,
            failures_total=record.failures,
        )


def _join(cycle: telemetry_pb2.Cycle) -> None:
    """Make one sample of each CPU: several samplers know something of it."""
    found: dict[int, samples_pb2.CpuSample] = {}
    for sample in cycle.cpus:
        if sample.cpu in found:
            found[sample.cpu].MergeFrom(sample)
        else:
            found[sample.cpu] = sample
    joined = list(found.values())
    del cycle.cpus[:]
    cycle.cpus.extend(joined)


@dataclass(slots=True)
class Merger:
    """
    Makes one cycle of the parts.

    Facts are remembered and always sent whole: a sampler that finds one fact later must not make
    the others look empty. ``repeat_facts`` sends them once more, from any thread.
    """

    _repeat: bool = False
    facts: telemetry_pb2.HostFacts = field(default_factory=telemetry_pb2.HostFacts)

    def merge(self, now: Moment, parts: Sequence[Part]) -> telemetry_pb2.Cycle:
        """Return the whole cycle."""
        cycle = telemetry_pb2.Cycle(time_unix_nano=now.time_ns, boottime_nano=now.boottime_ns)
        for part in parts:
            cycle.MergeFrom(part.cycle)
        if sum(bool(part.cycle.cpus) for part in parts) > 1:
            _join(cycle)
        if cycle.HasField("facts"):
            self.facts.MergeFrom(cycle.facts)
        if cycle.HasField("facts") or self._repeat:
            self._repeat = False
            cycle.facts.CopyFrom(self.facts)
        return cycle

    def repeat_facts(self) -> None:
        """Send the facts with the next cycle: the collector may not have them."""
        self._repeat = True
