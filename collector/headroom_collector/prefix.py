"""The path that a reverse proxy puts before every route, taken off again where the proxy did not."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


def prefix_of(external_url: str) -> str:
    """Return the path of an address without its last slash; empty at the root."""
    return urlsplit(external_url).path.rstrip("/")


class Prefix:
    """
    Takes the prefix off a request's path before anybody looks at it.

    It stands outermost: who is let in where is decided by the path that a route has.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        path = scope.get("path", "")
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            short = path.removeprefix(self._prefix) or "/"
            scope = {**scope, "path": short, "raw_path": short.encode()}
        await self._app(scope, receive, send)
