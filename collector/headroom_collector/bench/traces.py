"""
Traces as estates: PlanetLab days and Bitbrains months as problems for the planner.

The sizes are those that research on consolidation has used since Beloglazov and Buyya 2012: hosts of
2 x 1,860 and 2 x 2,660 MHz, four kinds of VMs. The fleets are synthetic inventories under real
load shapes.
"""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.gaps import fill
from headroom_collector.consolidation.planner.model import NOWHERE, Host, Problem, Vm

DAYS = ("20110303", "20110306", "20110309", "20110322", "20110325", "20110403")
SAMPLES = 288
VM_MHZ = (2500, 2000, 1000, 500)
VM_MIB = (870, 1740, 1740, 613)
CLASSES = ((400, 16, 2600, 128), (400, 24, 2500, 256), (200, 32, 2600, 384))
"""Hosts, cores, MHz, GiB of the synthetic fleet."""
START = 1_299_110_400
SEED = 7


def shapes(folder: Path, day: str) -> NDArray[np.int64]:
    """Return a PlanetLab day as CPU percent, shape (VMs, samples)."""
    table = pq.read_table(folder / "planetlab" / f"{day}.parquet")
    vm, sample = table["vm"].to_numpy(), table["sample"].to_numpy()
    found = np.zeros((int(vm.max()) + 1, SAMPLES), dtype=np.int64)
    found[vm, sample] = table["cpu_percent"].to_numpy()
    return found


