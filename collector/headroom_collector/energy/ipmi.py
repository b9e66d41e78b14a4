"""IPMI over LAN: a session with each controller that stays open, else ``ipmitool``."""

import asyncio
import threading
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Protocol

from headroom_collector.energy.ipmitool import IpmitoolClient
from headroom_collector.energy.reading import MOST_WATTS, BmcError, Client, PowerReading
from headroom_collector.energy.settings import Bmc

PORT = 623


class Session(Protocol):
    """What blocks its thread while it asks a controller."""

    def read(self) -> PowerReading:
        """Return the power now. Raises BmcError."""
        ...

    def keep(self) -> None:
        """Use the session, so that it does not end."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


@dataclass(slots=True)
class IpmiClient:
    """
    Asks one controller in a thread of ``threads``, one question at a time.

    One that was given up may still be waited for in its thread, which ends by itself: until then
    the controller is not asked again.
    """

    session: Session
    threads: Executor
    _busy: threading.Lock = field(default_factory=threading.Lock)

    async def read(self) -> PowerReading:
        """Return the power now. Raises BmcError."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self.threads, self._read)
        if found.watts > MOST_WATTS:
            raise BmcError(f"IPMI: says {found.watts:g} W, which is no reading")
        return found

    def keep(self) -> None:
        """Use the session soon, where there is one that nobody uses now."""
        if not self._busy.locked():
            self.threads.submit(self._keep)

    async def close(self) -> None:
        """End the session."""
        if self._busy.acquire(blocking=False):
            try:
                self.session.close()
            finally:
                self._busy.release()

    def _read(self) -> PowerReading:
        if not self._busy.acquire(blocking=False):
            raise BmcError("IPMI: the last question is not answered yet")
        try:
            return self.session.read()
        finally:
            self._busy.release()

    def _keep(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                self.session.keep()
            finally:
                self._busy.release()


def stays_open() -> bool:
    """Whether python-ipmi is there, which the extra ``ipmi`` installs."""
    return find_spec("pyipmi") is not None


def ipmi_client(bmc: Bmc, password: str, timeout_seconds: float, threads: Executor) -> Client:
    """Return the client for a controller: through python-ipmi where that is installed."""
    if not stays_open():
        return IpmitoolClient(bmc.address, bmc.user, password, bmc.privilege)
    # Here and not above: it is an extra, and ipmitool does without.
    from headroom_collector.energy.ipmi_session import IpmiSession, Login  # noqa: PLC0415

    host, _, port = bmc.address.partition(":")
    # Twice for each answer, and half of the time is for what a slow one answers late.
    wait = min(2.0, timeout_seconds / 4)
    login = Login(host, int(port or PORT), bmc.user, password, bmc.privilege, wait)
    return IpmiClient(IpmiSession(login), threads)
