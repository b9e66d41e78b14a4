"""Settings of the page: under which address people reach it, and where their Grafana is."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Web:
    """Addresses as people's browsers see them; empty where there is none."""

    external_url: str = ""
    """Address of the page behind a reverse proxy, with the path that the proxy puts before it."""
    grafana_url: str = ""
    """Address of the Grafana that has Headroom's dashboards."""

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL; raises ValueError."""
        for name in ("external_url", "grafana_url"):
            url = getattr(self, name)
            parts = urlsplit(url)
            if url and (parts.scheme not in {"http", "https"} or not parts.netloc):
                raise ValueError(f"{name} = {url!r}: expected http://... or https://...")
            if parts.query or parts.fragment:
                raise ValueError(f"{name} = {url!r}: expected no ? and no #")
