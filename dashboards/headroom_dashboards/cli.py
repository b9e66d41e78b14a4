"""``headroom dashboards``: write the dashboards as files for Grafana, or check that they are in step."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headroom_core.ceiling import DEFAULT_RATIO, Ceiling
from headroom_core.rules import Rule

FOLDER = Path("dashboards/generated")

app = typer.Typer(help="Dashboards for Grafana.", no_args_is_help=True)


@app.callback()
def top() -> None:
    """Dashboards for Grafana."""


class FlavourName(StrEnum):
    """Languages of time series that dashboards can be written in."""

    PROMQL = "promql"
    INFLUXQL = "influxql"


def files(
    ceiling: Ceiling, flavour: FlavourName = FlavourName.PROMQL, language: str = "en"
) -> dict[str, str]:
    """Return every dashboard's text by the name of its file; ModuleNotFoundError without the extra."""
    # grafanalib is an extra, and a command line without it has its other commands all the same.
    from headroom_dashboards.catalogue import flavours, pages, texts  # noqa: PLC0415  # see above
    from headroom_dashboards.frame import to_json  # noqa: PLC0415  # see above

    how, words = flavours()[flavour.value], texts(language)
    made = pages(ceiling, Rule()).items()
    return {f"{name}.json": to_json(page, how, words) for name, page in made}


def differences(wanted: dict[str, str], folder: Path) -> list[str]:
    """Return one line for each file that is missing, differs or should not be there."""
    lines = []
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{path} is missing")
        elif path.read_text(encoding="utf-8") != text:
            lines.append(f"{path} differs from what the code makes")
    known = {path.name for path in folder.glob("*.json")}
    lines += [f"{folder / name} is made by nothing" for name in sorted(known - set(wanted))]
    return lines


def write(wanted: dict[str, str], folder: Path) -> None:
    """Write the files, each whole or not at all; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        half = folder / f".{name}.{os.getpid()}"
        half.write_text(text, encoding="utf-8")
        half.replace(folder / name)


def _refuse(line: str) -> typer.Exit:
    typer.echo(f"headroom: {line}", err=True)
    return typer.Exit(1)


@app.command()
def generate(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = FOLDER,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a file is not in step.")
    ] = False,
    ceiling: Annotated[
        float, typer.Option(help="Ceiling that the thresholds are drawn at, a ratio.")
    ] = DEFAULT_RATIO,
    flavour: Annotated[
        FlavourName,
        typer.Option(help="promql for Prometheus' API, influxql for InfluxDB 1.x, 2.x and 3."),
    ] = FlavourName.PROMQL,
    language: Annotated[str, typer.Option(help="Language of the texts: en or fr.")] = "en",
) -> None:
    """Write the dashboards as JSON files that Grafana imports or provisions."""
    try:
        wanted = files(Ceiling(ceiling), flavour, language)
    except ValueError as error:
        raise _refuse(str(error)) from None
    except ModuleNotFoundError as error:
        raise _refuse(
            f"{str(error.name).partition('.')[0]} is not installed: pip install 'headroom[dashboards]'"
        ) from None
    try:
        if check:
            lines = differences(wanted, out)
        else:
            write(wanted, out)
            lines = []
    except OSError as error:
        raise _refuse(
            f"{out} cannot be used: {error.strerror}; choose another with --out"
        ) from None
    if lines:
        for line in lines:
            typer.echo(f"headroom: {line}", err=True)
        raise _refuse("run `headroom dashboards generate` and commit what it writes")
    for name in wanted:
        typer.echo(f"{out / name} is in step" if check else f"wrote {out / name}")
