"""The sampler that the agent's page shows runs as it stands there."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headroom_agent.notices import Notices
from headroom_agent.sampler import take_moment
from headroom_agent.schedule import Merger, Schedule
from headroom_proto.v1 import telemetry_pb2 as pb

PAGE = Path(__file__).parents[2] / "docs/agent.md"
Machines = list[tuple[str, str, bool]]


def sampler(list_machines: Callable[[], Machines]) -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["Machines"](list_machines)


def cycle(list_machines: Callable[[], Machines]) -> pb.Cycle:
    schedule = Schedule((sampler(list_machines),), 5.0, Notices(logging.getLogger("page")))
    now = take_moment()
    try:
        return Merger().merge(now, schedule.run(now))
    finally:
        schedule.close()


def test_the_pages_sampler_counts_and_names_its_machines() -> None:
    found = cycle(lambda: [("u-1", "web", True), ("u-2", "db", False)])
    assert (found.host.domains_defined, found.host.domains_running) == (2, 1)
    assert [(vm.name, vm.state) for vm in found.vms] == [("web", 1), ("db", 5)]
    assert found.samplers[0].up == 1


def test_the_pages_sampler_says_what_is_missing_and_what_fails() -> None:
    def absent() -> Machines:
        raise FileNotFoundError

    def broken() -> Machines:
        raise PermissionError(13, "Permission denied")

    assert cycle(absent).samplers[0].up == 1
    assert cycle(broken).samplers[0].up == 0
