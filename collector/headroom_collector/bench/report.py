"""Results of a benchmark: one JSON object a line, or a table for people."""

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

LIBRARIES = ("duckdb", "grpcio", "numpy", "protobuf", "pyarrow")


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One measured figure.

    ``peers`` has the same figure of other programs from the same run, ``ratios`` ours / peer's,
    ``skipped`` why a peer has none.
    """

    bench: str
    case: str
    metric: str
    value: float
    unit: str
    peers: Mapping[str, float] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def ratios(self) -> dict[str, float]:
        """Return ours / peer's for each peer."""
        return {name: self.value / peer for name, peer in self.peers.items() if peer}

    def line(self) -> dict[str, object]:
        """Return the object that is printed."""
        found = {**asdict(self), "ratios": self.ratios()}
        return {key: value for key, value in found.items() if value not in ({}, None)}


def machine() -> dict[str, object]:
    """Return the line that says where and with what the figures were measured."""
    return {
        "metric": "machine",
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu_model(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # the machine itself
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def as_json(figures: Iterable[Figure]) -> Iterator[str]:
    """Yield the lines for ``--json``, each as soon as it is measured."""
    yield json.dumps(machine())
    for figure in figures:
        yield json.dumps(figure.line())


def as_table(figures: Iterable[Figure]) -> None:
    """Print a table for people."""
    table = Table("bench", "case", "metric", "value", "unit", "peers (ours / theirs)")
    for figure in figures:
        shown = [
            f"{name} {figure.peers[name]:.4g} ({ratio:.2f})"
            for name, ratio in figure.ratios().items()
        ]
        shown += [f"{name}: {why}" for name, why in figure.skipped.items()]
        value = f"{figure.value:,.4g}" if abs(figure.value) < 1e4 else f"{figure.value:,.0f}"
        row = (figure.bench, figure.case, figure.metric, value, figure.unit, "; ".join(shown))
        table.add_row(*row)
    Console().print(table)
