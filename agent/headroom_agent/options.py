"""Options of the command line and the environment, one table for both, over the TOML file."""

import argparse
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headroom_agent.config import AgentConfig
from headroom_core.settings import SettingsError, load, read

PREFIX = "HEADROOM_AGENT_"
COMMANDS = ("doctor", "enrol", "renew")


@dataclass(frozen=True, slots=True)
class Option:
    """
    One setting that a flag and a variable can give.

    ``key`` is its dotted key in the TOML file; ``HEADROOM_AGENT_`` and the flag in capitals is its
    variable.
    """

    flag: str
    key: str
    metavar: str
    help: str
    convert: Callable[[str], Any] = str

    @property
    def variable(self) -> str:
        """Name in the environment."""
        return PREFIX + self.flag.removeprefix("--").replace("-", "_").upper()


OPTIONS = (
    Option("--collector", "collector", "HOST:PORT", "the collector's gRPC address"),
    Option("--interval", "interval_seconds", "SECONDS", "seconds between two cycles", float),
    Option(
        "--freshness",
        "freshness_seconds",
        "SECONDS",
        "longest that a cycle waits to share a message with later ones",
        float,
    ),
    Option("--procfs", "procfs", "PATH", "where the host's procfs is mounted"),
    Option("--sysfs", "sysfs", "PATH", "where the host's sysfs is mounted"),
    Option("--etc", "etc", "PATH", "where the host's /etc is (machine-id, os-release)"),
    Option(
        "--libvirt-uri", "libvirt_uri", "URI", "the hypervisor; found by itself when not given"
    ),
    Option("--transport", "transport", "h2|grpcio", "the client that carries the stream"),
    Option("--spool", "spool.path", "FILE", "where batches wait for the collector"),
    Option("--tls", "tls.folder", "DIR", "folder with ca.pem, cert.pem and key.pem"),
    Option("--ca", "tls.ca", "FILE", "certificate of the CA that signed the collector's"),
    Option("--cert", "tls.cert", "FILE", "this host's certificate"),
    Option("--key", "tls.key", "FILE", "this host's key"),
    Option("--site", "hints.site", "NAME", "hint: the site that the host stands in"),
    Option("--cluster", "hints.cluster", "NAME", "hint: the cluster that it belongs to"),
    Option("--class", "hints.host_class", "NAME", "hint: its class"),
)


def parser() -> argparse.ArgumentParser:
    """Make the command line's parser."""
    made = argparse.ArgumentParser(
        prog="headroom-agent",
        description="Reads this host and hands what it read to a Headroom collector.",
        epilog=f"Every option can be given as a variable, too: --collector as {PREFIX}COLLECTOR.",
        allow_abbrev=False,
    )
    made.add_argument(
        "command",
        nargs="?",
        choices=COMMANDS,
        help="doctor: look for what keeps it from working; enrol: get this host's certificate for "
        "a token; renew: get the next one",
    )
    made.add_argument("--token-file", metavar="FILE", help="enrol: the token's file")
    made.add_argument(
        "--ca-fingerprint", metavar="SHA256", help="enrol: what the token's authority has to be"
    )
    made.add_argument("--name", metavar="NAME", help="enrol: this host's name, if not the token's")
    made.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for option in OPTIONS:
        made.add_argument(option.flag, metavar=option.metavar, dest=option.key, help=option.help)
    made.add_argument("--once", action="store_true", help="print one cycle and exit")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.add_argument(
        "--log-format",
        choices=["logfmt", "json"],
        default="logfmt",
        help="form of the log's lines",
    )
    made.add_argument("--verbose", action="store_true", help="log more")
    made.add_argument("--version", action="store_true", help="print the version and exit")
    return made


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # the TOML file has no table there: reading it says so
        table = inner
    table[last] = value


def _convert(option: Option, text: str, source: str) -> Any:
    try:
        return option.convert(text)
    except ValueError:
        raise SettingsError([f"{source} {text!r}: expected a number"]) from None


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    known = [option.variable for option in OPTIONS] + [f"{PREFIX}CONFIG"]
    lines = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            lines.append(f"environment: unknown variable {name}{hint}")
    return lines


@dataclass(frozen=True, slots=True)
class Start:
    """What a start was asked for; ``warnings`` are lines about unknown keys and variables."""

    config: AgentConfig
    warnings: Sequence[str]
    once: bool = False
    json: bool = False
    verbose: bool = False
    version: bool = False
    command: str = ""
    token_file: str = ""
    ca_fingerprint: str = ""
    name: str = ""
    log_format: str = "logfmt"


def configure(arguments: Sequence[str], environment: Mapping[str, str]) -> Start:
    """
    Read flags, environment and file.

    Raises SettingsError, one line a fault; SystemExit comes from argparse for a wrong flag.
    Unknown keys are warnings: a fleet in the middle of an upgrade has to start.
    """
    flags = vars(parser().parse_args(arguments))
    file = flags["config"] or environment.get(f"{PREFIX}CONFIG")
    table = load(Path(file)) if file else {}
    sources = [file] if file else []
    for option in OPTIONS:
        if option.variable in environment:
            text = environment[option.variable]
            _put(table, option.key, _convert(option, text, option.variable))
            sources.append(option.variable)
        if flags[option.key] is not None:
            _put(table, option.key, _convert(option, flags[option.key], option.flag))
            sources.append(option.flag)
    config, unknown = read(AgentConfig, table, ", ".join(sources) or "settings")
    return Start(
        config=config,
        warnings=unknown + _unknown_variables(environment),
        once=flags["once"],
        json=flags["json"],
        verbose=flags["verbose"],
        version=flags["version"],
        command=flags["command"] or "",
        token_file=flags["token_file"] or "",
        ca_fingerprint=flags["ca_fingerprint"] or "",
        name=flags["name"] or "",
        log_format=flags["log_format"],
    )
