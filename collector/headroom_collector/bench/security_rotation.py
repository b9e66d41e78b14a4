"""Rotations under load: new certificates for a host that sends all the time, and for the collector."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headroom_collector.bench import security_parts as parts
from headroom_collector.bench.report import Figure
from headroom_collector.cli.client import client
from headroom_collector.tls import Files
from headroom_proto.v1 import enrolment_pb2, enrolment_pb2_grpc

HOST = "web-1"
SHORT, LONG = 20, 1000
EACH_SECONDS = 30.0
OWN_EVERY = 10
"""After so many rotations of the host the collector gets a new certificate, too."""


def _renew(address: str, files: Files) -> None:
    """Ask for the next certificate and leave it for the agent, as its own command does."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    der = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    with parts.channel(address, files) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        issued = stub.Renew(enrolment_pb2.RenewRequest(csr=der), timeout=EACH_SECONDS).issued
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    beside = files.cert.with_name("next.pem")
    beside.touch(mode=0o600)
    beside.write_bytes(pem + issued.certificate.encode())
    beside.replace(files.cert.with_name(f".{files.cert.name}.new"))


def _own(rig: parts.Rig) -> None:
    """Give the collector a new certificate, which new connections get."""
    folder = rig.data / "tls" / "collector"
    (folder / "cert.pem").unlink()
    rig.authority().collector_files([])


def _statistics(rig: parts.Rig) -> dict[str, float]:
    with client(rig.data) as http:
        found: dict[str, float] = http.get("/admin/info").json()["statistics"]
    return found


@contextlib.contextmanager
def _agent(rig: parts.Rig, files: Files, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    config = folder / "agent.toml"
    config.write_text(
        f'collector = "{rig.grpc}"\ninterval_seconds = 0.1\n[samplers]\nlibvirt = false\n'
        f'[spool]\npath = "{folder}/spool.db"\n'
        f'[tls]\nfolder = "{files.cert.parent}"\nlook_seconds = 0.05\n'
    )
    with (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "headroom_agent", "--config", str(config)],
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def _wait(condition: "object", what: str) -> None:
    until = time.monotonic() + EACH_SECONDS
    while not condition():  # type: ignore[operator]
        if time.monotonic() > until:
            raise parts.BenchError(f"waited {EACH_SECONDS:g} s for {what}")
        time.sleep(0.02)


def figures(*, short: bool) -> Iterator[Figure]:
    """Rotate while an agent sends ten batches a second; count what was not stored or stored twice."""
    rotations = SHORT if short else LONG
    with TemporaryDirectory() as name, parts.running(Path(name)) as rig:
        folder = Path(name)
        pair = parts.signed(rig.authority(), [parts.uri_name(HOST)])
        files = parts.write(folder / "tls", pair, rig.authority().trusted())
        pending = files.cert.with_name(f".{files.cert.name}.new")
        began = time.monotonic()
        with _agent(rig, files, folder):
            _wait(lambda: _statistics(rig).get("agents_connected"), "the agent")
            done = 0
            for turn in range(rotations):
                before = _statistics(rig)["batches_total"]
                with contextlib.suppress(grpc.RpcError):
                    _renew(rig.grpc, files)
                    _wait(lambda: not pending.exists(), "the agent to take the new certificate")
                    _wait(lambda low=before: _statistics(rig)["batches_total"] > low, "a batch")
                    done += 1
                if turn % OWN_EVERY == OWN_EVERY - 1:
                    _own(rig)
            # An agent that is stopped while it connects leaves in its spool what it just read.
            seen = _statistics(rig)["batches_total"]
            _wait(lambda: _statistics(rig)["batches_total"] > seen + 5, "batches after the last")
            seconds = time.monotonic() - began
        spooled = (folder / "agent.log").read_text(errors="replace")
        found = _statistics(rig)
    left = 0 if "stopped; 0 batches wait" in spooled else 1
    failed = found["batches_refused_total"] + found.get("gaps_total", 0) + left
    for metric, value, unit in (
        ("tried", float(rotations), "count"),
        ("rotated", float(done), "count"),
        ("failed_batches", failed, "count"),
        ("batches", found["batches_total"], "count"),
        ("left_in_spool", float(left), "count"),
        ("seconds", seconds, "seconds"),
    ):
        yield Figure("security", "rotation", metric, value, unit)
