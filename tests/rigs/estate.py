"""An estate in a real store: hosts with virtual machines, power, a past, an alert, a gap and waste."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from headroom_collector.store.api import Rows, Store, StoreBatch, Thing
from rigs.samples import SECOND, HandClock, values

GIB = 1024**3
MINUTE = 60 * SECOND
IDLE = 12
"""Of so many hosts one does nothing."""
PLACES = (("dc-north", "batch"), ("dc-north", "web"), ("dc-south", "db"))
POWER = {"domain": "host", "quantity": "wall", "source": "model", "kind": "modelled"}
HOSTILE = "<img src=x onerror=alert(1)>'\"&amp;{{ 7 * 7 }}\u202egpj"
"""A name of a virtual machine: hosts' names cannot be so, those come from certificates."""


@dataclass
class Filled:
    """A store that is filled host by host; ``seconds`` of samples, one each ``step``."""

    store: Store
    clock: HandClock
    vms: int = 4
    seconds: int = 600
    step: int = 60
    simulated: bool = True
    names: list[str] = field(default_factory=list)

    def hosts(self, count: int) -> None:
        """Let so many hosts report."""
        done = [self.store.append(self._batch(number)) for number in range(count)]
        for one in done:
            one.result(120)

    def inventory(self) -> str:
        """Return the inventory of these hosts."""
        return "".join(
            f'[hosts."{name}"]\nsite = "{PLACES[n % 3][0]}"\ncluster = "{PLACES[n % 3][1]}"\n'
            f"purchase_date = {2018 + n % 8}-06-01\n"
            for n, name in enumerate(self.names)
        )

    def _times(self) -> Iterator[int]:
        for back in range(self.seconds, -1, -self.step):
            yield self.clock.time - back * SECOND

    def _batch(self, number: int) -> StoreBatch:
        name = f"sim-{number:05}"
        self.names.append(name)
        rows = [*self._host(number), *self._vms(number)]
        return StoreBatch(
            host=name,
            epoch=name.encode().ljust(16, b"\0"),
            seq=1,
            crc32=0,
            received=self.clock.time,
            rows=rows,
            facts={"cores": 16, "threads": 32, "sockets": 2, "memory_bytes": 256 * GIB}
            | {"vendor": "Example", "model": f"R{number % 7}", "cpu_model": "Example 8268"},
            interval_seconds=float(self.step),
            simulated=self.simulated,
            agent_version="0.1.0",
        )

    def _host(self, number: int) -> Iterator[Rows]:
        made, watts = [], []
        for time in self._times():
            busy = busy_at(number, time)
            made.append(
                (
                    time,
                    Thing(),
                    values(
                        "host",
                        cpu_utilisation_ratio=busy,
                        cpus=32,
                        domains_running=self.vms,
                        vcpus_running=self.vms * 4,
                        memory_used_bytes=(40 + number % 160) * GIB,
                        memory_total_bytes=256 * GIB,
                    ),
                )
            )
            power = 120 + 260 * busy
            watts.append(
                (
                    time,
                    Thing("\x1f".join(POWER.values()), POWER),
                    values(
                        "energy",
                        power_watts=power,
                        power_low_watts=power * 0.8,
                        power_high_watts=power * 1.2,
                    ),
                )
            )
        yield Rows("host", made)
        yield Rows("energy", watts)
        yield Rows("agent", [(self.clock.time, Thing(), values("agent", spool_batches=0))])

    def _vms(self, number: int) -> Iterator[Rows]:
        made = []
        for guest in range(self.vms):
            uuid = f"{number:08x}-0000-4000-8000-{guest:012x}"
            name = HOSTILE if number == guest == 0 else f"app-{number:05}-{guest}"
            thing = Thing(uuid, {"uuid": uuid, "vm": name})
            for time in self._times():
                known = values(
                    "vm",
                    state=1,
                    vcpus=4,
                    cpu_utilisation_ratio=busy_at(number * 7 + guest, time),
                    memory_bytes=8 * GIB,
                    memory_resident_bytes=5 * GIB,
                )
                made.append((time, thing, known))
        if made:
            yield Rows("vm", made)

    def past(self, days: int = 2) -> None:
        """Give hosts, virtual machines and power 5-minute values of their past."""
        first = self.clock.time - days * 86_400 * SECOND
        wave = "(1 + 0.3 * sin(s / 45.8 + t.id) + 0.1 * sin(s * 7.1 + t.id))"
        quiet = f"CASE WHEN t.host_id % {IDLE} = 5 THEN 0.004 ELSE"
        host = f"{quiet} (0.06 + 0.1 * (t.host_id % 7) / 7.0) * {wave} END"
        vm = f"{quiet} (0.08 + 0.2 * (t.id % 11) / 11.0) * {wave} END"
        columns = {
            "host": {"cpu_utilisation_ratio_mean": host, "cpu_utilisation_ratio_max": host},
            "vm": {
                "cpu_utilisation_ratio_mean": vm,
                "cpu_utilisation_ratio_max": vm,
                "vcpus_max": "4",
                "state_mean": "1",
                "memory_bytes_max": str(8 * GIB),
                "memory_resident_bytes_max": str(5 * GIB),
            },
            "energy": {
                "power_watts_mean": f"120 + 260 * ({host})",
                "power_low_watts_mean": f"0.8 * (120 + 260 * ({host}))",
                "power_high_watts_mean": f"1.2 * (120 + 260 * ({host}))",
            },
        }

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            for kind, known in columns.items():
                cursor.execute(
                    f"INSERT INTO {kind}_5m (time, host_id, thing_id, samples, {', '.join(known)})"
                    f" SELECT ?::BIGINT - s * ?::BIGINT, t.host_id, t.id, 5,"
                    f" {', '.join(known.values())} FROM range(3, ?) r(s), things t"
                    " WHERE t.kind = ?",
                    [self.clock.time, 5 * MINUTE, days * 288, kind],
                )
            cursor.execute("UPDATE hosts SET first_seen = ?", [first])

        self.store.change(write).result(120)

    def gap(self, host: str, lost: int) -> None:
        """Let batches of a host be gone for good."""

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            cursor.execute(
                "INSERT INTO gaps (host_id, epoch, from_seq, to_seq, time)"
                " SELECT id, ''::BLOB, 1, ?, ? FROM hosts WHERE name = ?",
                [lost, self.clock.time, host],
            )

        self.store.change(write).result(60)


def busy_at(number: int, time: int) -> float:
    """Return how busy a host or a virtual machine is, 0 to 1."""
    if (number + 1) % IDLE == 5:
        return 0.004
    level = 0.05 + 0.42 * (number * 37 % 101 / 101) ** 2
    return level * (1 + 0.2 * math.sin(time / (600 * SECOND) + number))
