"""Folders of files: read exactly, and refused with one clear line."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headroom_collector.consolidation.planner.folder import read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.plan import plan


@pytest.fixture
def folder(estate, tmp_path):
    """Return a sound folder of two hosts and two VMs."""
    estate.host("a", site="north", cpu_level=3, idle_watts=100).host("b", site="north")
    estate.vm("one", [100, 250], host="a", affinity="x").vm("two", [300, 0], host="b")
    return estate.write(tmp_path)


def series(folder, *rows, names=("vm", "timestamp", "cpu_mhz")):
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    types = (pa.string(), pa.int64(), pa.float64())
    arrays = [pa.array(list(one), kind) for one, kind in zip(columns, types, strict=True)]
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), folder / "demand.parquet")


def test_hosts_vms_and_demand_are_read(folder, estate):
    found = read_folder(folder)
    wanted = estate.problem()
    assert (found.demand == wanted.demand).all()
    assert [host.name for host in found.hosts] == ["a", "b"]
    assert found.hosts[0].idle_watts == 100
    assert found.hosts[1].idle_watts is None
    assert found.hosts[1].cpu_level is None
    assert (found.vms[0].host, found.vms[0].affinity) == (0, "x")
    assert found.start == wanted.start


def test_without_the_host_column_every_vm_is_new(folder):
    (folder / "vms.csv").write_text("vm,vcpus,memory_mib\none,1,10\ntwo,1,10\n")
    assert [vm.host for vm in read_folder(folder).vms] == [-1, -1]


def test_vms_may_be_numbers(folder):
    (folder / "vms.csv").write_text("vm,vcpus,memory_mib\n7,1,10\n")
    table = pa.table({"vm": pa.array([7], pa.int32()), "timestamp": [300], "cpu_mhz": [5.5]})
    pq.write_table(table, folder / "demand.parquet")
    assert read_folder(folder).demand.tolist() == [[6]]


def test_a_vm_that_two_hosts_report_while_it_migrates_is_counted_once(folder):
    series(folder, ("one", 0, 100.0), ("one", 10, 300.0), ("one", 299, 200.0), ("two", 0, 1.0))
    found = read_folder(folder)
    assert found.demand.tolist() == [[300], [1]]
    assert any("highest" in note for note in found.notes)


def test_a_clock_that_is_off_by_seconds_does_not_shift_a_sample(folder):
    series(folder, ("one", 300, 1.0), ("one", 600, 2.0), ("two", 301, 3.0), ("two", 899, 4.0))
    assert read_folder(folder).demand.tolist() == [[1, 2], [3, 4]]


def test_a_gap_is_no_zero_and_lowers_what_is_known(folder):
    series(folder, ("one", 0, 50.0), ("one", 600, 50.0), ("two", 0, 0.0), ("two", 300, None))
    found = read_folder(folder)
    assert found.demand[0].tolist() == [50, 50, 50]
    assert found.known.round(3).tolist() == [0.667, 0.333]


def test_a_vm_without_samples_stays_where_it_is(folder):
    series(folder, ("one", 0, 50.0))
    made = plan(read_folder(folder), Options(time_limit=0.1))
    assert made.placement == (1, 1) or made.placement[1] == 1
    assert made.aside[1] == "no sample of it is known"


def test_turbo_above_the_provisioned_clock_counts_in_full(folder):
    series(folder, ("one", 0, 40_000.0), ("two", 0, 1.0))
    assert read_folder(folder).demand.tolist() == [[40_000], [1]]


FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "no column": ("hosts.csv", "host,cores,core_mhz\n", "hosts.csv, line 1: column 'memory_mib'"),
    "odd column": (
        "vms.csv",
        "vm,vcpus,memory_mib,afinity\n",
        "vms.csv, line 1: column 'afinity' is unknown.*did you mean affinity",
    ),
    "no number": (
        "hosts.csv",
        "host,cores,core_mhz,memory_mib\na,two,1000,10\n",
        "hosts.csv, line 2: cores is 'two': expected a whole number",
    ),
    "negative": (
        "vms.csv",
        "vm,vcpus,memory_mib\none,1,-5\n",
        "vms.csv, line 2: memory_mib is '-5': expected a number from 0 on",
    ),
    "twice": (
        "vms.csv",
        "vm,vcpus,memory_mib\none,1,5\none,1,5\n",
        "vms.csv, line 3: vm is 'one': expected a name of its own; line 2",
    ),
    "no such host": (
        "vms.csv",
        "vm,vcpus,memory_mib,host\none,1,5,zz\n",
        "vms.csv, line 2: host is 'zz': expected a host of hosts.csv",
    ),
    "ragged": ("vms.csv", "vm,vcpus,memory_mib\none,1\n", "vms.csv, line 2: 2 cells: expected 3"),
    "empty": ("hosts.csv", "", "hosts.csv is empty"),
    "only a head": ("vms.csv", "vm,vcpus,memory_mib\n", "vms.csv has no line below its head"),
    "level": (
        "hosts.csv",
        "host,cores,core_mhz,memory_mib,cpu_level\na,1,1,1,new\n",
        "line 2: cpu_level is 'new': expected a number such as 3, or x86-64-v3",
    ),
    "unknown vm": ("vms.csv", "vm,vcpus,memory_mib\none,1,5\n", "row 2: vm is 'two'"),
    "no text": ("hosts.csv", b"\xff\xfe", "hosts.csv: byte 0 is no UTF-8"),
    "no parquet": ("demand.parquet", "vm,mhz\n", "demand.parquet: cannot be read as Parquet"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_one_line_with_its_place(folder, case):
    name, text, message = FAULTS[case]
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PlanError, match=message) as found:
        read_folder(folder)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("one", 0, -1.0)], "row 0: cpu_mhz is -1: expected a number from 0"),
        ([("one", None, 1.0)], "timestamp is empty in 1 rows"),
        ([(None, 0, 1.0)], "row 0: vm is None"),
        ([("one", 0, 1.0), ("two", 10**12, 1.0)], "timestamps span .* days"),
        ([], "has no row"),
    ],
)
def test_faulty_samples_are_refused(folder, rows, message):
    series(folder, *rows)
    with pytest.raises(PlanError, match=message):
        read_folder(folder)


def test_a_missing_file_is_named(folder):
    (folder / "demand.parquet").unlink()
    with pytest.raises(PlanError, match=r"demand\.parquet: no such file"):
        read_folder(folder)
    with pytest.raises(PlanError, match="no such folder"):
        read_folder(folder / "none")


def test_a_wrong_column_type_is_named(folder):
    pq.write_table(
        pa.table({"vm": ["one"], "timestamp": ["noon"], "cpu_mhz": np.ones(1)}),
        folder / "demand.parquet",
    )
    with pytest.raises(PlanError, match="timestamp is string: expected a timestamp"):
        read_folder(folder)
