"""Alerting: what the rules find, what it costs, and what crashes and replays do to it."""

from collections.abc import Callable, Iterator, Mapping

from headroom_collector.bench import (
    alert_kills,
    alert_latency,
    alert_lost,
    alert_reference,
    alert_replay,
    alert_traces,
)
from headroom_collector.bench.report import Figure

CASES: Mapping[str, Callable[..., Iterator[Figure]]] = {
    "traces": alert_traces.figures,
    "replay": alert_replay.figures,
    "kills": alert_kills.figures,
    "latency": alert_latency.figures,
    "agent-lost": alert_lost.figures,
    "reference": alert_reference.figures,
}


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Measure every case, or the one that is named."""
    for name, measure in CASES.items():
        if case in {None, name}:
            yield from measure(short=short)
