"""Identity: everything that the collector knows of who may speak with it."""

from dataclasses import dataclass

import grpc

from headroom_collector.security.access_tokens import AccessTokens
from headroom_collector.security.audit import Audit
from headroom_collector.security.enrol_tokens import EnrolTokens
from headroom_collector.security.enrolment import Enrolment
from headroom_collector.security.gate import Gate
from headroom_collector.security.issuer import Issuer
from headroom_collector.security.ledger import Ledger
from headroom_collector.store.api import Store
from headroom_core.clock import Clock


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What the collector's rooms share: audit lines, tokens, the deny list, and who issues.

    ``issuer`` is None where certificates come from an authority of the customer's own.
    """

    audit: Audit
    tokens: AccessTokens
    enrol_tokens: EnrolTokens
    ledger: Ledger
    gate: Gate
    issuer: Issuer | None

    @classmethod
    def open(cls, store: Store, audit: Audit, clock: Clock, issuer: Issuer | None) -> "Identity":
        """Read what the store has of it; raises StoreError."""
        ledger = Ledger(store, clock)
        return cls(
            audit,
            AccessTokens(store, clock),
            EnrolTokens(store, clock),
            ledger,
            Gate(audit, clock, ledger),
            issuer,
        )

    def enrolment(self, clock: Clock) -> "grpc.GenericRpcHandler":
        """Return the service by which hosts enrol and renew."""
        made = Enrolment(self.issuer, self.enrol_tokens, self.ledger, self.audit, clock)
        return made.handler()
