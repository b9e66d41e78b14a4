"""One reading of a server's input power, and why there is none."""

from dataclasses import dataclass
from typing import Protocol

MOST_WATTS = 20_000.0
"""More than the power supplies of any server give."""
KEEP_SECONDS = 15.0


class BmcError(Exception):
    """A controller has no reading; one line. ``refused``: it does not know the user."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class PowerReading:
    """
    Watts at the server's input.

    ``source`` is redfish or ipmi_lan, ``basis`` which of its figures, ``error`` the relative half
    width of its interval: makers claim 5 % and better for the meters in power supplies.
    """

    watts: float
    source: str
    basis: str
    error: float = 0.05


class Client(Protocol):
    """Asks one controller."""

    async def read(self) -> PowerReading:
        """Return the power now. Raises BmcError; the caller bounds the time."""
        ...

    def keep(self) -> None:
        """Start keeping open what would end unused; called every ``KEEP_SECONDS``."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
