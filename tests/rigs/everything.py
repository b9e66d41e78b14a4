"""An estate in which every metric of the catalogue has samples, the same for the same seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headroom_collector.store.api import COLLECTOR_HOST, Rows, StoreBatch, Thing, Value
from headroom_proto.catalogue import Column, Kind, catalogue

SECOND = 1_000_000_000
HOSTS = {"web-1": "paris/web", "web-2": "paris/web", "web-3": "paris/web", "db-1": "lyon/db",
    "db-2": "lyon/db", "stray": "/"}  # fmt: skip
INVENTORY = "host,site,cluster,class\nweb-*,paris,web,r640\ndb-*,lyon,db,r740\n"
CLASSES = {"paris/web": "r640", "lyon/db": "r740", "/": ""}
THINGS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "cpu": ({"cpu": "0"}, {"cpu": "1"}),
    "vm": ({"uuid": "u-1", "vm": "shop"}, {"uuid": "u-2", "vm": "mail"}),
    "energy": (
        {"domain": "host", "quantity": "wall", "source": "model", "kind": "modelled"},
        {"domain": "package-0", "quantity": "component", "source": "rapl", "kind": "measured"},
    ),
    "sampler": ({"sampler": "cpu"}, {"sampler": "memory"}),
    "headroom": ({"site": "paris", "cluster": "web"}, {"site": "lyon", "cluster": "db"}),
    "plan": (
        {"site": "paris", "cluster": "web", "mode": "repack"},
        {"site": "lyon", "cluster": "db", "mode": "repack"},
    ),
    "forecast": ({"site": "paris", "cluster": "web"}, {"site": "lyon", "cluster": "db"}),
    "ceiling": (
        {"site": "paris", "cluster": "web", "ceiling": "0.40"},
        {"site": "paris", "cluster": "web", "ceiling": "0.50"},
        {"site": "lyon", "cluster": "db", "ceiling": "0.40"},
    ),
    "alert": (
        {"alertname": "HostAboveCeiling", "host": "web-3", "severity": "warning"},
        {"alertname": "HostAboveCeiling", "host": "db-1", "severity": "warning"},
    ),
}


def around(host: str) -> Mapping[str, str]:
    """Return the labels of a host that its samples do not bring."""
    if host == COLLECTOR_HOST:
        return {}
    site, _, cluster = HOSTS[host].partition("/")
    return {"host": host, "site": site, "cluster": cluster, "class": CLASSES[HOSTS[host]]}


@dataclass
class Estate:
    """Batches of every host and of the collector, a cycle every ``seconds`` up to ``end``."""

    end: int
    minutes: int = 60
    seconds: int = 30
    seed: int = 11
    steady: bool = False
    """Counters grow evenly: every engine has the same rate of them, however it makes one."""

    def batches(self) -> Iterator[StoreBatch]:
        """Return one batch a producer with all its samples."""
        dice = random.Random(self.seed)
        for host in (*HOSTS, COLLECTOR_HOST):
            made = "agent" if host != COLLECTOR_HOST else "collector"
            kinds = [kind for kind in catalogue().kinds if kind.producer == made]
            rows = [part for kind in kinds for part in self._rows(dice, kind, host)]
            yield StoreBatch(
                host=host,
                epoch=host.encode(),
                seq=1,
                crc32=0,
                received=self.end,
                rows=rows,
                facts={"cores": 16, "threads": 32},
                interval_seconds=float(self.seconds),
            )

    def _rows(self, dice: random.Random, kind: Kind, host: str) -> Iterator[Rows]:
        if kind.name == "vm" and host.startswith("web-3"):
            return  # not every host has virtual machines
        made = {label.name: f"{label.name}-1" for label in kind.labels}
        for labels in THINGS.get(kind.name, (made,)):
            named = {**made, **labels}
            if kind.name == "vm":
                named["uuid"] = f"{host}-{named['uuid']}"
            key = "\x1f".join(named[label.name] for label in kind.labels if label.key)
            totals = {column.field: dice.randrange(1, 10**6) for column in kind.columns}
            start = self.end - self.minutes * 60 * SECOND + dice.randrange(1000) * 1_000_000
            for time in range(start, self.end + 1, self.seconds * SECOND):
                found = tuple(self._value(dice, column, totals, host) for column in kind.columns)
                yield Rows(kind.name, [(time, Thing(key, named), found)])

    def _value(
        self, dice: random.Random, column: Column, totals: dict[str, int], host: str
    ) -> Value:
        if not (self.steady and column.type == "counter"):
            return value(dice, column, totals, host)
        # Another slope for each thing and column; the clock's jitter is the same for all its samples.
        slope = 1 + (totals[column.field] & 63)
        totals[column.field] += 64 * slope
        return totals[column.field] if column.integer else float(totals[column.field])


LIKELY: Mapping[str, Value] = {
    "hosts_present": 12, "hosts_needed": 4, "hosts_freeable": 8, "hosts_kept": 5, "hosts_freed": 7,
    "hosts_freed_now": 2, "level_ratio": 0.21, "ceiling_ratio": 0.4, "vms_per_host": 3.4,
    "cpu_demand_ratio": 0.31, "trend_per_day_ratio": 0.0004, "trend_low_per_day_ratio": 0.0002,
    "trend_high_per_day_ratio": 0.0007, "ceiling_in_seconds": 4.1e7, "ceiling_earliest_seconds": 2.3e7,
    "power_saved_watts": 1750.0, "power_forecast_watts": 1250.0, "money_saved_per_year": 9100.0,
    "history_seconds": 2.6e6, "age_seconds": 2000.0, "memory_used_bytes": 48 << 30,
    "memory_total_bytes": 128 << 30, "memory_demand_bytes": 400 << 30,
}  # fmt: skip
"""Values that go with each other, so that pictures show what may be."""


def value(dice: random.Random, column: Column, totals: dict[str, int], host: str) -> Value:
    """Return a value as it may be; counters only grow, but for a reset now and then."""
    if column.type == "counter":
        grown = 0 if dice.random() < 0.005 else totals[column.field] + dice.randrange(1, 90)
        totals[column.field] = grown
        # No two of the same, so that the largest of them are not a matter of order.
        return grown if column.integer else grown + dice.random()
    if column.metric == "headroom_alert_firing":
        return int(dice.random() < 0.9)
    if column.field in LIKELY:
        return LIKELY[column.field]
    if column.integer:
        return dice.randrange(1, 12)
    if column.metric == "headroom_host_cpu_utilisation_ratio" and host == "stray":
        return dice.random() * 0.06  # it idles
    scale = {"ratio": 1.0, "watts": 300.0, "seconds": 3600.0}.get(column.unit, 1000.0)
    return dice.random() * scale
