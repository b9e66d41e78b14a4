"""Every captured host gives what its expected.json says."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from headroom_agent.config import AgentConfig
from headroom_agent.lane import attempt
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, Sampler
from headroom_agent.samplers.libvirt import LibvirtSampler
from headroom_agent.samplers.registry import close, host_samplers
from headroom_agent.schedule import Merger, Part

HOSTS = Path(__file__).parent.parent / "hosts"
NAMES = sorted(path.name for path in HOSTS.iterdir() if path.is_dir())
START = 1_795_487_164 * 10**9


def read_host(folder: Path, root: Path, notices: Notices) -> list[dict[str, Any]]:
    """Sample proc, then proc2 where there is one, 10 s later; a dictionary for each step."""
    procfs = root / "proc"
    config = AgentConfig(procfs=procfs, sysfs=folder / "sys", etc=folder / "etc")
    host, merger = host_samplers(config, notices), Merger()
    samplers: list[Sampler] = list(host)
    if (folder / "domains.xml").exists():
        # libvirt's test driver is a hypervisor that reads its domains from a file.
        uri = f"test://{folder / 'domains.xml'}"
        samplers.append(LibvirtSampler(uri, folder / "proc", deadline_seconds=20.0))
    steps = []
    for step, name in enumerate(("proc", "proc2")):
        if not (folder / name).is_dir():
            continue
        close(tuple(host))  # another folder under the same name: what is kept open has to go
        procfs.unlink(missing_ok=True)
        procfs.symlink_to(folder / name)
        now = Moment(START + step * 10**10, (1458 + 10 * step) * 10**9)
        outcomes = [attempt(sampler, now, lambda: 0.0) for sampler in samplers]
        parts = [Part(o.sampler, o.cycle) for o in outcomes if o.cycle is not None]
        merged = merger.merge(now, parts)
        merged.vms.sort(key=lambda vm: vm.name)
        if merged.HasField("facts"):
            merged.facts.ClearField("hypervisor")  # holds the version of this machine's libvirt
        cycle = MessageToDict(merged, preserving_proto_field_name=True)
        faults = {o.sampler: o.fault for o in outcomes if o.fault}
        no_data = {o.sampler: o.no_data for o in outcomes if o.no_data}
        steps.append({"cycle": cycle, "faults": faults, "no_data": no_data})
    close(tuple(samplers))
    return steps


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_host_gives_what_is_expected(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = json.loads((HOSTS / name / "expected.json").read_text())
    found = read_host(HOSTS / name, tmp_path, Notices(logging.getLogger("hosts")))
    said = [record.getMessage() for record in caplog.records]
    text = json.dumps({"steps": found, "said": said})
    text = text.replace(str(tmp_path), "ROOT").replace(str(HOSTS / name), "HOST")
    assert json.loads(text) == expected


def test_there_are_captured_hosts() -> None:
    assert len(NAMES) >= 12
    assert {"small-guest", "two-sockets", "hotplug", "epyc-128", "container", "arm64"} <= set(
        NAMES
    )
