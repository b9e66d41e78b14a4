"""
The reference pages that come out of the code: docs/metrics.md, configuration.md, command-line.md.

``python docs/generate.py`` writes them, ``--check`` says whether the committed ones are in step.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from headroom_collector.cli.__main__ import make
from headroom_collector.cli.reference import page as command_line
from headroom_proto.catalogue import Column, Kind, catalogue

ROOT = Path(__file__).resolve().parent.parent
NOTE = (
    "<!-- Written by docs/generate.py; change the contract or the samples, then run make docs. -->"
)
SAMPLES = (
    ("The collector", "headroom collector --config FILE", "collector.toml"),
    ("The inventory", "headroom collector --inventory FILE", "inventory.toml"),
    ("Management controllers", 'bmcs = "FILE"', "bmcs.toml"),
    ("Prices of the estate", 'estate = "FILE"', "estate.toml"),
    ("The agent", "headroom-agent --config FILE", "agent.toml"),
)


def metric_row(column: Column) -> str:
    """Return one line of a table of metrics."""
    labels = ", ".join(f'{name}="{value}"' for name, value in column.labels)
    shown = f"{{{labels}}}" if labels else ""
    return f"| `{column.metric}{shown}` | {column.type} | {column.unit} | {column.help} |"


def kind_section(kind: Kind) -> Iterator[str]:
    """Yield the lines about one kind of sample."""
    yield f"## {kind.name}: {kind.help[0].lower()}{kind.help[1:]}"
    yield ""
    made = "by the collector itself" if kind.producer == "collector" else "by the agent"
    rolled = "; rolled up to 5-minute values" if kind.rolled_up else ""
    yield f"Made {made}{rolled}. View in the store: `{kind.name}_sample`."
    yield ""
    for label in kind.labels:
        where = " (in the API; no label of a series)" if label.told else ""
        yield f"- label `{label.name}`: {label.help}{where}"
    if kind.labels:
        yield ""
    yield "| metric | type | unit | meaning |"
    yield "|---|---|---|---|"
    yield from (metric_row(column) for column in kind.columns if column.metric)
    yield ""
    for column in kind.columns:
        if not column.metric:
            yield f"Stored beside them, and no metric: `{column.field}`, {column.help}."
            yield ""


def metrics() -> str:
    """Return the page of all metrics."""
    lines = [
        "# Metrics",
        "",
        NOTE,
        "",
        "Every value that Headroom knows, read off the contract. Units are base units, ratios go",
        "from 0 to 1. A value that could not be read is absent, never 0. Metrics of hosts carry the",
        'labels `host`, `site`, `cluster` and `class`, and `simulated="true"` where the host is made',
        "up; `/metrics/fleet` shows them, `/metrics` the collector's own and the clusters'.",
        "",
    ]
    for kind in catalogue().kinds:
        lines += kind_section(kind)
    return "\n".join(lines).rstrip() + "\n"


def configuration() -> str:
    """Return the page of all settings: the sample files, which say what each key means."""
    lines = ["# Configuration", "", NOTE, ""]
    for title, command, name in SAMPLES:
        text = (ROOT / "deploy" / "config" / name).read_text(encoding="utf-8")
        lines += [f"## {title}", "", f"`{command}`; this is `deploy/config/{name}`.", ""]
        lines += ["```toml", text.rstrip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write or check the pages; returns the exit status for the shell."""
    stale = []
    pages = {
        "metrics.md": metrics(),
        "configuration.md": configuration(),
        "command-line.md": command_line(make()),
    }
    for name, text in pages.items():
        path = ROOT / "docs" / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"docs/{', docs/'.join(stale)}: not what the code gives; run make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
