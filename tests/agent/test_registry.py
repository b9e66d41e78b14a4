"""Which samplers a host gets, and when a hypervisor is looked for."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from headroom_agent.config import AgentConfig, Intervals, Switches
from headroom_agent.notices import Notices
from headroom_agent.samplers import registry
from headroom_agent.samplers.registry import Self, build, find_hypervisor

OWN = Self(lambda: None, lambda: None)
ALL_OFF = Switches(**dict.fromkeys(Switches.__dataclass_fields__, False))


def names(config: AgentConfig, run: Path) -> list[str]:
    samplers = build(config, Notices(logging.getLogger("registry")), OWN, run)
    try:
        return [sampler.name for sampler in samplers]
    finally:
        registry.close(samplers)


def test_each_sampler_can_be_switched_off(tmp_path: Path) -> None:
    assert names(AgentConfig(samplers=ALL_OFF), tmp_path) == []
    every = set(names(AgentConfig(), tmp_path))
    for switch in ALL_OFF.__dataclass_fields__:
        rest = names(AgentConfig(samplers=replace(Switches(), **{switch: False})), tmp_path)
        gone = every - set(rest)
        assert gone <= {switch} or switch == "energy"
        assert "cpu" in rest or switch == "cpu"


def test_each_sampler_has_its_interval(tmp_path: Path) -> None:
    every = Intervals(**dict.fromkeys(Intervals.__dataclass_fields__, 7.0))
    notices = Notices(logging.getLogger("registry"))
    for sampler in build(AgentConfig(intervals=every), notices, OWN, tmp_path):
        assert sampler.interval_seconds == 7.0, sampler.name
    assert set(Intervals.__dataclass_fields__) == {
        *Switches.__dataclass_fields__,
        "cores",
        "guests",
    }


def test_no_two_samplers_have_one_name(tmp_path: Path) -> None:
    found = names(AgentConfig(libvirt_uri="test:///default"), tmp_path)
    assert len(found) == len(set(found))
    assert {"cpu", "libvirt"} <= set(found)


def test_a_hypervisor_is_looked_for_where_its_daemon_listens(tmp_path: Path) -> None:
    config = AgentConfig()
    assert find_hypervisor(config, tmp_path) == ""
    (tmp_path / "libvirt").mkdir()
    (tmp_path / "libvirt/virtqemud-sock-ro").touch()
    assert find_hypervisor(config, tmp_path) == "qemu:///system"
    configured = AgentConfig(libvirt_uri="test:///default")
    assert find_hypervisor(configured, tmp_path) == "test:///default"


def test_without_libvirt_python_one_line_says_so_and_the_host_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, notices = AgentConfig(libvirt_uri="qemu:///system"), Notices(logging.getLogger("x"))
    found = [s.name for s in build(config, notices, OWN, tmp_path, installed=lambda _: False)]
    assert "cpu" in found
    assert "libvirt" not in found
    assert [record.getMessage() for record in caplog.records] == [
        (
            "virtual machines of qemu:///system are not read: libvirt-python is not installed; "
            "pip install 'headroom[libvirt]', or [samplers] libvirt = false"
        )
    ]
