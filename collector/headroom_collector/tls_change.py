"""
Change of the authority: a new one is trusted first, then issues, then stands alone.

Each step is one command, with the time between them in which every agent renews its certificate
and so learns whom to trust. A collector that runs takes each step with the next connection.
"""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from headroom_collector.tls import (
    NEXT,
    PREVIOUS,
    Authority,
    TlsError,
    as_tls_error,
    key_pem,
    locked,
    make_authority,
    write_file,
)
from headroom_core.clock import Clock

WAIT = "wait until every agent has renewed (half of 7 days; headroom certificate list)"


def begin(folder: Path, clock: Clock) -> str:
    """Make the next authority, which is trusted from now on. Raises TlsError."""
    opened = Authority.open(folder, clock)
    with as_tls_error(folder), locked(folder):
        if (folder / NEXT).exists():
            raise TlsError(f"{folder / NEXT}: a change is under way: --change finish ends it")
        made = make_authority(datetime.fromtimestamp(clock.now() / 1e9, UTC))
        write_file(folder / "ca-next.key", key_pem(made.key), 0o600)
        write_file(folder / NEXT, made.cert.public_bytes(serialization.Encoding.PEM), 0o644)
    opened.refresh()
    return f"the next authority is trusted beside the present one; {WAIT}, then --change finish"


def finish(folder: Path, clock: Clock) -> str:
    """Have the next authority issue; the one before stays trusted. Raises TlsError."""
    Authority.open(folder, clock)
    with as_tls_error(folder), locked(folder):
        if not (folder / NEXT).exists():
            raise TlsError(f"{folder}: no change is under way: --change begin begins one")
        before = (folder / "ca.pem").read_bytes()
        write_file(folder / PREVIOUS, before, 0o644)
        # The key first, and what is left after a kill between two steps says what is missing.
        write_file(folder / "ca.key", (folder / "ca-next.key").read_bytes(), 0o600)
        write_file(folder / "ca.pem", (folder / NEXT).read_bytes(), 0o644)
        (folder / NEXT).unlink()
        (folder / "ca-next.key").unlink()
    Authority.open(folder, clock).refresh()
    return f"the new authority issues; restart the collector now, {WAIT}, then --change forget"


def forget(folder: Path, clock: Clock) -> str:
    """Trust the authority before no more. Raises TlsError."""
    with as_tls_error(folder), locked(folder):
        if not (folder / PREVIOUS).exists():
            raise TlsError(f"{folder}: there is no authority to forget")
        names = x509.load_pem_x509_certificate((folder / PREVIOUS).read_bytes()).subject
        (folder / PREVIOUS).unlink()
    Authority.open(folder, clock).refresh()
    return f"the authority before ({names.rfc4514_string()}) is trusted no more"
