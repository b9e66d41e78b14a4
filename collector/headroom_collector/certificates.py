"""The certificates that the collector meets its agents with, kept in force while it runs."""

import asyncio
import logging
from dataclasses import dataclass

from headroom_collector.config import CollectorConfig
from headroom_collector.security.issuer import Issuer
from headroom_collector.tls import Authority, Files, TlsError
from headroom_core.clock import Clock

log = logging.getLogger(__name__)

LOOK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Certificates:
    """
    Files for the gRPC side, and who issues to hosts.

    ``authority`` and ``issuer`` are None where the customer's own files are used.
    """

    files: Files
    authority: Authority | None
    issuer: Issuer | None
    host: str

    @classmethod
    def open(cls, config: CollectorConfig, host: str, clock: Clock) -> "Certificates":
        """Take the customer's files, or the built-in authority's. Raises TlsError."""
        own = config.tls
        if own.ca is not None and own.cert is not None and own.key is not None:
            return cls(Files(own.ca, own.cert, own.key), None, None, host)
        authority = Authority.open(config.data / "tls", clock)
        return cls(authority.collector_files([host]), authority, Issuer(authority), host)

    async def keep(self) -> None:
        """Renew the collector's own certificate before it ends, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.authority is not None:
                try:
                    await asyncio.to_thread(self.authority.collector_files, [self.host])
                except TlsError as error:
                    log.error("the collector's certificate cannot be renewed: %s", error)  # noqa: TRY400 - one line
