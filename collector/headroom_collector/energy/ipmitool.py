"""IPMI over LAN by ``ipmitool``, where python-ipmi is not installed: a process for each reading."""

import asyncio
import os
from dataclasses import dataclass

from headroom_collector.energy.reading import MOST_WATTS, BmcError, PowerReading
from headroom_core.energy_ipmi import DcmiError, parse_dcmi, parse_sensors


@dataclass(slots=True)
class IpmitoolClient:
    """
    Asks one controller through ``ipmitool`` over an RMCP+ session.

    ``password`` goes through the environment: command lines are there for all to read. ``cipher``
    is the cipher suite: 3 (SHA-1, AES) is what every controller of the last 15 years knows.
    ``privilege`` is the level of the session: user, operator or administrator.
    """

    address: str
    user: str
    password: str
    privilege: str = "user"
    ipmitool: str = "ipmitool"
    cipher: int = 3
    _dcmi: bool = True

    async def read(self) -> PowerReading:
        """Return the power now. Raises BmcError."""
        if self._dcmi:
            try:
                value = parse_dcmi(await self._run("dcmi", "power", "reading"))
                return PowerReading(_sane(value), "ipmi_lan", "IPMI DCMI power reading")
            except DcmiError as error:
                why = str(error)
            self._dcmi = False
        else:
            why = "DCMI: has none"
        try:
            value = parse_sensors(await self._run("sensor", "list"))
        except DcmiError as error:
            self._dcmi = True
            raise BmcError(f"{why}; {error}") from None
        return PowerReading(_sane(value), "ipmi_lan", "IPMI sensors", error=0.1)

    def keep(self) -> None:
        """Nothing stays open."""

    async def close(self) -> None:
        """Nothing stays open."""

    async def _run(self, *words: str) -> str:
        host, _, port = self.address.partition(":")
        flags = ["-I", "lanplus", "-H", host, "-p", port or "623", "-U", self.user, "-E"]
        flags += ["-C", str(self.cipher), "-L", self.privilege.upper(), "-N", "2", "-R", "2"]
        try:
            process = await asyncio.create_subprocess_exec(
                self.ipmitool,
                *flags,
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", ""), "IPMI_PASSWORD": self.password},
            )
        except OSError as error:
            raise BmcError(
                f"{self.ipmitool}: cannot be run ({error.strerror}): apt-get install ipmitool"
            ) from None
        try:
            out, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        text = out.decode(errors="replace")
        if "Unable to establish" in text:
            # The same line for a wrong password and for nobody there.
            raise BmcError("IPMI: no session: address, user and password are as they should be?")
        if "(d4)" in text or "compcode = d4" in text:
            raise BmcError(
                f"IPMI: the privilege {self.privilege} is not enough for this controller",
                refused=True,
            )
        return text


def _sane(value: float) -> float:
    if value > MOST_WATTS:
        raise BmcError(f"IPMI: says {value:g} W, which is no reading")
    return value
