"""The command line's way to a running collector: HTTP over its admin socket."""

import os
from pathlib import Path

import httpx

SOCKET = "admin.sock"
SERVICE = Path("/var/lib/headroom")
"""The data folder of a collector that systemd runs."""


class CliError(Exception):
    """What a command tells its user in one line before it exits with status 1."""


def default_data() -> Path:
    """
    Return the data folder where none is named.

    HEADROOM_DATA, else the XDG state folder, so that commands find what ``headroom up`` began; the
    service's where there is no such folder and this user can look into that one.
    """
    named = os.environ.get("HEADROOM_DATA")
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    own = Path(state) / "headroom"
    return SERVICE if not own.exists() and os.access(SERVICE, os.X_OK) else own


def check(response: httpx.Response) -> None:
    """Raise CliError with the collector's own words where it answered with an error."""
    if response.is_success:
        return
    response.read()
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text[:200]
    raise CliError(f"the collector says: {detail}")


def client(data: Path | None = None) -> httpx.Client:
    """
    Return a client of the collector whose data folder this is.

    Its requests raise CliError where no collector answers or where it answers with an error.
    """
    folder = data or default_data()
    socket = folder / SOCKET
    hint = f"start one with `headroom up --data {folder}`, or name another folder with --data"
    if not socket.exists():
        raise CliError(f"no collector runs with the data folder {folder}: {hint}")
    return _Client(
        transport=httpx.HTTPTransport(uds=str(socket)),
        base_url="http://headroom",
        timeout=60.0,
        event_hooks={"response": [check]},
        hint=hint,
    )


class _Client(httpx.Client):
    """A client whose failures to connect are the user's to mend, said in one line."""

    def __init__(self, *, hint: str, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # httpx's own keywords, passed on
        self._hint = hint

    def send(self, request: httpx.Request, **options: object) -> httpx.Response:
        """Send; raises CliError where no collector answers."""
        try:
            return super().send(request, **options)  # type: ignore[arg-type]  # passed on
        except httpx.TransportError as error:
            raise CliError(f"the collector does not answer ({error}): {self._hint}") from None
