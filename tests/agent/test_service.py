"""The process as it is installed: start, stop, and what it says when it cannot."""

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from rigs.peer import Listening, Peer, Pki
from rigs.ports import free_port

from headroom_agent.notices import Notices
from headroom_agent.spool import Limits, Spool
from headroom_proto.v1 import telemetry_pb2 as pb


class Service:
    """A real agent process."""

    def __init__(self, address: str, tls: Path, spool: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "headroom_agent", "--collector", address]
        command += ["--tls", str(tls), "--spool", str(spool), "--interval", "0.2", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def said(self, part: str) -> str:
        """Wait for a line with ``part``; the process's end comes first where there is none."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if part in line:
                return line
        raise AssertionError(f"{part!r} was not said: {seen}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(trustme.CA(), tmp_path / "pki")


@pytest.fixture
def services() -> Iterator[list[Service]]:
    made: list[Service] = []
    yield made
    for service in made:
        if service.process.poll() is None:
            service.process.kill()
        service.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_drains_says_goodbye_and_exits_with_0(
    pki: Pki, tmp_path: Path, services: list[Service], number: signal.Signals
) -> None:
    listening = Listening(pki, Peer()).start()
    spool = tmp_path / "spool.db"
    services.append(Service(listening.address, pki.agent(), spool))
    listening.peer.wait(lambda: listening.peer.high_water >= 3)
    assert services[0].stop(number) == 0
    assert listening.peer.goodbye.wait(10)
    listening.stop()
    cycles = [pb.Cycle.FromString(batch.payload) for batch in listening.peer.stored]
    assert cycles[0].facts.kernel
    assert not cycles[1].HasField("facts")
    assert not cycles[0].host.HasField("cpu_utilisation_ratio")
    assert all(0 <= cycle.host.cpu_utilisation_ratio <= 1 for cycle in cycles[1:])
    assert len({cycle.time_unix_nano for cycle in cycles}) == len(cycles)
    assert cycles[-1].agent.cycle_seconds > 0
    assert services[0].said("stopped; 0 batches wait in the spool")


def test_an_agent_that_was_started_first_sends_from_its_first_cycle_on(
    pki: Pki, tmp_path: Path, services: list[Service]
) -> None:
    listening = Listening(pki, Peer(), port=free_port())
    services.append(Service(listening.address, pki.agent(), tmp_path / "spool.db"))
    services[0].said("nothing listens there; is the collector running?")
    listening.start()
    listening.peer.wait(lambda: listening.peer.high_water >= 5)
    assert listening.peer.seqs()[:5] == [1, 2, 3, 4, 5]
    assert services[0].stop() == 0
    listening.stop()


def test_a_collector_that_begins_anew_gets_the_facts_again(
    pki: Pki, tmp_path: Path, services: list[Service]
) -> None:
    listening = Listening(pki, Peer()).start()
    services.append(Service(listening.address, pki.agent(), tmp_path / "spool.db"))
    listening.peer.wait(lambda: listening.peer.high_water >= 3)
    listening.stop()
    anew = Listening(pki, Peer(), port=listening.port).start()

    def facts() -> list[pb.HostFacts]:
        cycles = (pb.Cycle.FromString(batch.payload) for batch in anew.peer.stored)
        return [cycle.facts for cycle in cycles if cycle.HasField("facts")]

    anew.peer.wait(lambda: bool(facts()))
    assert facts()[0].kernel
    assert services[0].stop() == 0
    assert len(facts()) == 1
    anew.stop()


def test_what_could_not_be_sent_waits_for_the_next_start(
    pki: Pki, tmp_path: Path, services: list[Service]
) -> None:
    spool = tmp_path / "spool.db"
    address = f"127.0.0.1:{free_port()}"
    services.append(Service(address, pki.agent(), spool))
    services[0].said("nothing listens there")
    assert services[0].stop() == 0
    services[0].said("batches wait in the spool")
    kept = Spool(spool, Limits(), Notices(logging.getLogger("service")))
    waiting = [row.seq for row in kept.read(1, 1000, 10**9)]
    kept.close()
    assert waiting
    listening = Listening(pki, Peer(), port=int(address.rpartition(":")[2])).start()
    services.append(Service(address, pki.agent(), spool))
    listening.peer.wait(lambda: listening.peer.high_water > len(waiting))
    assert services[1].stop() == 0
    assert listening.peer.seqs()[: len(waiting)] == waiting == list(range(1, len(waiting) + 1))
    listening.stop()


def test_a_second_agent_on_the_same_spool_stops_with_one_line(
    pki: Pki, tmp_path: Path, services: list[Service]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    services.append(Service(address, pki.agent(), tmp_path / "spool.db"))
    services[0].said("reading this host")
    services.append(Service(address, pki.agent(), tmp_path / "spool.db"))
    assert services[1].process.wait(20) == 1
    assert services[1].process.stderr is not None
    lines = services[1].process.stderr.read().splitlines()
    assert len(lines) == 1
    assert "in use by another agent; stop it or give another with --spool FILE" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--collector", "nowhere"], "collector = 'nowhere': expected HOST:PORT"),
        (["--config", "/nowhere.toml"], "/nowhere.toml: cannot be read: No such file"),
        (["--interval", "-1"], "interval_seconds = -1.0: expected 0.05 to 3600"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(arguments: list[str], line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headroom_agent", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert line in done.stderr
