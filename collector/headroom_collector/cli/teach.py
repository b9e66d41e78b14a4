"""What the help of each command teaches beyond its options: examples, and what the exit status says."""

from collections.abc import Mapping

import typer

EXIT = (
    "Exit status: 0 done; 1 something to mend, said in one line on standard error; 2 the command"
    " was spelt wrong; 130 interrupted."
)
EXAMPLES: Mapping[str, str] = {
    "waste": "headroom waste --limit 10",
    "forecast": "headroom forecast --json",
    "hosts": "headroom hosts --site paris --sort=-cpu",
    "hosts retire": "headroom hosts retire web-07 --reason 'switched off on Monday'",
    "hosts restore": "headroom hosts restore web-07",
    "hosts maintenance": "headroom hosts maintenance web-07 --until 4h --reason firmware",
    "hosts rename": "headroom hosts rename web-07 web-07.paris",
    "hosts reload": "headroom hosts reload",
    "alerts": "headroom alerts --history --limit 20",
    "alerts silences": "headroom alerts silences --json",
    "alerts unsilence": "headroom alerts unsilence 3f1c9a5b7e21",
    "alerts ack": "headroom alerts ack HostAboveCeiling web-07",
    "plans": "headroom plans --json",
    "plans show": "headroom plans show 2ca7a5ec9b5a",
    "plans compare": "headroom plans compare 2ca7a5ec9b5a 9be1f0a4d6c3",
    "config": "headroom config check /etc/headroom/collector.toml",
    "store": "headroom store backup /var/backups/headroom",
    "certificate": "headroom certificate list",
    "enrol-token": "headroom enrol-token create --host web-07 --ttl 1h",
    "token": "headroom token create --name grafana --role read",
    "dashboards": "headroom dashboards generate --help",
    "dashboards generate": "headroom dashboards generate --check",
    "dashboards rules": "headroom dashboards rules --help",
    "grafana": "headroom grafana provision --help",
    "grafana export": "headroom grafana export --help",
}
"""By the command's path, for those whose own text has none."""


def _taught(path: str, text: str | None) -> str | None:
    example = EXAMPLES.get(path)
    return text if example is None else f"Example: {example}"


def teach(app: typer.Typer, path: str = "") -> typer.Typer:
    """Give every command below ``app`` its example; returns ``app``."""
    for command in app.registered_commands:
        name = command.name or (
            command.callback.__name__.replace("_", "-") if command.callback else ""
        )
        command.epilog = _taught(f"{path} {name}".strip(), command.epilog)
    for group in app.registered_groups:
        name = f"{path} {group.name or ''}".strip()
        group.epilog = _taught(name, group.epilog if isinstance(group.epilog, str) else None)
        if group.typer_instance is not None:
            teach(group.typer_instance, name)
    return app
