"""Gate: who may hold a stream, at its beginning and for every batch."""

import logging

from headroom_collector.security.audit import Audit
from headroom_collector.security.ledger import Ledger
from headroom_collector.security.peer import AuthContext, Peer, peer_of
from headroom_core.clock import Clock
from headroom_core.identity import IdentityError

log = logging.getLogger(__name__)


class GateError(Exception):
    """A peer that may not hold a stream; one line for its log."""


class Gate:
    """Checks peers against the deny list, where there is one, and their certificates' dates."""

    def __init__(self, audit: Audit, clock: Clock, ledger: Ledger | None = None) -> None:
        self._audit, self._clock, self._ledger = audit, clock, ledger

    def admit(self, auth: AuthContext, address: str) -> tuple[str, Peer]:
        """Return the host that opens a stream. Raises GateError, with an audit line."""
        host, peer = "", Peer(address, ())
        try:
            peer = peer_of(auth, address)
            host = peer.host()
        except IdentityError as error:
            self.refuse(f"certificate: {error}", peer)
        reason = self.fault(host, peer)
        if reason:
            self.refuse(reason, peer, host)
        return host, peer

    def refuse(self, reason: str, peer: Peer, host: str = "") -> None:
        """Write the audit line and raise GateError."""
        self._audit.refused("stream", peer.address, reason, host=host, serial=peer.serial)
        raise GateError(reason)

    def ended(self, reason: str, peer: Peer, host: str) -> None:
        """Write the audit line of a stream that was good when it began."""
        self._audit.refused("stream", peer.address, reason, host=host, serial=peer.serial)

    def fault(self, host: str, peer: Peer) -> str:
        """Return why a stream may not go on; empty where it may. Quick: asked for every batch."""
        if 0 < peer.expires <= self._clock.now():
            return f"certificate {peer.serial} has expired"
        return self._ledger.denied(host, peer.serial) if self._ledger is not None else ""
