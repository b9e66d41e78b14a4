"""Page at ``/``: the estate at a glance, for people on a phone, a laptop or a wall screen."""

from headroom_collector.web.routes import router

__all__ = ["router"]
