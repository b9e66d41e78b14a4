"""One RMCP+ session with a management controller, through python-ipmi; blocks, for one thread."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyipmi
from pyipmi.errors import (
    AuthenticationError,
    CompletionCodeError,
    DecodingError,
    IpmiConnectionError,
    IpmiLongPasswordError,
    IpmiTimeoutError,
    MessageStatusCodeError,
    NotSupportedError,
    RetryError,
)
from pyipmi.interfaces.rmcpplus import RmcpPlus
from pyipmi.sdr import SdrFullSensorRecord

from headroom_collector.energy.reading import BmcError, PowerReading
from headroom_core.energy_ipmi import DcmiError, input_watts, is_input

ENDS_SECONDS = 50.0
"""A controller ends a session that was unused for 60 s, give or take 3 (IPMI 2.0, 6.12.15)."""
ACTIVE = 0x40
"""Bit of DCMI's reading state: the power is measured now (DCMI 1.5, table 6-16)."""
WATTS = 6
"""Base unit of a sensor (IPMI 2.0, table 43-15)."""
LOST = (RetryError, IpmiTimeoutError, TimeoutError, DecodingError, AuthenticationError)
"""How a request ends where the controller no longer knows the session."""


class Lan(RmcpPlus):  # type: ignore[misc]  # python-ipmi ships no types
    """RMCP+ without the ping, which some controllers do not answer; the next request finds out."""

    def ping(self) -> None:
        """Ask nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to ask and as whom. ``timeout_seconds`` is for one answer, asked for twice."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    privilege: str = "user"
    timeout_seconds: float = 2.0


@dataclass(slots=True)
class IpmiSession:
    """
    Reads a controller's power: DCMI where it is active and above 0, else its sensors.

    The session stays open: a reading is then one request and one answer. Which sensors say the
    input is looked up once, because a controller takes seconds to list them.
    """

    login: Login
    clock: Callable[[], float] = time.monotonic
    _ipmi: pyipmi.Ipmi | None = None
    _used: float = 0.0
    _dcmi: bool = True
    _sensors: tuple[SdrFullSensorRecord, ...] | None = None

    def read(self) -> PowerReading:
        """Return the power now. Raises BmcError."""
        known = self._ipmi is not None and self.clock() - self._used < ENDS_SECONDS
        try:
            if known:
                try:
                    return self._read(self._open())
                except LOST:
                    pass
            self.close()
            return self._read(self._open())
        except CompletionCodeError as error:
            raise self._refused(error) from None
        except (MessageStatusCodeError, AuthenticationError, IpmiLongPasswordError) as error:
            self.close()
            raise BmcError(
                f"IPMI: user or password is not accepted ({error})", refused=True
            ) from None
        except (*LOST, IpmiConnectionError, OSError):
            self.close()
            raise BmcError(f"IPMI: no answer from {self.login.host}") from None
        except NotSupportedError as error:
            self.close()
            raise BmcError(f"IPMI: {error}") from None

    def keep(self) -> None:
        """Use the session, where there is one, so that it does not end."""
        if self._ipmi is None:
            return
        try:
            self._ipmi.get_device_id()
            self._used = self.clock()
        except (*LOST, CompletionCodeError, OSError):
            self.close()

    def close(self) -> None:
        """End the session, without waiting for an answer."""
        ipmi, self._ipmi = self._ipmi, None
        if ipmi is None:
            return
        try:
            ipmi.interface.set_timeout(0.001)
            ipmi.close()
        except (*LOST, CompletionCodeError, OSError):
            ipmi.interface.close()

    def _open(self) -> pyipmi.Ipmi:
        if self._ipmi is not None:
            return self._ipmi
        login = self.login
        interface = Lan(keep_alive_interval=0, max_retries=1)
        ipmi = pyipmi.create_connection(interface)
        ipmi.session.set_session_type_rmcp(login.host, login.port)
        ipmi.session.set_auth_type_user(login.user, login.password)
        ipmi.session.set_priv_level(login.privilege)
        ipmi.target = pyipmi.Target(ipmb_address=0x20)
        interface.open()
        interface.set_timeout(login.timeout_seconds)
        try:
            ipmi.session.establish()
        except BaseException:
            interface.close()
            raise
        self._ipmi, self._dcmi = ipmi, True
        return ipmi

    def _read(self, ipmi: pyipmi.Ipmi) -> PowerReading:
        why = "DCMI: has none"
        if self._dcmi:
            try:
                found = PowerReading(self._ask_dcmi(ipmi), "ipmi_lan", "IPMI DCMI power reading")
            except DcmiError as error:
                why = str(error)
            else:
                self._used = self.clock()
                return found
        try:
            watts = input_watts(self._ask_sensors(ipmi))
        except DcmiError as error:
            raise BmcError(f"{why}; {error}") from None
        self._used = self.clock()
        return PowerReading(watts, "ipmi_lan", "IPMI sensors", error=0.1)

    def _ask_dcmi(self, ipmi: pyipmi.Ipmi) -> float:
        try:
            found = ipmi.get_power_reading(1)
        except CompletionCodeError as error:
            if error.cc == 0xD4:
                raise
            self._dcmi = error.cc not in {0xC1, 0xC9, 0xCC}
            raise DcmiError(f"DCMI: {error.cc_desc} (0x{error.cc:x})") from None
        if not found.reading_state & ACTIVE:
            raise DcmiError("DCMI: power reading is deactivated")
        if found.current_power <= 0:
            raise DcmiError("DCMI: says 0 W, which is no reading")
        return float(found.current_power)

    def _ask_sensors(self, ipmi: pyipmi.Ipmi) -> Iterator[tuple[str, float | None]]:
        if self._sensors is None:
            self._sensors = tuple(_inputs(ipmi))
        for record in self._sensors:
            try:
                raw, _ = ipmi.get_sensor_reading(record.number, record.owner_lun)
            except CompletionCodeError:
                continue
            yield record.device_id_string, record.convert_sensor_raw_to_value(raw)

    def _refused(self, error: CompletionCodeError) -> BmcError:
        if error.cc == 0xD4:
            why = f"IPMI: the privilege {self.login.privilege} is not enough for this controller"
            return BmcError(why, refused=True)
        return BmcError(f"IPMI: {error.cc_desc} (0x{error.cc:x})")


def _inputs(ipmi: pyipmi.Ipmi) -> Iterator[SdrFullSensorRecord]:
    """Yield the sensors in watts whose name says that they are the input."""
    try:
        records = list(ipmi.sdr_repository_entries())
    except CompletionCodeError:
        records = list(ipmi.device_sdr_entries())
    for record in records:
        full = isinstance(record, SdrFullSensorRecord) and record.units_2 == WATTS
        if full and is_input(record.device_id_string):
            yield record
