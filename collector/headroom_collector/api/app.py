"""The HTTP application: every route, its errors and its headers."""

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headroom_collector.api import admin as admin_routes
from headroom_collector.api import (
    alerts,
    discovery,
    energy,
    forecast,
    headroom,
    health,
    hosts,
    latest,
    metrics,
    plans,
    prometheus,
    prometheus_rules,
    refresh,
    runbooks,
    security_admin,
    storage,
    vms,
    waste,
)
from headroom_collector.api.errors import add_errors
from headroom_collector.api.prometheus_calls import Gate
from headroom_collector.api.services import Services
from headroom_collector.prefix import prefix_of
from headroom_collector.web.routes import router as web_router

CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""A page uses nothing but what the collector itself serves, and no script that is written into it."""
HEADERS = {
    "Content-Security-Policy": CONTENT,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)


def routers() -> list[APIRouter]:
    """Return the routers that everybody may use."""
    return [
        health.router,
        hosts.router,
        discovery.router,
        vms.router,
        latest.router,
        alerts.router,
        headroom.router,
        energy.router,
        waste.router,
        forecast.router,
        refresh.router,
        plans.router,
        metrics.router,
        prometheus.router,
        prometheus_rules.router,
        runbooks.router,
        web_router,
    ]


def make_app(services: Services, *, admin: bool, store: bool = False) -> FastAPI:
    """
    Return the application.

    ``admin``: with what only administrators may do; ``store``: with what writes files, too, which
    is for the admin socket alone.
    """
    app = FastAPI(
        title="Headroom",
        summary="How many of your x86 servers you really need",
        version=services.version,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the documentation page would load scripts from elsewhere
        redoc_url=None,
        servers=[{"url": prefix_of(services.config.web.external_url) or "/"}],
    )
    app.state.services = services
    app.state.registry = metrics.own_registry(services)
    app.state.gate = Gate(services.clock.monotonic)
    add_errors(app)
    app.add_middleware(SecurityHeaders)
    more = [admin_routes.router, security_admin.router] if admin else []
    more += [storage.router] if store else []
    for router in [*routers(), *more]:
        app.include_router(router)
    return app
