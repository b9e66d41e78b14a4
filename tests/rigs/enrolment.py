"""A real ingest server with enrolment, deny list and store, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headroom_agent.enrol.command import Token, read_token
from headroom_collector.config import StoreSettings
from headroom_collector.ingest.server import IngestServer
from headroom_collector.security.audit import Audit
from headroom_collector.security.identity import Identity
from headroom_collector.security.issuer import Issuer
from headroom_collector.security.tables import MIGRATIONS
from headroom_collector.store.api import Store
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority, Files
from headroom_core.clock import SystemClock
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest
from headroom_proto.v1.enrolment_pb2_grpc import EnrolmentServiceStub

__all__ = ["EnrolRig", "Moving", "enrolling", "request"]


@dataclass
class Moving:
    """The real time, moved by so many seconds."""

    ahead: float = 0.0

    def now(self) -> int:
        return SystemClock().now() + round(self.ahead * 1e9)

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.ahead


def request(key: ec.EllipticCurvePrivateKey | None = None) -> tuple[bytes, bytes]:
    """Return a key in PEM and a request for it in DER."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, made.public_bytes(serialization.Encoding.DER)


@dataclass
class EnrolRig:
    folder: Path
    clock: Moving
    authority: Authority
    store: Store
    identity: Identity
    server: IngestServer
    port: int

    def channel(self, ca: bytes, cert: bytes, key: bytes) -> grpc.aio.Channel:
        options = [("grpc.ssl_target_name_override", COLLECTOR_NAME)]
        credentials = grpc.ssl_channel_credentials(ca, key, cert)
        return grpc.aio.secure_channel(f"127.0.0.1:{self.port}", credentials, options=options)

    async def token(self, host: str, ttl: float = 3600.0) -> Token:
        assert self.identity.issuer is not None
        made, secret = await self.identity.enrol_tokens.create(host, ttl)
        path = self.folder / f"{made.id}.token"
        path.write_text(self.identity.issuer.token_file(made, secret))
        return read_token(path)

    async def enrol(
        self, token: Token, host: str = "", csr: bytes | None = None, secret: bytes | None = None
    ) -> EnrolResponse:
        wish = EnrolRequest(
            secret=token.secret if secret is None else secret,
            host=host,
            csr=request()[1] if csr is None else csr,
        )
        async with self.channel(token.authorities[0], token.cert, token.key) as channel:
            found: EnrolResponse = await EnrolmentServiceStub(channel).Enrol(wish, timeout=20)
            return found

    async def enrolled(self, host: str) -> Files:
        """Return the certificate files of a host that enrolled just now."""
        key, csr = request()
        made = await self.enrol(await self.token(host), csr=csr)
        return self.write(host, made.issued.authorities, made.issued.certificate, key)

    async def renewed(self, files: Files, host: str) -> Files:
        key, csr = request()
        pems = [path.read_bytes() for path in (files.ca, files.cert, files.key)]
        async with self.channel(*pems) as channel:
            wish = RenewRequest(csr=csr)
            made = await EnrolmentServiceStub(channel).Renew(wish, timeout=20)
        return self.write(host, made.issued.authorities, made.issued.certificate, key)

    def write(self, host: str, ca: str, cert: str, key: bytes) -> Files:
        folder = self.folder / "hosts" / f"{host}-{datetime.now(UTC).timestamp()}"
        folder.mkdir(parents=True)
        files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        files.ca.write_text(ca)
        files.cert.write_text(cert)
        files.key.write_bytes(key)
        return files


@asynccontextmanager
async def enrolling(folder: Path, *, issues: bool = True) -> AsyncIterator[EnrolRig]:
    """Run one; without ``issues`` its certificates come from elsewhere."""
    clock = Moving()
    authority = Authority.open(folder / "tls", clock)
    store = open_store(folder / "store", StoreSettings(), MIGRATIONS, clock)
    issuer = Issuer(authority) if issues else None
    identity = Identity.open(store, Audit(clock), clock, issuer)
    server = IngestServer(
        store,
        authority.collector_files([]),
        clock,
        gate=identity.gate,
        services=[identity.enrolment(clock)],
    )
    identity.ledger.listeners.append(server.end_denied)
    port = await server.start("127.0.0.1:0")
    try:
        yield EnrolRig(folder, clock, authority, store, identity, server, port)
    finally:
        await server.stop(1.0)
        await asyncio.to_thread(store.close)
