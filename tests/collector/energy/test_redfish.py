"""Redfish: the power is found whichever way a controller tells it, and what is none is not taken."""

from typing import Any

import httpx
import pytest
from rigs import redfish
from rigs.redfish import PASSWORD, USER, Service, serving

from headroom_collector.energy.reading import BmcError, PowerReading
from headroom_collector.energy.redfish import RedfishClient

pytestmark = pytest.mark.anyio


def client(service: Service, password: str = PASSWORD, timeout: float = 5.0) -> RedfishClient:
    return RedfishClient(
        httpx.AsyncClient(base_url=service.url, auth=(USER, password), timeout=timeout)
    )


async def read(documents: dict[str, Any]) -> PowerReading:
    with serving(documents) as service:
        asked = client(service)
        try:
            return await asked.read()
        finally:
            await asked.close()


@pytest.mark.parametrize(
    ("documents", "watts", "basis"),
    [
        (redfish.new(374.5), 374.5, "EnvironmentMetrics PowerWatts"),
        (redfish.supplies(120, 110.5), 230.5, "PowerSupplies InputPowerWatts"),
        (redfish.supplies(120, None), 120, "PowerSupplies InputPowerWatts"),
        (redfish.old(344), 344, "PowerControl PowerConsumedWatts"),
        (
            redfish.old(None, PowerSupplies=[{"PowerInputWatts": 90}, {"PowerInputWatts": 80}]),
            170,
            "PowerSupplies PowerInputWatts",
        ),
        (
            redfish.old(0, PowerSupplies=[{"Oem": {"Huawei": {"PowerInputWatts": 120}}}]),
            120,
            "PowerSupplies PowerInputWatts",
        ),
        (redfish.fujitsu(150), 150, "maker's own field"),
        (redfish.old(None, Oem={"Public": {"TotalPower": 210}}), 210, "maker's own field"),
    ],
)
async def test_each_generation_is_read(
    documents: dict[str, Any], watts: float, basis: str
) -> None:
    found = await read(documents)
    assert (found.watts, found.source, found.basis) == (watts, "redfish", f"Redfish {basis}")


@pytest.mark.parametrize(
    "documents",
    [
        redfish.old(0),
        redfish.old(None),
        redfish.old("217 W"),
        redfish.old(-5),
        redfish.old(1e9),
        redfish.old(True),
        redfish.new(0),
        redfish.supplies(0, None),
        redfish.tree({}),
        {},
        {redfish.CHASSIS: {"Members": "none"}},
        {redfish.CHASSIS: []},
    ],
)
async def test_no_reading_is_never_zero_watts(documents: dict[str, Any]) -> None:
    with pytest.raises(BmcError, match="no chassis has a reading"):
        await read(documents)


async def test_a_wrong_password_is_told_from_other_faults() -> None:
    with serving(redfish.old(300)) as service:
        asked = client(service, "wrong")
        with pytest.raises(BmcError, match="not accepted") as caught:
            await asked.read()
        await asked.close()
    assert caught.value.refused


@pytest.mark.parametrize(("status", "told"), [(500, "answered 500"), (503, "answered 503")])
async def test_a_controller_in_trouble_is_named(status: int, told: str) -> None:
    with serving(redfish.old(300)) as service:
        service.status = status
        asked = client(service)
        with pytest.raises(BmcError, match=told):
            await asked.read()
        await asked.close()


async def test_an_answer_that_is_no_document_is_named() -> None:
    with pytest.raises(BmcError, match="is no JSON"):
        await read({redfish.CHASSIS: b"<html>"})


async def test_nobody_there_is_one_line() -> None:
    with serving(redfish.old(300)) as service:
        pass
    asked = client(service)
    with pytest.raises(BmcError, match="Redfish: "):
        await asked.read()
    await asked.close()


async def test_the_way_is_remembered_and_looked_for_again_when_it_dries_up() -> None:
    with serving(redfish.new(300)) as service:
        asked = client(service)
        await asked.read()
        before = len(service.asked)
        assert (await asked.read()).watts == 300
        assert len(service.asked) == before + 1
        service.documents = redfish.old(280)
        assert (await asked.read()).basis == "Redfish PowerControl PowerConsumedWatts"
        await asked.close()
