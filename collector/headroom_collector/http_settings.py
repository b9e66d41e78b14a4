"""Settings of the HTTP side: TLS and passwords, a proxy in front, and who may do what."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from headroom_collector.roles import Role


def check_role(name: str, text: str) -> None:
    """Refuse what is no role; raises ValueError."""
    if text not in {role.value for role in Role}:
        known = ", ".join(role.value for role in Role)
        raise ValueError(f"{name} = {text!r}: expected {known}")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """
    A reverse proxy that has asked its users who they are, and says so in a header.

    The header counts from these addresses only; empty where there is no such proxy.
    """

    user_header: str = ""
    addresses: tuple[str, ...] = ("127.0.0.1", "::1")

    def __post_init__(self) -> None:
        """Refuse what is no address; raises ValueError."""
        for address in self.addresses:
            try:
                ipaddress.ip_network(address)
            except ValueError:
                raise ValueError(
                    f"addresses: {address!r}: expected an address or a network such as 10.0.0.0/8"
                ) from None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How people and programs are let in over HTTP."""

    web_config: Path | None = None
    """TLS and passwords in the format of Prometheus' exporter-toolkit (web.yml)."""
    authenticate: bool = False
    """Ask everybody for a name or a token, even where web_config has no passwords."""
    default_role: str = "read"
    """What somebody with a password, or named by the proxy, may do."""
    roles: dict[str, str] = field(default_factory=dict)
    """What users may do otherwise, by their names."""
    names: tuple[str, ...] = ()
    """Host names that browsers may call this by, beside those of loopback and external_url."""
    proxy: ProxySettings = field(default_factory=ProxySettings)

    def __post_init__(self) -> None:
        """Refuse roles that are none; raises ValueError."""
        check_role("default_role", self.default_role)
        for user, role in self.roles.items():
            check_role(f"roles.{user}", role)
