"""A small estate in DuckDB tables with the shape of the store's views."""

import json
from dataclasses import dataclass, field

import duckdb
import pytest

from headroom_collector.store.api import HostRow
from headroom_core.estate import Member, Placement, Status
from headroom_proto.catalogue import catalogue

MINUTE = 60 * 1_000_000_000
NOW = 1_790_000_000 * 1_000_000_000 // (5 * MINUTE) * 5 * MINUTE
GIB = 2**30


@dataclass
class Hosts:
    """An estate whose places are written down in the test."""

    places: dict = field(default_factory=dict)
    retired: set = field(default_factory=set)
    renamed: dict = field(default_factory=dict)
    classes: dict = field(default_factory=dict)

    def member(self, host):
        host = self.renamed.get(host, host)
        site, cluster = self.places.get(host, ("paris", "web"))
        placement = Placement(site, cluster, self.classes.get(host, ""), assigned=True)
        return Member(host, placement, Status.RETIRED if host in self.retired else Status.PRESENT)


class Readings:
    """A reader over tables that a test fills row by row."""

    def __init__(self):
        self.connection = duckdb.connect()
        for kind in ("host", "energy"):
            columns = ", ".join(
                f"{c.field} {'BIGINT' if c.integer else 'DOUBLE'}"
                for c in catalogue().kind(kind).columns
            )
            self.connection.execute(
                f"CREATE TABLE {kind}_sample (time BIGINT, host_id INTEGER, thing_id INTEGER,"
                f" commit_id BIGINT, {columns})"
            )
        rolled = ", ".join(
            f"{c.field}_mean DOUBLE, {c.field}_max DOUBLE"
            for c in catalogue().kind("host").columns
            if c.type == "gauge"
        )
        self.connection.execute(
            "CREATE TABLE host_5m (time BIGINT, host_id INTEGER, thing_id INTEGER,"
            f" samples INTEGER, {rolled})"
        )
        self.connection.execute("CREATE TABLE dirty (kind VARCHAR, bucket BIGINT)")
        self.connection.execute(
            "CREATE TABLE things (id INTEGER, host_id INTEGER, labels JSON,"
            " kind VARCHAR, key VARCHAR, last_seen BIGINT)"
        )
        self.rows = {}

    def query(self, sql, parameters=()):
        cursor = self.connection.cursor()
        return cursor.sql(sql, params=list(parameters)).to_arrow_table()

    def hosts(self):
        return list(self.rows.values())

    def host(self, name, *, heard=NOW, first=0, interval=60.0, simulated=False, **facts):
        row = HostRow(
            id=len(self.rows) + 1,
            name=name,
            simulated=simulated,
            first_seen=first,
            last_seen=heard,
            received=heard,
            goodbye=None,
            agent_version="1",
            interval_seconds=interval,
            facts={"cores": 16, "threads": 32, "memory_bytes": 64 * GIB} | facts,
        )
        self.rows[name] = row
        return row

    def insert(self, table, **values):
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())
        )

    def sample(self, row, at, **values):
        self.insert("host_sample", time=at, host_id=row.id, thing_id=0, commit_id=1, **values)

    def rolled(self, row, at, cpu, samples=5, memory=None):
        self.insert(
            "host_5m",
            time=at,
            host_id=row.id,
            thing_id=0,
            samples=samples,
            cpu_utilisation_ratio_mean=cpu,
            memory_used_bytes_max=memory,
            memory_total_bytes_max=None if memory is None else 64 * GIB,
        )

    def power(
        self, row, watts, *, domain="host", quantity="wall", source="model", kind="modelled"
    ):
        ((things,),) = self.connection.execute("SELECT count(*) FROM things").fetchall()
        thing = int(things) + 1
        labels = {"domain": domain, "quantity": quantity, "source": source, "kind": kind}
        self.insert("things", id=thing, host_id=row.id, labels=json.dumps(labels))
        self.insert(
            "energy_sample",
            time=NOW - MINUTE,
            host_id=row.id,
            thing_id=thing,
            commit_id=1,
            power_watts=watts,
        )


@pytest.fixture
def readings():
    return Readings()


@pytest.fixture
def estate():
    return Hosts()
