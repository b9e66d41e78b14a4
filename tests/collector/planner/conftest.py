"""Estates for the planner's tests: as Python objects, as a Problem, and as a folder of files."""

import csv
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headroom_collector.consolidation.planner.model import Host, Options, Problem, Vm
from headroom_collector.consolidation.planner.plan import plan
from headroom_collector.consolidation.planner.report import as_object

START = 1_700_000_100 // 300 * 300


def _load(name):
    """Import a module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(
        f"planner_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checker():
    """Return the independent checker of plans."""
    return _load("checker")


@pytest.fixture(scope="session")
def load():
    """Return the importer of this folder's modules."""
    return _load


def _host(row: dict[str, Any]) -> Host:
    columns = {key: value for key, value in row.items() if key != "host"}
    pools = frozenset(columns.pop("licence_pools", ()))
    return Host(name=row["host"], licence_pools=pools, **columns)


class Estate:
    """An estate in the making: hosts and VMs as dictionaries, demand as lists of MHz."""

    def __init__(self):
        self.hosts: dict[str, dict[str, Any]] = {}
        self.vms: dict[str, dict[str, Any]] = {}
        self.demand: dict[str, list[int]] = {}

    def host(self, name, *, cores=10, core_mhz=1000, memory_mib=10_000, **columns):
        self.hosts[name] = {
            "host": name,
            "cores": cores,
            "core_mhz": core_mhz,
            "memory_mib": memory_mib,
            **columns,
        }
        return self

    def vm(self, name, demand, *, memory_mib=100, vcpus=1, **columns):
        self.vms[name] = {"vm": name, "vcpus": vcpus, "memory_mib": memory_mib, **columns}
        self.demand[name] = list(demand)
        return self

    @property
    def facts(self):
        return {"hosts": self.hosts, "vms": self.vms, "demand": self.demand}

    def problem(self):
        names = list(self.hosts)
        hosts = [_host(row) for row in self.hosts.values()]
        vms = [
            Vm(
                name=name,
                host=names.index(row["host"]) if row.get("host") else -1,
                **{key: value for key, value in row.items() if key not in {"vm", "host"}},
            )
            for name, row in self.vms.items()
        ]
        demand = np.array([self.demand[name] for name in self.vms], dtype=np.int32)
        return Problem(tuple(hosts), tuple(vms), demand, np.ones(len(vms)), START)

    def plan(self, **options):
        options = {"time_limit": 0.15} | options
        return as_object(plan(self.problem(), Options(**options)))

    def write(self, folder):
        for file, rows in (("hosts.csv", self.hosts), ("vms.csv", self.vms)):
            columns = list(dict.fromkeys(key for row in rows.values() for key in row))
            with (folder / file).open("w", newline="") as target:
                writer = csv.DictWriter(target, columns, restval="")
                writer.writeheader()
                writer.writerows(rows.values())
        samples = [
            (name, START + 300 * at, float(value))
            for name, series in self.demand.items()
            for at, value in enumerate(series)
        ]
        table = pa.table(
            dict(zip(("vm", "timestamp", "cpu_mhz"), zip(*samples, strict=True), strict=True))
        )
        pq.write_table(table, folder / "demand.parquet")
        return folder


@pytest.fixture
def estate():
    """Return an empty estate."""
    return Estate()


def random_estate(rng, hosts, vms, samples=6, *, placed=False):
    """Return a small estate of mixed hosts and bursty VMs."""
    found = Estate()
    for at in range(hosts):
        found.host(
            f"h{at}",
            cores=int(rng.choice([4, 10])),
            memory_mib=int(rng.choice([2000, 4000])),
        )
    names = list(found.hosts)
    for at in range(vms):
        series = rng.integers(0, 300, samples)
        series[rng.integers(samples)] += rng.integers(0, 1300)
        host = {"host": names[at % hosts]} if placed else {}
        found.vm(f"v{at}", series.tolist(), memory_mib=int(rng.integers(100, 1200)), **host)
    return found


@pytest.fixture
def make_estate():
    """Return the maker of random small estates."""
    return random_estate
