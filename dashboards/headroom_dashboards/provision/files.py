"""Files for Grafana's provisioning folder, such as /etc/grafana/provisioning."""

import json
from pathlib import Path
from typing import Any

import yaml

from headroom_dashboards.provision.parts import (
    Wanted,
    contact_points,
    dashboards,
    datasource,
    folder,
)

HEADER = "# Made by `headroom grafana provision`.\n"
RELOAD_SECONDS = 30


def _yaml(body: dict[str, Any]) -> str:
    return HEADER + yaml.safe_dump({"apiVersion": 1, **body}, sort_keys=False, width=100)


def provisioning(wanted: Wanted, seen_as: Path) -> dict[str, str]:
    """
    Return the texts of all files by their path below the provisioning folder.

    ``seen_as`` is that folder as Grafana sees it, in a container for instance.
    """
    place, name = folder(wanted), wanted.uid
    provider = {
        "name": wanted.title,
        "folder": place["title"],
        "folderUid": place["uid"],
        "type": "file",
        "allowUiUpdates": True,
        "updateIntervalSeconds": RELOAD_SECONDS,
        "options": {"path": str(seen_as / "dashboards" / name)},
    }
    made = {
        f"datasources/{name}.yaml": _yaml(
            {"datasources": [{**datasource(wanted), "editable": True}]}
        ),
        f"dashboards/{name}.yaml": _yaml({"providers": [provider]}),
    }
    points = [
        {
            "orgId": 1,
            "name": point["name"],
            "receivers": [{key: point[key] for key in ("uid", "type", "settings")}],
        }
        for point in contact_points(wanted)
    ]
    if points:
        made[f"alerting/{name}.yaml"] = _yaml({"contactPoints": points})
    for file, body in dashboards(wanted).items():
        made[f"dashboards/{name}/{file}"] = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    return made
