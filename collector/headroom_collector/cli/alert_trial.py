"""``headroom alerts test``: replays history against a rule and shows when it would have paged."""

import csv
import json
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.replay import Episode, replay
from headroom_collector.cli.client import CliError, client
from headroom_core.ceiling import DEFAULT_RATIO
from headroom_core.rules import ALL_SHIPPED, Override, Rule
from headroom_core.settings import SettingsError, read


def changes_of(texts: list[str]) -> dict[str, Any]:
    """Return KEY=VALUE texts as a table, values as TOML; raises CliError."""
    found: dict[str, Any] = {}
    for text in texts:
        key, _, value = text.partition("=")
        try:
            found |= tomllib.loads(f"{key.strip()} = {value.strip()}")
        except tomllib.TOMLDecodeError:
            raise CliError(f"--set {text}: expected KEY=VALUE such as hold_seconds=300") from None
    return found


def rule_of(name: str, changes: dict[str, Any]) -> Rule:
    """Return a shipped rule with changes, for a file; raises CliError."""
    known = {rule.name: rule for rule in ALL_SHIPPED}
    if name not in known:
        raise CliError(f"no rule {name!r} ships: expected {', '.join(known)}")
    try:
        override, unknown = read(Override, changes, "--set")
        if unknown:
            raise CliError("\n".join(unknown))
        return override.over(known[name])
    except SettingsError as error:
        raise CliError(str(error)) from None
    except ValueError as error:
        raise CliError(f"--set: {error}") from None


def series_of(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Read a CSV file with the columns time, value and, optionally, host; raises CliError."""
    found: dict[str, list[tuple[int, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    sample = (_nanoseconds(row["time"]), float(row["value"]))
                except (KeyError, TypeError, ValueError):
                    raise CliError(
                        f"{path}, line {number}: expected the columns time (RFC 3339 or seconds"
                        " since 1970), value (a number) and, optionally, host"
                    ) from None
                found.setdefault(row.get("host") or "host", []).append(sample)
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: cannot be read: {error}") from None
    return {host: sorted(series) for host, series in found.items()}


def _nanoseconds(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return round(seconds * SECOND)


def _of_file(path: Path, rule: Rule, level: float) -> list[dict[str, Any]]:
    limit = level if rule.threshold is None else rule.threshold
    found = [
        one
        for host, series in series_of(path).items()
        for one in replay(rule, host, series, limit)
    ]
    return [_shown(one) for one in sorted(found, key=lambda one: (one.fired, one.host))]


def _shown(one: Episode) -> dict[str, Any]:
    return {
        "host": one.host,
        "started": _text(one.started),
        "fired": _text(one.fired),
        "resolved": None if one.resolved is None else _text(one.resolved),
        "peak": one.peak,
    }


def _text(time: int) -> str:
    return datetime.fromtimestamp(time / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def trial(
    rule: Annotated[str, typer.Argument(help="Name of the rule.")] = "HostAboveCeiling",
    *,
    file: Annotated[
        Path | None, typer.Option(help="CSV with time, value and host, instead of the store.")
    ] = None,
    level: Annotated[float, typer.Option(help="Ceiling, for a file.")] = DEFAULT_RATIO,
    days: Annotated[float, typer.Option(min=0.01, max=366, help="How far back.")] = 1.0,
    host: Annotated[list[str] | None, typer.Option(help="Only these hosts.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Try KEY=VALUE of the rule instead.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """
    Replay history against a rule, as it is or changed, and show when it would have paged.

    Example: headroom alerts test HostAboveCeiling --days 7 --set hold_seconds=300
    """
    changes = changes_of(change or [])
    if file is not None:
        found = _of_file(file, rule_of(rule, changes), level)
    else:
        since = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        wish = {"rule": rule, "since": since, "hosts": host or [], "changes": changes}
        with client(data) as http:
            found = http.post("/admin/alerts/test", json=wish).json()
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _print(rule, found)


def _print(rule: str, found: Iterable[dict[str, Any]]) -> None:
    pages = list(found)
    console = Console()
    if not pages:
        console.print(f"{escape(rule)} would not have paged.")
        return
    table = Table("Host", "Over since", "Paged", "Resolved", "Peak", header_style="bold")
    for one in pages:
        peak = "-" if one["peak"] is None else f"{one['peak']:.4g}"
        resolved = one["resolved"] or "still fires"
        table.add_row(escape(one["host"]), one["started"], one["fired"], resolved, peak)
    console.print(table)
    console.print(f"{escape(rule)} would have paged {len(pages)} times.")