def planetlab(folder: Path, day: str, memory_mib: int, hosts: int = 800) -> Problem:
    """Return a PlanetLab day on hosts with so much memory."""
    percent = shapes(folder, day)
    count = len(percent)
    kind = np.arange(count) // -(-count // len(VM_MHZ))
    demand = -(-percent * np.array(VM_MHZ)[kind][:, None] // 100)
    return Problem(
        tuple(Host(f"h{at}", 2, (1860, 2660)[at % 2], memory_mib) for at in range(hosts)),
        tuple(Vm(f"v{at}", 1, VM_MIB[kind[at]]) for at in range(count)),
        demand.astype(np.int16),
        np.ones(count),
        START,
    )


def fleet(folder: Path, vms: int = 7500) -> Problem:
    """
    Return 1,000 hosts of three classes under PlanetLab's shapes.

    The days given hold fewer VMs than that: the others are VMs of theirs, shifted in time.
    """
    rng = np.random.default_rng(SEED)
    percent = np.concatenate([shapes(folder, day) for day in DAYS])
    pick = rng.permutation(len(percent))[:vms]
    rows = percent[pick]
    more = rng.integers(0, len(percent), max(0, vms - len(rows)))
    shift = rng.integers(1, SAMPLES, len(more))
    rolled = [np.roll(percent[at], by) for at, by in zip(more, shift, strict=True)]
    rows = np.concatenate([rows, np.array(rolled).reshape(-1, SAMPLES)])
    cpus = rng.choice([1, 2, 4, 8], vms, p=[0.35, 0.35, 0.2, 0.1])
    gib = cpus * rng.choice([1, 2, 4, 8], vms, p=[0.2, 0.35, 0.35, 0.1])
    demand = -(-rows * (cpus * 2600)[:, None] // 100)
    return Problem(
        _classes(),
        tuple(Vm(f"v{at}", int(cpus[at]), int(gib[at]) * 1024) for at in range(vms)),
        demand.astype(np.int16 if demand.max() < 2**15 else np.int32),
        np.ones(vms),
        START,
    )


def _classes() -> tuple[Host, ...]:
    return tuple(
        Host(f"h{kind}-{at}", cores, mhz, gib * 1024)
        for kind, (count, cores, mhz, gib) in enumerate(CLASSES)
        for at in range(count)
    )


def placed(problem: Problem, ceiling: float = 0.4) -> Problem:
    """Return the problem with every VM on some host, at random but under the ceiling."""
    rng = np.random.default_rng(5)
    hosts = problem.hosts
    size = np.array([host.capacity_mhz for host in hosts])
    load = np.zeros((len(hosts), problem.samples), dtype=np.int64)
    free = np.array([host.memory_mib for host in hosts])
    where = np.full(len(problem.vms), NOWHERE)
    for at in rng.permutation(len(problem.vms)).tolist():
        vm = problem.vms[at]
        for host in rng.choice(len(hosts), 60, p=size / size.sum()).tolist():
            new = load[host] + problem.demand[at]
            if free[host] >= vm.memory_mib and new.max() <= ceiling * size[host]:
                load[host], free[host], where[at] = new, free[host] - vm.memory_mib, host
                break
    vms = tuple(
        Vm(vm.name, vm.vcpus, vm.memory_mib, int(where[at])) for at, vm in enumerate(problem.vms)
    )
    return Problem(hosts, vms, problem.demand, problem.known, problem.start)


def bitbrains(folder: Path, vms: int, days: int, hosts: int) -> Problem:
    """
    Return a month's VMs, each copy shifted by whole days, on hosts of 64 x 2,600 MHz and 512 GiB.

    Gaps are filled as the planner fills them.
    """
    rng = np.random.default_rng(SEED)
    cpu, start = _month(folder, "2013-8", days)
    sizes = pq.read_table(folder / "bitbrains" / "2013-8-vms.parquet")
    pick = rng.integers(0, len(cpu), vms)
    shift = rng.integers(0, days, vms) * SAMPLES
    demand = np.empty((vms, cpu.shape[1]), dtype=cpu.dtype)
    for at in range(vms):
        demand[at] = np.roll(cpu[pick[at]], int(shift[at]))
    memory = np.ceil(sizes["memory_mib_provisioned"].to_numpy()).astype(int)
    cpus = sizes["vcpus"].to_numpy()
    return Problem(
        tuple(Host(f"h{at}", 64, 2600, 512 * 1024) for at in range(hosts)),
        tuple(Vm(f"v{at}", int(cpus[pick[at]]), int(memory[pick[at]])) for at in range(vms)),
        demand,
        np.ones(vms),
        start,
    )


def _month(folder: Path, month: str, days: int) -> tuple[NDArray[Any], int]:
    table = pq.read_table(folder / "bitbrains" / f"{month}.parquet")
    time, vm = table["timestamp"].to_numpy(), table["vm"].to_numpy()
    start = int(time.min())
    at = (time - start) // 300
    some = at < days * SAMPLES
    mhz = np.ceil(table["cpu_mhz"].to_numpy()[some] - 1e-6)
    width = np.int16 if mhz.max() < 2**15 else np.int32
    cpu = np.full((int(vm.max()) + 1, days * SAMPLES), -1, dtype=width)
    cpu[vm[some], at[some]] = mhz.astype(width)
    return fill(cpu, start)[0], start


def write(problem: Problem, folder: Path) -> None:
    """Write a problem as the folder that ``headroom plan --from`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "hosts.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("host", "cores", "core_mhz", "memory_mib"))
        lines.writerows((h.name, h.cores, h.core_mhz, h.memory_mib) for h in problem.hosts)
    with (folder / "vms.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("vm", "host", "vcpus", "memory_mib"))
        homes = [*(host.name for host in problem.hosts), ""]
        lines.writerows((vm.name, homes[vm.host], vm.vcpus, vm.memory_mib) for vm in problem.vms)
    count, samples = problem.demand.shape
    names = np.repeat(np.array([vm.name for vm in problem.vms]), samples)
    times = problem.start + 300 * np.tile(np.arange(samples), count)
    columns = {
        "vm": pa.array(names).dictionary_encode(),
        "timestamp": times,
        "cpu_mhz": problem.demand.reshape(-1).astype(np.float32),
    }
    pq.write_table(pa.table(columns), folder / "demand.parquet")


def main(arguments: list[str]) -> int:
    """Write a PlanetLab day as a folder: TRACES DAY MEMORY_GIB OUT."""
    if len(arguments) != 4 or not arguments[2].isdigit():
        sys.stderr.write("expected: TRACES DAY MEMORY_GIB OUT, such as data 20110303 16 estate\n")
        return 2
    traces, day, gib, out = arguments
    write(planetlab(Path(traces), day, int(gib) * 1024), Path(out))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
