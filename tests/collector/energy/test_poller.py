"""Polling: every controller in its turn, the slow and the dead beside the others."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rigs import redfish
from rigs.ingest import HandClock, MemoryStore
from rigs.redfish import PASSWORD, USER, serving

from headroom_collector.energy.meter import HostMeter
from headroom_collector.energy.poller import Poller
from headroom_collector.energy.reading import BmcError, PowerReading
from headroom_collector.energy.settings import Polling, load_polling
from headroom_collector.energy.task import BmcTask
from headroom_core.settings import SettingsError

pytestmark = pytest.mark.anyio
QUICK = Polling(interval_seconds=0.05, timeout_seconds=0.2, slowest_seconds=60)


@dataclass
class Fake:
    """A client that answers, hangs or fails."""

    does: str = "answers"
    asked: int = 0

    async def read(self) -> PowerReading:
        self.asked += 1
        if self.does == "hangs":
            await asyncio.Event().wait()
        if self.does != "answers":
            raise BmcError(self.does, refused=self.does == "refused")
        return PowerReading(200, "redfish", "a figure")

    def keep(self) -> None:
        """Nothing ends."""

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Log:
    """Readings by host, and a way to wait for them."""

    readings: dict[str, int] = field(default_factory=dict)

    def took(self, host: str, reading: PowerReading) -> None:
        assert reading.watts == 200
        self.readings[host] = self.readings.get(host, 0) + 1

    async def until(self, host: str, count: int) -> None:
        async with asyncio.timeout(10):
            while self.readings.get(host, 0) < count:  # noqa: ASYNC110 - bounded, and no event to set
                await asyncio.sleep(0.01)


async def test_the_slow_and_the_dead_do_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log()
    clients = {f"host-{n}": Fake() for n in range(50)}
    clients |= {"slow": Fake("hangs"), "dead": Fake("no route"), "locked": Fake("refused")}
    poller = Poller(clients, QUICK, log.took)
    task = asyncio.create_task(poller.run())
    await asyncio.gather(*(log.until(f"host-{n}", 10) for n in range(50)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(log.readings) == {f"host-{n}" for n in range(50)}
    assert clients["locked"].asked == 1
    assert clients["dead"].asked < 10
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert any("no answer within 0.2 s" in line for line in said)


async def test_those_that_failed_take_no_place_from_one_that_answers() -> None:
    log = Log()
    clients = {f"dead-{n}": Fake("hangs") for n in range(40)} | {"alive": Fake()}
    few = Polling({}, interval_seconds=0.02, timeout_seconds=0.1, at_once=8, slowest_seconds=0.02)
    task = asyncio.create_task(Poller(clients, few, log.took).run())
    await log.until("alive", 50)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Through one gate, in their turn, it would be some 2,000 by then.
    assert sum(clients[f"dead-{n}"].asked for n in range(40)) < 500


async def test_one_that_answers_again_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fake = Fake("no route")
    poller = Poller({"a": fake}, QUICK, Log().took)
    assert await poller.ask("a") is not None
    assert await poller.ask("a") is not None
    fake.does = "answers"
    assert await poller.ask("a") is None
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
    assert (poller.readings, poller.failures) == (1, 2)


def test_energy_is_the_mean_of_two_readings_and_a_silence_is_a_gap() -> None:
    meter = HostMeter(longest_seconds=300)
    meter.take(PowerReading(100, "redfish", ""), 0)
    meter.take(PowerReading(300, "redfish", ""), 60)
    assert (meter.total, meter.gap_seconds) == (12_000_000_000, 0)
    meter.take(PowerReading(300, "redfish", ""), 1060)
    assert (meter.total, meter.gap_seconds) == (12_000_000_000, 1000)


def write(folder: Path, url: str, mode: int = 0o600) -> Path:
    password, file = folder / "password", folder / "bmcs.toml"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(mode)
    file.write_text(
        f'interval_seconds = 0.05\n[bmcs.db-01]\nkind = "redfish"\naddress = "{url}"\n'
        f'user = "{USER}"\npassword_file = "{password}"\n'
    )
    return file


async def test_readings_are_stored_under_their_hosts_and_say_nothing_of_an_agent(
    tmp_path: Path,
) -> None:
    store, clock = MemoryStore(), HandClock()
    with serving(redfish.new(310)) as service:
        task = BmcTask(store, write(tmp_path, service.url), clock, lambda n: b"e" * n)
        assert await task.poller.ask("db-01") is None
        await task.close()
    (batch,) = next(iter(store.kept.values())).values()
    assert (batch.host, batch.seq, batch.aside) == ("db-01", 1, True)
    ((_, thing, values),) = batch.rows[0].rows
    assert thing.labels["source"] == "redfish"
    assert 310 in values
    store.close()


async def test_without_a_file_nothing_is_polled_and_the_task_does_not_end() -> None:
    store = MemoryStore()
    task = BmcTask(store, None, HandClock(), lambda n: b"e" * n)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await task.run()
    store.close()


def test_a_password_that_others_may_read_is_refused(tmp_path: Path) -> None:
    polling = load_polling(write(tmp_path, "h", 0o644))
    with pytest.raises(SettingsError, match="others may read it"):
        polling.bmcs["db-01"].password()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("interval_seconds = 0", "expected more than 0"),
        (
            "[bmcs.a]\nkind = 'snmp'\naddress = 'a'\nuser = 'u'\npassword_file = 'p'",
            "redfish, ipmi",
        ),
        ("[bmcs.a]\nkinds = 'redfish'", "did you mean 'kind'"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "bmcs.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
        load_polling(file)


def test_the_sample_file_is_one() -> None:
    sample = Path(__file__).parents[3] / "deploy" / "config" / "bmcs.toml"
    assert load_polling(sample).bmcs["db-01"].kind == "redfish"
