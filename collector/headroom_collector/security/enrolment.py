"""Enrolment service: first certificates for hosts with a token, new ones for hosts that have one."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from headroom_collector.security.access import RefusedError
from headroom_collector.security.audit import Audit
from headroom_collector.security.enrol_tokens import EnrolTokens
from headroom_collector.security.issuer import HostCertificate, Issuer
from headroom_collector.security.ledger import Issued, Ledger
from headroom_collector.security.peer import Peer, peer_of
from headroom_collector.store.api import StoreError
from headroom_core.clock import Clock
from headroom_core.identity import IdentityError
from headroom_proto.v1 import enrolment_pb2
from headroom_proto.v1.enrolment_pb2 import (
    EnrolRequest,
    EnrolResponse,
    RenewRequest,
    RenewResponse,
    WhoAmIRequest,
    WhoAmIResponse,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE = enrolment_pb2.DESCRIPTOR.services_by_name["EnrolmentService"].full_name

NO_AUTHORITY = "this collector uses certificates of another authority: ask that for new ones"


class Enrolment:
    """
    Answers EnrolmentService; with no ``issuer`` it says that certificates come from elsewhere.

    A certificate is noted in the store before it leaves.
    """

    def __init__(
        self,
        issuer: Issuer | None,
        tokens: EnrolTokens,
        ledger: Ledger,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._issuer, self._tokens, self._ledger = issuer, tokens, ledger
        self._audit, self._clock = audit, clock

    def handler(self) -> grpc.GenericRpcHandler:
        """Return what the gRPC server is given."""
        enrol: grpc.RpcMethodHandler[EnrolRequest, EnrolResponse]
        enrol = grpc.unary_unary_rpc_method_handler(
            self._enrol,
            request_deserializer=EnrolRequest.FromString,
            response_serializer=EnrolResponse.SerializeToString,
        )
        renew: grpc.RpcMethodHandler[RenewRequest, RenewResponse]
        renew = grpc.unary_unary_rpc_method_handler(
            self._renew,
            request_deserializer=RenewRequest.FromString,
            response_serializer=RenewResponse.SerializeToString,
        )
        who: grpc.RpcMethodHandler[WhoAmIRequest, WhoAmIResponse]
        who = grpc.unary_unary_rpc_method_handler(
            self._who,
            request_deserializer=WhoAmIRequest.FromString,
            response_serializer=WhoAmIResponse.SerializeToString,
        )
        calls: dict[str, grpc.RpcMethodHandler[Any, Any]]
        calls = {"Enrol": enrol, "Renew": renew, "WhoAmI": who}
        return grpc.method_handlers_generic_handler(SERVICE, calls)

    async def _enrol(
        self,
        request: EnrolRequest,
        context: "grpc.aio.ServicerContext[EnrolRequest, EnrolResponse]",
    ) -> EnrolResponse:
        async def give(issuer: Issuer, peer: Peer) -> EnrolResponse:
            token = peer.enrolment()
            issuer.host(
                "check", request.csr
            )  # a request that is refused does not use the token up
            secret = request.secret.decode("ascii", "replace")
            host = await self._tokens.take(token, secret, request.host, peer.address)
            denied = self._ledger.denied(host, "")
            if denied:
                raise RefusedError(denied)
            made = issuer.host(host, request.csr)
            await self._note(made, host, "enrol", peer)
            return EnrolResponse(issued=_issued(made, issuer), host=host)

        return await self._answer("enrol", context, give)

    async def _renew(
        self,
        request: RenewRequest,
        context: "grpc.aio.ServicerContext[RenewRequest, RenewResponse]",
    ) -> RenewResponse:
        async def give(issuer: Issuer, peer: Peer) -> RenewResponse:
            host = peer.host()
            denied = self._ledger.denied(host, peer.serial)
            if denied:
                raise RefusedError(denied)
            made = issuer.host(host, request.csr)
            await self._note(made, host, "renew", peer)
            return RenewResponse(issued=_issued(made, issuer))

        return await self._answer("renew", context, give)

    async def _who(
        self, request: WhoAmIRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> WhoAmIResponse:
        del request
        answer = WhoAmIResponse(time_unix_nano=self._clock.now())
        try:
            peer = peer_of(context.auth_context(), context.peer())
            answer.host = peer.host()
        except IdentityError as error:
            answer.refused = f"certificate: {error}"
            return answer
        answer.refused = self._ledger.denied(answer.host, peer.serial)
        return answer

    async def _answer(
        self,
        what: str,
        context: "grpc.aio.ServicerContext[Any, Any]",
        give: Callable[[Issuer, Peer], Awaitable[T]],
    ) -> T:
        """Give what was asked for, or end the call with one line that says why not."""
        peer = Peer(context.peer(), ())
        try:
            peer = peer_of(context.auth_context(), context.peer())
            if self._issuer is None:
                return await context.abort(grpc.StatusCode.FAILED_PRECONDITION, NO_AUTHORITY)
            return await give(self._issuer, peer)
        except (RefusedError, IdentityError) as error:
            self._audit.refused(what, peer.address, str(error), serial=peer.serial)
            return await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{what}: {error}")
        except StoreError as error:
            log.error("%s for %s was not stored: %s", what, peer.address, error)  # noqa: TRY400 - one line
            return await context.abort(
                grpc.StatusCode.UNAVAILABLE, "the collector cannot store now: try again later"
            )

    async def _note(self, made: HostCertificate, host: str, how: str, peer: Peer) -> None:
        now = self._clock.now()
        await self._ledger.note(Issued(made.serial, host, now, made.expires, how, peer.address))
        self._audit.granted(how, peer.address, host=host, serial=made.serial)


def _issued(made: HostCertificate, issuer: Issuer) -> enrolment_pb2.Issued:
    return enrolment_pb2.Issued(certificate=made.pem, authorities=issuer.authorities())
