"""The command line as a page of documentation: docs/command-line.md is written by this."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from headroom_collector.cli.teach import EXIT


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with its path, groups before what is in them."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{path} {name}")


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _option(parameter: Any, context: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    kind = "" if getattr(parameter, "is_flag", False) else f" {_kind(parameter, context)}"
    return f"| {names}{kind} | {_flat(getattr(parameter, 'help', ''))}{_default(parameter)} |"


def _kind(parameter: Any, context: Any) -> str:
    """Return what an option takes, as its own help spells it: a name, or the words it may be."""
    return (
        str(parameter.metavar or parameter.display_type(context)).strip("[]<>").replace("|", ", ")
    )


def _default(parameter: Any) -> str:
    value = parameter.default
    plain = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return f" Default: {value}." if plain and value != "" else ""


def _usage(path: str, command: Any) -> str:
    """Return how a command is spelt: its arguments by name, whether it has options and commands."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    named = [
        (p.metavar or (p.name or "").upper()) if p.required else f"[{(p.name or '').upper()}]"
        for p in arguments
    ]
    more = ["COMMAND"] if getattr(command, "commands", None) else []
    return " ".join([path, "[OPTIONS]", *named, *more])


def section(path: str, command: Any) -> Iterator[str]:
    """Yield the lines about one command."""
    yield f"## {path}"
    yield ""
    text, _, own = re.sub(r"\s+", " ", command.help or "").partition("Example")
    yield text.strip()
    yield ""
    yield "```text"
    yield _usage(path, command)
    yield "```"
    yield ""
    options = [
        p
        for p in command.params
        if p.param_type_name == "option" and not getattr(p, "hidden", False)
    ]
    if options:
        yield "| option | meaning |"
        yield "|---|---|"
        context = typer.Context(command)
        yield from (_option(option, context) for option in options)
        yield ""
    example = own.partition(":")[2] if own else (command.epilog or "").partition(":")[2]
    for one in example.split(";"):
        if one.strip():
            yield f"    {one.strip()}"
    yield ""


def page(app: Any) -> str:
    """Return the whole page."""
    lines = [
        "# The command line",
        "",
        "<!-- Written by docs/generate.py; change the commands, then run make docs. -->",
        "",
        "`headroom` is for the collector's side, `headroom-agent` for a host. Commands find a",
        "running collector through its data folder: `--data`, else `HEADROOM_DATA`, else",
        "`~/.local/state/headroom`.",
        "",
        "Whatever shows something has `--json`: the API's own answer, for programs. Without it",
        "there are tables, with colours on a terminal only (`NO_COLOR` takes them off there, too).",
        "Long work shows its progress on a terminal, on standard error. Errors are one line on",
        "standard error that says what is wrong and what to do.",
        "",
        EXIT,
        "",
        "Completion for bash, zsh, fish and PowerShell: `headroom --install-completion`, or",
        "`headroom --show-completion` to see what that would write.",
        "",
    ]
    command = get_command(app)
    for path, below in walk(command, "headroom"):
        if path != "headroom":
            lines += section(path, below)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"
