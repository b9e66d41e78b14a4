"""Which samplers a host gets, and when a hypervisor is looked for."""

import logging
from pathlib import Path

import pytest

from headroom_agent.config import AgentConfig, Switches
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
    found = names(AgentConfig(samplers=Switches(pressure=False, energy=False)), tmp_path)
    assert found == ["cpu", "memory", "load", "uptime", "facts", "self"]


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
