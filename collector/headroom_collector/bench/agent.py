"""What the agent costs its host: CPU a cycle, memory, threads, beside node_exporter and collectd."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from headroom_collector.bench import agent_hosts, agent_parts, agent_programs
from headroom_collector.bench.agent_programs import Program
from headroom_collector.bench.process import Cost, cost, tree
from headroom_collector.bench.report import Figure

WARM_SECONDS = 6
WINDOWS = 3
FRESHNESS = "5"
"""Seconds that a cycle may wait to share a message, in the cases that are held against others."""
VMS = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """Cost of one program: the median of some windows, and what it holds at the end."""

    cpu_ms_per_cycle: float
    values_per_cycle: float
    end: Cost
    tree_pss_bytes: int


def measure(programs: list[Program], seconds: int) -> dict[str, Measured]:
    """
    Watch all programs in the same windows of ``seconds``, each at one cycle a second.

    Those that have to be asked are asked once a second. CPU time is that of the whole process
    tree.
    """
    cpu: dict[str, list[float]] = {program.name: [] for program in programs}
    for _ in range(WINDOWS):
        begin, started = {p.name: tree(p.pid).cpu_seconds for p in programs}, time.monotonic()
        for second in range(seconds):
            for program in programs:
                program.ask()
            time.sleep(max(0.0, started + second + 1 - time.monotonic()))
        took = time.monotonic() - started
        for program in programs:
            used = tree(program.pid).cpu_seconds - begin[program.name]
            cpu[program.name].append(used * 1e3 / took)
    return {
        p.name: Measured(
            statistics.median(cpu[p.name]), p.values(), cost(p.pid), tree(p.pid).pss_bytes
        )
        for p in programs
    }


def rows(found: Measured) -> dict[str, tuple[float, str]]:
    """Return each metric's value and unit."""
    values = max(1.0, found.values_per_cycle)
    return {
        "cpu_ms_per_cycle": (found.cpu_ms_per_cycle, "ms"),
        "us_per_value": (found.cpu_ms_per_cycle * 1e3 / values, "us"),
        "values_per_cycle": (found.values_per_cycle, "1"),
        "rss_bytes": (float(found.end.rss_bytes), "bytes"),
        "pss_bytes": (float(found.tree_pss_bytes), "bytes"),
        "threads": (float(found.end.threads), "1"),
    }


def compared(
    case: str, ours: Measured, peers: Mapping[str, Measured], skipped: Mapping[str, str]
) -> Iterator[Figure]:
    """Yield our figures with the peers' beside them."""
    theirs = {name: rows(found) for name, found in peers.items()}
    for metric, (value, unit) in rows(ours).items():
        beside = {name: row[metric][0] for name, row in theirs.items()}
        yield Figure("agent", case, metric, value, unit, beside, skipped)


def host(seconds: int) -> Iterator[Figure]:
    """
    Measure on this very host: messages of some cycles, a message for each, and grpcio's client.

    Then where memory and CPU time go.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        run = agent_programs.Runner(stack, folder)
        shared = run.agent("shared", ["--freshness", FRESHNESS])
        at_once = run.agent("at-once", [])
        grpcio = run.agent("grpcio", ["--freshness", FRESHNESS, "--transport", "grpcio"])
        peers, skipped = run.peers()
        time.sleep(WARM_SECONDS)
        begin, started = agent_parts.thread_seconds(shared.pid), time.monotonic()
        found = measure([shared, at_once, grpcio, *peers], seconds)
        end, took = agent_parts.thread_seconds(shared.pid), time.monotonic() - started
        beside = {peer.name: found[peer.name] for peer in peers}
        yield from compared("host", found["shared"], beside, skipped)
        yield from compared("host-at-once", found["at-once"], beside, skipped)
        yield from compared("host-grpcio", found["grpcio"], beside, skipped)
        yield from agent_parts.cpu(begin, end, took)
        yield from agent_parts.memory()


def cpus_128(seconds: int) -> Iterator[Figure]:
    """Measure with the /proc of a host of 128 logical CPUs, which is made up."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        procfs = agent_hosts.many_cpus(folder / "proc", 128)
        run = agent_programs.Runner(stack, folder)
        ours = run.agent("ours", ["--freshness", FRESHNESS, "--procfs", str(procfs)])
        peers, skipped = run.peers(procfs)
        time.sleep(WARM_SECONDS)
        found = measure([ours, *peers], seconds)
        beside = {peer.name: found[peer.name] for peer in peers}
        yield from compared("cpus-128", found["ours"], beside, skipped)


def hypervisor(seconds: int) -> Iterator[Figure]:
    """Measure with 100 virtual machines of libvirt's test driver, beside an agent without them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        uri = agent_hosts.domains(folder / "domains.xml", VMS)
        run = agent_programs.Runner(stack, folder)
        ours = run.agent("ours", ["--freshness", FRESHNESS, "--libvirt-uri", uri])
        bare = run.agent("bare", ["--freshness", FRESHNESS])
        peers, skipped = run.hypervisor_peers(uri)
        time.sleep(WARM_SECONDS)
        found = measure([ours, bare, *peers], seconds)
        beside = {peer.name: found[peer.name] for peer in peers}
        yield from compared("hypervisor", found["ours"], beside, skipped)
        more = found["ours"].cpu_ms_per_cycle - found["bare"].cpu_ms_per_cycle
        yield Figure("agent", "hypervisor", "cpu_ms_per_vm", more / VMS, "ms")


CASES: Mapping[str, Callable[[int], Iterator[Figure]]] = {
    "host": host,
    "host-at-once": host,
    "host-grpcio": host,
    "cpus-128": cpus_128,
    "hypervisor": hypervisor,
}


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Measure 60 cycles at 1 Hz for each case, 12 in the short form, TLS and spool on."""
    chosen = (
        [CASES[case]]
        if case is not None and case in CASES
        else list(dict.fromkeys(CASES.values()))
    )
    for run in chosen:
        yield from run(4 if short else 20)
