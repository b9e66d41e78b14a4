"""A wall clock that is stepped under a running agent."""

import mmap
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rigs.delivery import field as field_module
from rigs.delivery.field import Actor, Field

SOURCE = Path(field_module.__file__).with_name("clock.c")
HOUR = 3_600 * 10**9
STEPS = {
    "+2 h": 2 * HOUR,
    "-2 h": -2 * HOUR,
    "+1 year": 365 * 24 * HOUR,
    "to 1971": -55 * 365 * 24 * HOUR,
}


class Steps:
    """The offset that the shim adds to the wall clock, changed while the process runs."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), 8)

    def to(self, offset: int) -> None:
        self._page[:8] = struct.pack("q", offset)


@pytest.fixture
def steps(field_: Field) -> Steps:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: the clock's shim cannot be built")
    shim, file = field_.folder / "clock.so", field_.folder / "offset"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", shim, SOURCE, "-ldl"], check=True)
    made = Steps(file)
    field_.env = {"LD_PRELOAD": str(shim), "STEP_FILE": str(file)}
    made.to(STEPS["+1 year"])
    asked = [sys.executable, "-c", "import time; print(time.time_ns())"]
    told = subprocess.run(asked, env=os.environ | field_.env, capture_output=True, check=True)
    assert int(told.stdout) > time.time_ns() + STEPS["+1 year"] // 2, "the shim does nothing"
    made.to(0)
    return made


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_agents_clock_loses_and_doubles_nothing(
    field_: Field, steps: Steps, table, long: int, step: str
) -> None:
    sender: Actor = field_.sender(None, "--pause", "0.02")
    field_.env = {}
    receiver = field_.receiver()
    receiver.start()
    field_.start(sender)
    for _ in range(long):
        field_.grow()
        receiver.kill()  # so that batches from before and after the step wait together
        field_.grow()
        steps.to(STEPS[step])
        field_.grow()
        steps.to(0)
        field_.grow()
        receiver.start()
        field_.drained()
    assert field_.dropped() == 0
    table.note(f"clock of the agent {step}", long, field_.finish(sender, receiver))
