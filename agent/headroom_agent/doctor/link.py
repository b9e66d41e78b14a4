"""Looks at the way to the collector: certificate files, the spool, and a TLS connection."""

import os
import shutil
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from headroom_agent.config import MIB, AgentConfig, Tls
from headroom_agent.doctor import trial
from headroom_agent.doctor.finding import Finding
from headroom_agent.enrol.files import validity
from headroom_agent.spool_schema import SpoolError, lock
from headroom_core.identity import COLLECTOR_NAME, IdentityError, host_of

SOON_SHARE = 0.25
"""Of a life: at half of it the agent renews, so that this is late."""
CONNECT_SECONDS = 5.0
SKEW_SECONDS = 30.0


def context(tls: Tls) -> ssl.SSLContext:
    """Return what the connection is made with; raises OSError, ssl.SSLError among them."""
    ca, cert, key = tls.files()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(ca)
    made.load_cert_chain(cert, key)
    made.set_alpn_protocols(["h2"])
    return made


def certificate(tls: Tls, now: datetime) -> Iterator[Finding]:
    """Look whether the files are there, fit together, and are valid for some time."""
    for path, flag in zip(tls.files(), ("--ca", "--cert", "--key"), strict=True):
        try:
            path.read_bytes()
        except OSError as error:
            hint = f"headroom-agent enrol gets it, or {flag} FILE or --tls DIR says where it is"
            yield Finding("bad", "certificate", f"{path}: {error.strerror}; {hint}")
            return
    _, cert, key = tls.files()
    try:
        context(tls)
    except ssl.SSLError:
        yield Finding(
            "bad",
            "certificate",
            f"{cert} and {key} are no PEM files that fit together: enrol this host anew with "
            "headroom-agent enrol",
        )
        return
    dates = _valid(cert, now)
    yield dates
    if dates.state != "bad":
        yield from _accepted(tls, cert)
    if key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding("bad", "certificate", f"{key}: others may read the key: chmod 600 {key}")


def _accepted(tls: Tls, cert: Path) -> Iterator[Finding]:
    """Look at chain, purpose and names as the collector does."""
    fault, uris = trial.verify(tls)
    if fault:
        yield Finding("bad", "certificate", f"{cert}: a collector refuses it: {fault}")
        return
    try:
        name = host_of(uris)
    except IdentityError as error:
        yield Finding(
            "bad", "certificate", f"{cert}: a collector refuses it: {error}: enrol this host anew"
        )
        return
    yield Finding(
        "good", "certificate", f"{cert}: is for the host {name}, of the CA in the CA file"
    )


def _valid(cert: Path, now: datetime) -> Finding:
    times = validity(cert.read_bytes())
    if times is None:
        return Finding("note", "certificate", f"{cert}: does not say until when it is valid")
    first, last = times
    if now > last:
        line = f"{cert}: expired on {last:%Y-%m-%d}: enrol this host anew"
        return Finding("bad", "certificate", line)
    if now < first:
        line = f"{cert}: is valid from {first:%Y-%m-%d %H:%M} UTC on: is this host's clock right?"
        return Finding("bad", "certificate", line)
    line = f"{cert}: is valid until {last:%Y-%m-%d}"
    if last - now < (last - first) * SOON_SHARE:
        why = "it should have been renewed: see the agent's log, or run headroom-agent renew"
        return Finding("note", "certificate", f"{line}: {why}")
    return Finding("good", "certificate", line)


def spool(config: AgentConfig) -> Iterator[Finding]:
    """Look whether the spool's folder can be written and has room."""
    path = config.spool.path
    folder = next(p for p in (path.parent, *path.parents) if p.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "bad", "spool", f"{folder} cannot be written by this user: chown it, or --spool FILE"
        )
        return
    if path.exists():
        try:
            os.close(lock(path))
        except SpoolError:
            yield Finding("note", "spool", f"{path}: an agent is running on it")
    free = shutil.disk_usage(folder).free
    enough = free > config.spool.max_mib * MIB
    yield Finding(
        "good" if enough else "bad",
        "spool",
        f"{path}: {free / MIB:,.0f} MiB free, {config.spool.max_mib:g} MiB may be used"
        + ("" if enough else ": make room, or set [spool] max_mib lower"),
    )


def _greet(address: str, made: ssl.SSLContext) -> None:
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as raw,
        made.wrap_socket(raw, server_hostname=COLLECTOR_NAME) as link,
    ):
        # With TLS 1.3 a refusal of our own certificate comes after the handshake.
        if not link.recv(1):
            raise ConnectionResetError


def collector(config: AgentConfig) -> Iterator[Finding]:
    """Connect as the agent does, and wait for the collector's first bytes."""
    try:
        made = context(config.tls)
    except OSError:
        return  # the certificate's own finding says why
    where = config.collector
    try:
        _greet(where, made)
    except ssl.SSLCertVerificationError as error:
        hint = "is it of the CA in the agent's CA file?"
        line = f"{where}: its certificate is not good: {error.verify_message}; {hint}"
        yield Finding("bad", "collector", line)
    except ssl.SSLError as error:
        why = (error.reason or "closed").replace("_", " ").lower()
        line = f"{where}: no TLS with it ({why}): is the port the gRPC one?"
        yield Finding("bad", "collector", line)
    except ConnectionResetError:
        line = f"{where}: does not accept our certificate: is it of its CA, and not withdrawn?"
        yield Finding("bad", "collector", line)
    except OSError as error:
        why = error.strerror or str(error) or "no answer"
        line = (
            f"{where}: {why}: is the collector running, and is the way open? --collector HOST:PORT"
        )
        yield Finding("bad", "collector", line)
    else:
        yield Finding("good", "collector", f"{where}: accepts our certificate")
        yield from introduced(config)


def introduced(config: AgentConfig, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Ask the collector who it takes us for, and what time it is there."""
    from headroom_agent.enrol.command import who_am_i  # noqa: PLC0415 - loads gRPC: only where asked

    where, before = config.collector, clock()
    answer = who_am_i(where, config.tls.files())
    if answer is None:
        return  # of a version that does not answer
    ahead = (before + clock()) / 2 - answer.time_unix_nano / 1e9
    if answer.refused:
        yield Finding("bad", "collector", f"{where}: refuses us: {answer.refused}")
    else:
        yield Finding("good", "collector", f"{where}: takes us for the host {answer.host}")
    if abs(ahead) > SKEW_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        line = f"this host is {abs(ahead):.0f} s {way} the collector: run chrony on both"
        yield Finding("bad", "clock", line)
