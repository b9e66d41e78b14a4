"""When agents' certificates end: from what the collector itself has issued."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography import x509

from headroom_collector.api.services import Services
from headroom_collector.store.api import StoreError
from headroom_collector.web.queries import moment

ISSUED = "SELECT host, max(expires) AS expires FROM certificates GROUP BY host"


def _stored(services: Services) -> dict[str, datetime]:
    try:
        rows = services.store.query(ISSUED).to_pylist()
    except StoreError:
        return {}  # a collector of before it kept what it issues
    return {row["host"]: moment(row["expires"]) for row in rows}


def _in_folder(folder: Path) -> dict[str, datetime]:
    found = {}
    for path in folder.glob("*/cert.pem"):
        try:
            found[path.parent.name] = x509.load_pem_x509_certificate(
                path.read_bytes()
            ).not_valid_after_utc
        except (OSError, ValueError):
            continue
    return found


def expiries(services: Services) -> Mapping[str, datetime]:
    """Return the end of the newest certificate by host, for those that this collector issued."""
    return _in_folder(services.config.data / "tls" / "hosts") | _stored(services)
