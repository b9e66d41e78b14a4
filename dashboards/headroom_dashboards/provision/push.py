"""Grafana's HTTP API: everything is made or brought up to date; what is right already is left alone."""

from collections.abc import Iterator
from typing import Any

import httpx

from headroom_dashboards.provision.parts import (
    Json,
    Wanted,
    contact_points,
    dashboards,
    datasource,
    folder,
)

OWN = frozenset({"id", "version"})
"""What Grafana itself adds to a dashboard."""
EDITABLE = {"X-Disable-Provenance": "true"}


class PushError(Exception):
    """Grafana could not be used; the text is one line for the one who asked."""


class Grafana:
    """One Grafana's API. ``client`` has its address and the token."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Return the answer's JSON, None for 404; raises PushError."""
        where = f"{str(self._client.base_url).rstrip('/')}{path}"
        try:
            answer = self._client.request(method, path, json=body, **more)
        except httpx.HTTPError as error:
            raise PushError(
                f"{where}: no answer ({error}): is this the address of Grafana?"
            ) from None
        if answer.status_code == 404:
            return None
        if answer.status_code in {401, 403}:
            raise PushError(
                f"{where}: {answer.status_code}: the token is not enough; make one for a service"
                " account with the role Admin and name its file with --token-file"
            )
        if not answer.is_success:
            raise PushError(f"{where}: {answer.status_code}: {_said(answer)}")
        return answer.json() if answer.content else {}


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(answer.text.split())[:200]


def push(grafana: Grafana, wanted: Wanted) -> Iterator[str]:
    """Bring everything up to date and yield a line for each thing; raises PushError."""
    yield _datasource(grafana, datasource(wanted))
    yield _folder(grafana, folder(wanted))
    for body in dashboards(wanted).values():
        yield _dashboard(grafana, body, wanted.uid)
    for point in contact_points(wanted):
        yield _contact(grafana, point)


def _same(found: Json, wanted: Json) -> bool:
    """Return whether everything that is wanted is there as it is wanted."""
    return all(
        _same(found[key], value)
        if isinstance(value, dict) and isinstance(found.get(key), dict)
        else found.get(key) == value
        for key, value in wanted.items()
    )


def _datasource(grafana: Grafana, wanted: Json) -> str:
    path = f"/api/datasources/uid/{wanted['uid']}"
    found = grafana.call("GET", path)
    if found is None:
        grafana.call("POST", "/api/datasources", wanted)
        return f"data source {wanted['name']}: made"
    # A secret is never shown, so whether it is the same one cannot be known.
    if _same(found, wanted):
        return f"data source {wanted['name']}: unchanged"
    grafana.call("PUT", path, wanted)
    return f"data source {wanted['name']}: brought up to date"


def _folder(grafana: Grafana, wanted: Json) -> str:
    if grafana.call("GET", f"/api/folders/{wanted['uid']}") is not None:
        return f"folder {wanted['title']}: unchanged"
    grafana.call("POST", "/api/folders", wanted)
    return f"folder {wanted['title']}: made"


def _dashboard(grafana: Grafana, wanted: Json, folder_uid: str) -> str:
    found = grafana.call("GET", f"/api/dashboards/uid/{wanted['uid']}")
    if found is not None and (
        _plain(found["dashboard"]) == _plain(wanted)
        and found.get("meta", {}).get("folderUid") == folder_uid
    ):
        return f"dashboard {wanted['title']}: unchanged"
    body = {
        "dashboard": wanted,
        "folderUid": folder_uid,
        "overwrite": True,
        "message": "headroom grafana provision",
    }
    grafana.call("POST", "/api/dashboards/db", body)
    return f"dashboard {wanted['title']}: {'made' if found is None else 'brought up to date'}"


def _plain(dashboard: Json) -> Json:
    return {key: value for key, value in dashboard.items() if key not in OWN}


def _contact(grafana: Grafana, wanted: Json) -> str:
    path = "/api/v1/provisioning/contact-points"
    known = grafana.call("GET", path) or []
    found = next((point for point in known if point["uid"] == wanted["uid"]), None)
    if found is None:
        grafana.call("POST", path, wanted, headers=EDITABLE)
        return f"contact point {wanted['name']}: made"
    if _same(found, wanted):
        return f"contact point {wanted['name']}: unchanged"
    grafana.call("PUT", f"{path}/{wanted['uid']}", wanted, headers=EDITABLE)
    return f"contact point {wanted['name']}: brought up to date"
