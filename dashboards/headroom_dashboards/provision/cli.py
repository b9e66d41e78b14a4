"""``headroom grafana``: make a Grafana show the dashboards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headroom_core.ceiling import DEFAULT_RATIO, Ceiling
from headroom_dashboards.cli import FlavourName, refuse
from headroom_dashboards.folder import write

if TYPE_CHECKING:
    from headroom_dashboards.provision.parts import Wanted

PROMETHEUS = "http://127.0.0.1:9441/prometheus"
INFLUX = "http://127.0.0.1:8086"
TIMEOUT_SECONDS = 30.0

app = typer.Typer(
    help="Data source, dashboards and contact point for Grafana.", no_args_is_help=True
)

Flavour = Annotated[
    FlavourName, typer.Option(help="promql for Prometheus' API, influxql for InfluxDB.")
]
Language = Annotated[str, typer.Option(help="Language of the texts: en or fr.")]
At = Annotated[
    float, typer.Option("--ceiling", help="Ceiling that thresholds are drawn at, a ratio.")
]


@app.callback()
def top() -> None:
    """Make a Grafana show the dashboards."""


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None


@app.command()
def provision(
    *,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Grafana's provisioning folder, to write files to."),
    ] = None,
    seen_as: Annotated[
        Path | None, typer.Option(help="That folder as Grafana sees it, where that differs.")
    ] = None,
    push: Annotated[
        str | None, typer.Option(help="Address of a Grafana, to use its HTTP API instead.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with a token of a service account, for --push.")
    ] = None,
    url: Annotated[
        str,
        typer.Option(help="The data source, as Grafana reaches it; default: a collector here."),
    ] = "",
    source_token_file: Annotated[
        Path | None, typer.Option(help="File with the token that the data source asks for.")
    ] = None,
    database: Annotated[str, typer.Option(help="Database or bucket, for influxql.")] = "headroom",
    contact: Annotated[
        str, typer.Option(help="URL of a webhook, as contact point for Grafana's own alerts.")
    ] = "",
    flavour: Flavour = FlavourName.PROMQL,
    language: Language = "en",
    ceiling: At = DEFAULT_RATIO,
) -> None:
    """
    Bring data source, folder, dashboards and contact point to a Grafana.

    Examples: headroom grafana provision --dir /etc/grafana/provisioning;
    headroom grafana provision --push http://127.0.0.1:3000 --token-file token
    """
    if (folder is None) == (push is None):
        raise refuse("expected either --dir FOLDER or --push URL")
    from headroom_dashboards.provision.parts import Wanted  # noqa: PLC0415  # grafanalib is an extra

    secret = ""
    if source_token_file is not None:
        token = _read(source_token_file) if push else f"$__file{{{source_token_file}}}"
        secret = f"{'Bearer' if flavour is FlavourName.PROMQL else 'Token'} {token}"
    try:
        wanted = Wanted(
            url=url or (PROMETHEUS if flavour is FlavourName.PROMQL else INFLUX),
            flavour=flavour.value,
            language=language,
            ceiling=Ceiling(ceiling),
            database=database,
            secret=secret,
            contact=contact,
        )
        if folder is not None:
            _write(wanted, folder, seen_as or folder.absolute())
        elif push is not None:
            _push(wanted, push, token_file)
    except ValueError as error:
        raise refuse(str(error)) from None


def _write(wanted: "Wanted", folder: Path, seen_as: Path) -> None:
    from headroom_dashboards.provision.files import provisioning  # noqa: PLC0415  # an extra

    made = provisioning(wanted, seen_as)
    try:
        for name, text in made.items():
            write({Path(name).name: text}, (folder / name).parent)
    except OSError as error:
        raise refuse(
            f"{folder} cannot be written: {error.strerror}; choose another --dir"
        ) from None
    for name in made:
        typer.echo(f"wrote {folder / name}")
    if not wanted.contact:
        typer.echo("no contact point: --contact URL makes one for Grafana's own alerts")


def _push(wanted: "Wanted", url: str, token_file: Path | None) -> None:
    import httpx  # noqa: PLC0415  # an extra

    from headroom_dashboards.provision.push import Grafana, PushError  # noqa: PLC0415  # an extra
    from headroom_dashboards.provision.push import push as pushed  # noqa: PLC0415  # an extra

    if not url.startswith(("http://", "https://")):
        raise refuse(f"--push {url}: expected a URL such as http://127.0.0.1:3000")
    if token_file is None:
        raise refuse("--push needs --token-file: a token of a service account with the role Admin")
    headers = {"Authorization": f"Bearer {_read(token_file)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        try:
            for line in pushed(Grafana(client), wanted):
                typer.echo(line)
        except PushError as error:
            raise refuse(str(error)) from None


@app.command()
def export(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    flavour: Flavour = FlavourName.PROMQL,
    language: Language = "en",
    ceiling: At = DEFAULT_RATIO,
) -> None:
    """Write the dashboards in the form that grafana.com takes, with __inputs and __requires."""
    from headroom_dashboards.provision.parts import Wanted  # noqa: PLC0415  # grafanalib is an extra
    from headroom_dashboards.provision.share import shared  # noqa: PLC0415  # the same

    try:
        wanted = Wanted("", flavour.value, language, Ceiling(ceiling))
        made = {
            name: json.dumps(body, indent=2, ensure_ascii=False) + "\n"
            for name, body in shared(wanted).items()
        }
        write(made, out)
    except ValueError as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"{out} cannot be written: {error.strerror}; choose another --out") from None
    for name in made:
        typer.echo(f"wrote {out / name}")
