"""IPMI over LAN against a simulated controller, with and without DCMI."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.ipmi import PASSWORD, USER, Controller, controller
from rigs.need import engine

from headroom_collector.energy.ipmitool import IpmitoolClient
from headroom_collector.energy.reading import BmcError
from headroom_core.energy_ipmi import DcmiError, parse_dcmi, parse_sensors

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def dcmi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with controller(tmp_path_factory.mktemp("dcmi"), dcmi=True) as made:
        yield made


def client(made: Controller, password: str = PASSWORD) -> IpmitoolClient:
    return IpmitoolClient(made.address, USER, password, "administrator", str(engine("ipmitool")))


async def test_dcmi_is_read_and_follows_the_server(dcmi: Controller) -> None:
    for watts in (217, 480):
        dcmi.says(watts)
        found = await client(dcmi).read()
        assert (found.watts, found.source) == (watts, "ipmi_lan")
        assert found.basis == "IPMI DCMI power reading"


@pytest.mark.parametrize(("watts", "state"), [(0, 0x40), (217, 0)])
async def test_no_dcmi_reading_falls_back_to_the_sensor(
    dcmi: Controller, watts: int, state: int
) -> None:
    dcmi.says(watts, state)
    found = await client(dcmi).read()
    assert (found.watts, found.basis) == (240, "IPMI sensors")


async def test_a_controller_without_dcmi_has_sensors(tmp_path: Path) -> None:
    with controller(tmp_path, dcmi=False) as made:
        asked = client(made)
        assert (await asked.read()).watts == 240
        assert (await asked.read()).basis == "IPMI sensors"


async def test_a_wrong_password_is_one_line_without_the_password(dcmi: Controller) -> None:
    with pytest.raises(BmcError, match="IPMI: no session") as caught:
        await client(dcmi, "wrong").read()
    assert "wrong" not in str(caught.value)


async def test_a_level_that_is_not_enough_is_named(dcmi: Controller) -> None:
    asked = IpmitoolClient(dcmi.address, USER, PASSWORD, "user", str(engine("ipmitool")))
    with pytest.raises(BmcError, match="privilege user is not enough"):
        await asked.read()


async def test_a_missing_tool_says_what_to_install() -> None:
    with pytest.raises(BmcError, match="apt-get install ipmitool"):
        await IpmitoolClient("127.0.0.1:1", USER, PASSWORD, ipmitool="/nowhere/tool").read()


@pytest.mark.parametrize("text", ["", "garbage", "Instantaneous power reading: x Watts"])
def test_text_without_a_reading_is_no_reading(text: str) -> None:
    with pytest.raises(DcmiError):
        parse_dcmi(text)
    with pytest.raises(DcmiError, match="none is the server's input"):
        parse_sensors(text)


def test_a_sensor_of_the_whole_goes_before_its_power_supplies() -> None:
    supplies = (
        "PS1 Input Power  | 120.000    | Watts      | ok    | na\n"
        "PS2 Input Power  | 100.000    | Watts      | ok    | na\n"
        "CPU1 Power       | 90.000     | Watts      | ok    | na\n"
        "Inlet Temp       | 22.000     | degrees C  | ok    | na\n"
    )
    assert parse_sensors(supplies) == 220
    assert parse_sensors(supplies + "Pwr Consumption  | 217.000 | Watts | ok\n") == 217
