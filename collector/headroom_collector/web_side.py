"""The HTTP side on TCP: who is let in, and where it may listen at all."""

import ssl
from dataclasses import dataclass

from starlette.types import ASGIApp

from headroom_collector.config import CollectorConfig
from headroom_collector.http import HttpError, is_loopback
from headroom_collector.prefix import Prefix, prefix_of
from headroom_collector.security.access import Access, FindToken
from headroom_collector.security.audit import Audit
from headroom_collector.security.guard import Guard, host_of
from headroom_collector.security.webfile import WebFile, WebFileError


@dataclass(frozen=True, slots=True)
class WebSide:
    """How the application on TCP is guarded; ``context`` is that of TLS, None without it."""

    web: WebFile
    access: Access
    audit: Audit
    names: frozenset[str] | None
    prefix: str = ""
    """Path that a reverse proxy puts before every route."""

    @property
    def asks(self) -> bool:
        """Whether everybody has to say who they are."""
        return self.names is None

    @property
    def context(self) -> ssl.SSLContext | None:
        """What connections are made with; None where they are plain."""
        return self.web.context()

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application behind its guard."""
        guarded = Guard(app, self.access, self.web, self.audit, self.names)
        return Prefix(guarded, self.prefix)


def web_side(config: CollectorConfig, find_token: FindToken, audit: Audit) -> WebSide:
    """
    Return the guard of the HTTP side. Raises HttpError in one line.

    An address that other machines reach needs TLS and authentication, both.
    """
    settings = config.http
    try:
        web = WebFile(settings.web_config)
    except WebFileError as error:
        raise HttpError(str(error)) from None
    access = Access(settings, web, find_token)
    address = config.listen.http
    if not is_loopback(address):
        missing = []
        if web.current().tls is None:
            missing.append("TLS (tls_server_config in the file that [http] web_config names)")
        if not access.asks():
            missing.append(
                "authentication (basic_auth_users there, or [http] authenticate = true for tokens)"
            )
        if missing:
            raise HttpError(
                f"HTTP address {address} can be reached from other machines, which needs"
                f" {' and '.join(missing)}; or listen on loopback, such as 127.0.0.1:9441, with a"
                " proxy in front: docs/security.md"
            )
    names = (
        None
        if access.asks()
        else frozenset(
            {
                *settings.names,
                host_of(config.alerts.external_url),
                host_of(config.web.external_url),
            }
        )
    )
    return WebSide(web, access, audit, names, prefix_of(config.web.external_url))
