"""What every view of the page is given beside its figures: language, links, theme, where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from fastapi import Request

from headroom_collector.api.services import Services
from headroom_collector.prefix import prefix_of
from headroom_collector.web.tongue import Tongue, chosen

LANGUAGE, THEME = "headroom_language", "headroom_theme"
THEMES = ("light", "dark")
VIEWS = (
    ("overview", "/"),
    ("estate", "/hosts"),
    ("plan", "/plan"),
    ("waste", "/waste"),
    ("energy", "/energy"),
    ("alerts", "/alerts"),
    ("agents", "/agents"),
    ("settings", "/settings"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """One request's surroundings. ``path`` is without the prefix, ``query`` what was asked."""

    tongue: Tongue
    prefix: str
    theme: str
    path: str
    query: Mapping[str, str]
    grafana_url: str
    version: str

    def ask(self, name: str) -> str:
        """Return the answer that the address gives to a question; empty where it gives none."""
        return self.query.get(name, "")

    def link(self, path: str, **query: object) -> str:
        """Return the address of a path of ours, right behind the prefix too."""
        asked = {name: str(value) for name, value in query.items() if value not in {None, ""}}
        return self.prefix + path + (f"?{urlencode(asked)}" if asked else "")

    def host(self, name: str) -> str:
        """Return the address of a host's page."""
        return self.link(f"/hosts/{quote(name, safe='')}")

    def vm(self, uuid: str) -> str:
        """Return the address of a virtual machine's page."""
        return self.link(f"/vms/{quote(uuid, safe='')}")

    def here(self, **changes: object) -> str:
        """Return this page's address with other answers to the same questions."""
        return self.link(self.path, **{**self.query, **changes})

    def grafana(self, uid: str, **variables: str) -> str:
        """Return a dashboard's address in Grafana; empty where no Grafana is configured."""
        if not self.grafana_url:
            return ""
        asked = urlencode({f"var-{name}": value for name, value in variables.items()})
        return f"{self.grafana_url.rstrip('/')}/d/{quote(uid, safe='')}" + (
            f"?{asked}" if asked else ""
        )

    def at(self, seconds: float) -> datetime:
        """Return a moment out of seconds since 1970."""
        return datetime.fromtimestamp(seconds, UTC)

    def choose(self, **choice: str) -> str:
        """Return the address that sets the language or the theme and comes back here."""
        back = self.path + (f"?{urlencode(self.query)}" if self.query else "")
        return self.link("/preferences", **choice, to=back)


def site_of(request: Request, given: Services) -> Site:
    """Return the surroundings of a request."""
    web = given.config.web
    prefix = prefix_of(web.external_url)
    path = request.url.path
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        path = path.removeprefix(prefix) or "/"
    theme = request.cookies.get(THEME, "")
    return Site(
        tongue=chosen(
            request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", "")
        ),
        prefix=prefix,
        theme=theme if theme in THEMES else "",
        path=path,
        query=dict(request.query_params),
        grafana_url=web.grafana_url,
        version=given.version,
    )
