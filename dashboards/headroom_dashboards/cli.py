"""``headroom dashboards``: write the dashboards as files for Grafana, or check that they are in step."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headroom_core.ceiling import DEFAULT_RATIO, Ceiling
from headroom_core.rules import CeilingRule
from headroom_core.settings import SettingsError
from headroom_dashboards.folder import differences, write

FOLDER = Path("dashboards/generated")
RULES = FOLDER / "rules"

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
    made = pages(ceiling, CeilingRule()).items()
    return {f"{name}.json": to_json(page, how, words) for name, page in made}


def rule_files(config: Path | None) -> dict[str, str]:
    """Return the rule files by name; raises SettingsError for a configuration that cannot be read."""
    from headroom_dashboards.rules import file, settings, trials  # noqa: PLC0415  # yaml is an extra

    wanted = settings.wanted(config)
    made = file.groups(wanted.rules, wanted.ceiling)
    texts = {f"{engine.value}.yml": file.text(made, engine) for engine in file.Engine}
    first = f"{file.Engine.PROMETHEUS.value}.yml"
    for name, slowly in (("quick.test.yml", False), ("slow.test.yml", True)):
        texts[name] = trials.text(wanted.rules, wanted.ceiling, made, first, slowly=slowly)
    return texts


def refuse(line: str) -> typer.Exit:
    """Say what is wrong in a line, and return what ends the command."""
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
        raise refuse(str(error)) from None
    except ModuleNotFoundError as error:
        raise refuse(
            f"{str(error.name).partition('.')[0]} is not installed: pip install 'headroom[dashboards]'"
        ) from None
    _put(wanted, out, check=check, command="generate")


def _put(wanted: dict[str, str], out: Path, *, check: bool, command: str) -> None:
    """Write the files and say so, or fail where one is not in step."""
    try:
        if check:
            lines = differences(wanted, out)
        else:
            write(wanted, out)
            lines = []
    except OSError as error:
        raise refuse(
            f"{out} cannot be used: {error.strerror}; choose another with --out"
        ) from None
    if lines:
        for line in lines:
            typer.echo(f"headroom: {line}", err=True)
        raise refuse(f"run `headroom dashboards {command}` and commit what it writes")
    for name in wanted:
        typer.echo(f"{out / name} is in step" if check else f"wrote {out / name}")


@app.command()
def rules(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = RULES,
    config: Annotated[
        Path | None,
        typer.Option(help="Configuration of the collector, for its ceiling and rules."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where a file is not in step.")
    ] = False,
) -> None:
    """
    Write recording and alerting rules for Prometheus, vmalert and Mimir, with promtool's tests.

    They are made from the rules that the collector itself alerts by. Where both run, send only one
    of them to people.
    """
    try:
        wanted = rule_files(config)
    except (SettingsError, ValueError) as error:
        raise refuse(str(error)) from None
    _put(wanted, out, check=check, command="rules")
