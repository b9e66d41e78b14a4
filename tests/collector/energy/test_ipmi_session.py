"""Sessions with simulated controllers: kept open, opened anew, refused, with and without DCMI."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.ipmi import Controller, controller

from headroom_collector.energy.ipmi import IpmiClient, ipmi_client
from headroom_collector.energy.ipmi_session import IpmiSession
from headroom_collector.energy.ipmitool import IpmitoolClient
from headroom_collector.energy.reading import BmcError, PowerReading
from headroom_collector.energy.settings import Bmc


@pytest.fixture(scope="module")
def dcmi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with controller(tmp_path_factory.mktemp("dcmi"), dcmi=True) as made:
        yield made


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_session_serves_every_reading_and_follows_the_server(dcmi: Controller) -> None:
    session = IpmiSession(dcmi.login())
    seen = set()
    for watts in (217, 480, 65_000):
        dcmi.says(watts)
        found = session.read()
        seen.add(id(session._ipmi))
        assert (found.watts, found.basis) == (watts, "IPMI DCMI power reading")
    assert len(seen) == 1
    session.close()


@pytest.mark.parametrize(("watts", "state"), [(0, 0x40), (217, 0)])
def test_a_reading_that_is_none_falls_back_to_the_sensor_until_there_is_one(
    dcmi: Controller, watts: int, state: int
) -> None:
    session = IpmiSession(dcmi.login())
    dcmi.says(watts, state)
    assert (session.read().watts, session.read().basis) == (240, "IPMI sensors")
    dcmi.says(300)
    assert session.read().watts == 300
    session.close()


def test_a_session_that_a_controller_ended_for_lack_of_use_is_opened_anew(
    dcmi: Controller,
) -> None:
    clock = Hand()
    session = IpmiSession(dcmi.login(), clock)
    session.read()
    first = session._ipmi
    clock.now = 40
    session.keep()
    clock.now = 80
    session.read()
    assert session._ipmi is first
    clock.now = 200
    session.read()
    assert session._ipmi is not first
    session.close()


def test_a_controller_that_was_restarted_is_read_again_at_once(tmp_path: Path) -> None:
    with controller(tmp_path, dcmi=True) as made:
        session = IpmiSession(made.login(0.2))
        assert session.read().watts == 217
    with pytest.raises(BmcError, match="no answer from 127"):
        session.read()
    with controller(tmp_path, dcmi=True, port=made.port):
        assert session.read().watts == 217
    session.keep()
    assert session._ipmi is None
    session.keep()


def test_a_controller_without_dcmi_has_sensors(tmp_path: Path) -> None:
    with controller(tmp_path, dcmi=False) as made:
        session = IpmiSession(made.login())
        for _ in range(2):
            assert (session.read().watts, session.read().error) == (240, 0.1)
        session.close()


def test_a_wrong_password_and_a_level_too_low_are_told_apart(dcmi: Controller) -> None:
    login = dcmi.login()
    for wrong, told in (
        (replace(login, password="geheim"), "user or password is not accepted"),
        (replace(login, user="nobody"), "user or password is not accepted"),
        (replace(login, password="x" * 40), "user or password is not accepted"),
        (replace(login, privilege="user"), "the privilege user is not enough"),
    ):
        session = IpmiSession(wrong)
        with pytest.raises(BmcError, match=told) as caught:
            session.read()
        assert caught.value.refused
        assert "geheim" not in f"{caught.value} {session}"
        session.close()


def test_somebody_who_answers_with_garbage_is_no_controller() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        login = Controller(silent.getsockname()[1], Path()).login(0.05)
        with pytest.raises(BmcError, match="no answer"):
            IpmiSession(login).read()


class Slow:
    """A session that answers when it may."""

    def __init__(self) -> None:
        self.asked, self.kept, self.may = 0, 0, asyncio.Event()

    def read(self) -> PowerReading:
        self.asked += 1
        while not self.may.is_set():
            pass
        return PowerReading(200, "ipmi_lan", "a figure")

    def keep(self) -> None:
        self.kept += 1

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.anyio
async def test_one_that_was_given_up_is_not_asked_again_before_it_answered() -> None:
    slow = Slow()
    with ThreadPoolExecutor(4) as threads:
        client = IpmiClient(slow, threads)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.read()
        with pytest.raises(BmcError, match="not answered yet"):
            await client.read()
        client.keep()
        slow.may.set()
        async with asyncio.timeout(10):
            while client._busy.locked():  # noqa: ASYNC110 - bounded, and no event to set
                await asyncio.sleep(0.01)
        assert (await client.read()).watts == 200
        await client.close()
    assert (slow.asked, slow.kept) == (2, 0)


@pytest.mark.anyio
async def test_more_watts_than_any_server_has_are_no_reading(dcmi: Controller) -> None:
    dcmi.says(65_000)
    with ThreadPoolExecutor(1) as threads:
        client = IpmiClient(IpmiSession(dcmi.login()), threads)
        with pytest.raises(BmcError, match="65000 W, which is no reading"):
            await client.read()
        await client.close()


def test_without_python_ipmi_the_tool_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    bmc = Bmc("ipmi", "bmc-1:6230", "reader", Path("p"))
    with ThreadPoolExecutor(1) as threads:
        found = ipmi_client(bmc, "geheim", 10, threads)
        assert isinstance(found, IpmiClient)
        assert isinstance(found.session, IpmiSession)
        assert (found.session.login.host, found.session.login.port) == ("bmc-1", 6230)
        monkeypatch.setattr("headroom_collector.energy.ipmi.stays_open", lambda: False)
        assert isinstance(ipmi_client(bmc, "geheim", 10, threads), IpmitoolClient)
