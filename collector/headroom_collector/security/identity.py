"""Identity: everything that the collector knows of who may speak with it."""

from dataclasses import dataclass

from headroom_collector.security.access_tokens import AccessTokens
from headroom_collector.security.audit import Audit


@dataclass(frozen=True, slots=True)
class Identity:
    """What the collector's rooms share: audit lines and bearer tokens."""

    audit: Audit
    tokens: AccessTokens
