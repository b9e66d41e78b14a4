"""A real collector for the security benchmark, its audit lines, and odd certificates of its authority."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from headroom_collector import ready
from headroom_collector.cli.client import client
from headroom_collector.tls import Authority, Files, Pair, load_pair
from headroom_core.clock import SystemClock
from headroom_core.identity import COLLECTOR_NAME, uri_of
from headroom_proto.v1 import telemetry_pb2, telemetry_pb2_grpc

START_SECONDS = 60.0
WAIT_SECONDS = 15.0
DAY = timedelta(days=1)


class BenchError(Exception):
    """A benchmark that cannot be run; the text says why."""


@dataclass(slots=True)
class Shifted:
    """The real time, moved by so much: for certificates of another day."""

    by: timedelta

    def now(self) -> int:
        """Return UTC nanoseconds."""
        return SystemClock().now() + round(self.by.total_seconds() * 1e9)

    def monotonic(self) -> float:
        """Return seconds."""
        return SystemClock().monotonic()


@dataclass(slots=True)
class Rig:
    """A collector that runs as a process of its own."""

    folder: Path
    grpc: str
    log: Path
    said: int = 0

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    def authority(self, by: timedelta = timedelta()) -> Authority:
        """Return its authority, on another day where wanted."""
        tls = self.data / "tls"
        return Authority(tls, load_pair(tls / "ca.pem", tls / "ca.key"), Shifted(by))

    def post(self, path: str, wish: object) -> dict[str, str]:
        """Ask its administration for something."""
        with client(self.data) as http:
            found: dict[str, str] = http.post(f"/admin/{path}", json=wish).json()
        return found

    def mark(self) -> None:
        """Look at audit lines from here on."""
        self.said = self.log.stat().st_size

    def audited(self, what: str) -> bool:
        """Wait for an audit line of a refusal that fits these words."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            with self.log.open("rb") as file:
                file.seek(self.said)
                new = file.read().decode("utf-8", "replace")
            if any(re.search(f"audit: refused.*{what}", line) for line in new.splitlines()):
                return True
            time.sleep(0.05)
        return False


def _without_grpcs_own(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what says how gRPC logs: the collector sets that itself."""
    return {name: value for name, value in environment.items() if not name.startswith("GRPC_")}


@contextmanager
def running(folder: Path, *more: str) -> Iterator[Rig]:
    """Run a collector on free ports of loopback."""
    log, data = folder / "collector.log", folder / "data"
    command = [sys.executable, "-m", "headroom_collector.cli", "collector", "--data", str(data)]
    command += ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", *more]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_without_grpcs_own(os.environ),
        )
    try:
        until = time.monotonic() + START_SECONDS
        while (found := ready.read(data)) is None or found.pid != process.pid:
            if process.poll() is not None or time.monotonic() > until:
                raise BenchError(f"the collector did not start: {log.read_text()[-500:]}")
            time.sleep(0.05)
        yield Rig(folder, found.grpc, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write(folder: Path, pair: Pair, ca: bytes) -> Files:
    """Write an agent's three files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    files.ca.write_bytes(ca)
    files.cert.write_bytes(pair.cert.public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        pair.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def signed(
    authority: Authority,
    names: Sequence[x509.GeneralName],
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    life: timedelta = 7 * DAY,
) -> Pair:
    """Return a certificate such as the authority would never issue by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(authority.certify("odd", key.public_key(), names, usage, life), key)


def alone(host: str) -> Pair:
    """Return a host's certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri_of(host))]), False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    return Pair(made, key)


def channel(address: str, files: Files, *, certified: bool = True) -> grpc.Channel:
    """Return a channel with these files; without a certificate where wanted."""
    parts = [files.ca.read_bytes()]
    parts += [files.key.read_bytes(), files.cert.read_bytes()] if certified else []
    options = [("grpc.ssl_target_name_override", COLLECTOR_NAME)]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*parts), options=options)


def refused(address: str, files: Files, *, certified: bool = True) -> bool:
    """Try to hold a stream; whether that was refused."""
    hello = telemetry_pb2.Hello(epoch=bytes(16), first_seq=1, next_seq=1, interval_seconds=10)
    with channel(address, files, certified=certified) as made:
        stub = telemetry_pb2_grpc.TelemetryServiceStub(made)
        call = stub.Push(iter([telemetry_pb2.PushRequest(hello=hello)]), timeout=WAIT_SECONDS)
        try:
            next(call)
        except grpc.RpcError:
            return True
    return False


def agent(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the agent's to its end."""
    return subprocess.run(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-m", "headroom_agent", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def diagnosis(address: str, files: Files) -> str:
    """Return what the agent's doctor finds bad."""
    done = agent("doctor", "--json", "--collector", address, "--tls", str(files.cert.parent))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise BenchError(f"the agent's doctor failed: {done.stderr[-300:]}") from None
    return "\n".join(one["found"] for one in found if one["state"] == "bad")


def uri_name(host: str) -> x509.GeneralName:
    """Return the name in a host's certificate."""
    return x509.UniformResourceIdentifier(uri_of(host))
