"""Settings of the collector's certificates for agents, where its own authority is not to be used."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """
    Certificate files of a public-key infrastructure of your own; all three or none, in PEM.

    ``ca`` may hold several authorities. The files are read again when they change.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a part of the three; raises ValueError."""
        if len({self.ca is None, self.cert is None, self.key is None}) > 1:
            raise ValueError("expected ca, cert and key together, or none of them")
