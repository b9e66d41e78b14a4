"""Sensors of the host's own controller, read as through /dev/ipmi0, from a simulated one."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.ipmi import PASSWORD, USER, Controller, controller
from rigs.need import engine

from headroom_agent.samplers.energy_ipmi import DcmiSource, SensorSource
from headroom_agent.samplers.energy_sources import SourceError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with controller(tmp_path_factory.mktemp("plain"), dcmi=False) as one:
        yield one


def command(one: Controller) -> tuple[str, ...]:
    lan = ("-I", "lanplus", "-H", "127.0.0.1", "-p", str(one.port), "-C", "3")
    return (str(engine("ipmitool")), *lan, "-U", USER, "-P", PASSWORD)


def listed(source: SensorSource) -> None:
    """Have the sensors listed, as a cycle would."""
    with pytest.raises(SourceError, match="are being listed"):
        source.watts(0)
    assert source._thread is not None
    source._thread.join(20)


def test_a_controller_without_dcmi_says_so_and_its_sensor_is_read(
    made: Controller, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="DCMI"):
        DcmiSource(command(made), timeout_seconds=10).watts(0)
    source = SensorSource(command(made), tmp_path / "sdr", timeout_seconds=10)
    listed(source)
    found = source.watts(10)
    assert (found.low, found.value, found.high) == pytest.approx((216, 240, 264))
    (made.folder / "power.raw").write_text("75\n")
    deadline = time.monotonic() + 10
    while source.watts(20).value != 300:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("script", "told"),
    [("exit 0", "none is the server's input"), ("sleep 9", "no answer within 0.2 s")],
)
def test_a_controller_whose_sensors_tell_nothing_is_left_alone_for_an_hour(
    script: str, told: str, tmp_path: Path
) -> None:
    tool = tmp_path / "ipmitool"
    tool.write_text(f"#!/bin/sh\necho >> {tmp_path}/calls\n{script}\n")
    tool.chmod(0o700)
    source = SensorSource((str(tool),), tmp_path / "sdr", listing_seconds=0.2)
    listed(source)
    calls = (tmp_path / "calls").read_text()
    for seconds in (10, 3599):
        with pytest.raises(SourceError, match=told):
            source.watts(seconds)
    assert (tmp_path / "calls").read_text() == calls
    with pytest.raises(SourceError):
        source.watts(3601)
    assert source._thread is not None
    source._thread.join(20)
    assert (tmp_path / "calls").read_text() != calls
