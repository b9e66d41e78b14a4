"""The collector's end of the stream, over real mutual TLS, for the agent's tests."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from headroom_core.identity import COLLECTOR_NAME, uri_of
from headroom_proto.v1 import telemetry_pb2 as pb
from headroom_proto.v1 import telemetry_pb2_grpc

Answer = Callable[["Peer", pb.Batch], list[pb.PushResponse]]


def ack(peer: "Peer", batch: pb.Batch) -> list[pb.PushResponse]:
    """Acknowledge what comes in order, ask again where there is a hole."""
    if batch.seq - batch.missing_before > peer.high_water + 1:
        again = pb.Resend(epoch=batch.epoch, from_seq=peer.high_water + 1, reason="hole")
        return [pb.PushResponse(resend=again)]
    if batch.seq > peer.high_water:
        peer.high_water = batch.seq
        peer.stored.append(batch)
    return [pb.PushResponse(ack=pb.Ack(epoch=batch.epoch, seq=peer.high_water))]


@dataclass
class Peer(telemetry_pb2_grpc.TelemetryServiceServicer):
    """Records what it gets; ``answer`` says what each batch is answered with."""

    answer: Answer = ack
    window: int = 8
    high_water: int = 0
    epoch: bytes = b""
    stored: list[pb.Batch] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    messages: "queue.Queue[pb.PushRequest]" = field(default_factory=queue.Queue)
    goodbye: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def Push(  # noqa: N802 - the contract's name
        self, request_iterator: Iterator[pb.PushRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PushResponse]:
        for request in request_iterator:
            self.messages.put(request)
            self.sizes.append(request.ByteSize())
            yield from self._answers(request)

    def _answers(self, request: pb.PushRequest) -> Iterator[pb.PushResponse]:
        match request.WhichOneof("kind"):
            case "hello":
                if self.epoch not in {b"", request.hello.epoch}:
                    self.high_water = 0
                self.epoch = request.hello.epoch
                welcome = pb.Welcome(high_water=self.high_water, window=self.window)
                self.high_water = max(self.high_water, request.hello.first_seq - 1)
                yield pb.PushResponse(welcome=welcome)
            case "goodbye":
                self.goodbye.set()
            case _:
                for batch in request.batches.batches:
                    yield from self.answer(self, batch)
        with self._changed:
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait until ``condition`` holds; AssertionError when it does not in time."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), "the agent did not get there"

    def seqs(self) -> list[int]:
        """Sequence numbers that were stored, in order."""
        return [batch.seq for batch in self.stored]

    def hello(self, seconds: float = 15.0) -> pb.Hello:
        """Take messages until there is a Hello."""
        while True:
            message = self.messages.get(timeout=seconds)
            if message.WhichOneof("kind") == "hello":
                return message.hello


@dataclass(frozen=True)
class Pki:
    """A CA and what it signed, as files."""

    ca: trustme.CA
    folder: Path

    def agent(self, name: str = "web-1") -> Path:
        """Return a folder with an agent's ca.pem, cert.pem and key.pem."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "cert.pem").write_bytes(self.sign(name, key))
        (folder / "key.pem").touch(mode=0o600)
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return folder

    def sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        first: datetime | None = None,
        last: datetime | None = None,
    ) -> bytes:
        """Return a host's certificate in PEM."""
        issuer = x509.load_pem_x509_certificate(self.ca.cert_pem.bytes())
        signer = serialization.load_pem_private_key(self.ca.private_key_pem.bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first or now - timedelta(hours=1))
            .not_valid_after(last or now + timedelta(days=365))
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri_of(name))]),
                critical=False,
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
            .sign(signer, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a collector listens with."""
        cert = self.ca.issue_cert(COLLECTOR_NAME)
        return grpc.ssl_server_credentials(
            [(cert.private_key_pem.bytes(), cert.cert_chain_pems[0].bytes())],
            root_certificates=self.ca.cert_pem.bytes(),
            require_client_auth=True,
        )


@dataclass
class Listening:
    """A peer that listens on loopback; ``stop`` and ``start`` again on the same port."""

    pki: Pki
    peer: Peer
    port: int = 0
    _server: grpc.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT to reach it at."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Listening":
        """Listen."""
        options = (("grpc.so_reuseport", 0),)
        server = grpc.server(ThreadPoolExecutor(4), options=options)
        telemetry_pb2_grpc.add_TelemetryServiceServicer_to_server(self.peer, server)
        address = f"127.0.0.1:{self.port}"
        self.port = server.add_secure_port(address, self.pki.credentials())
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """Stop listening and break what is open."""
        if self._server is not None:
            self._server.stop(None).wait(10)
            self._server = None
