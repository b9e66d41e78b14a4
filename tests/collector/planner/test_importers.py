"""What VMware, Proxmox and Hyper-V export becomes a folder that is planned."""

import json
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from headroom_collector.cli.__main__ import make
from headroom_collector.cli.client import CliError
from headroom_collector.consolidation.importers.convert import convert
from headroom_collector.consolidation.planner.folder import read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.plan import plan

INFO: list[list[Any]] = [
    ["VM", "Powerstate", "Template", "CPUs", "Memory", "Host", "Cluster"],
    ["web", "poweredOn", "False", 2, "4,096", "esx1", "prod"],
    ["db", "poweredOn", "False", 4, "8,192", "esx2", "prod"],
    ["old", "poweredOff", "False", 1, "1,024", "esx2", "prod"],
    ["golden", "poweredOff", "True", 1, "1,024", "esx2", "prod"],
]
HOST: list[list[Any]] = [
    ["Host", "Datacenter", "Cluster", "CPU Model", "Speed", "# CPU", "# Cores", "# Memory"],
    ["esx1", "paris", "prod", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 2100, 2, 32, 262_144],
    ["esx2", "paris", "prod", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 2100, 2, 32, 262_144],
]


@pytest.fixture
def stats(tmp_path):
    """A performance CSV of PowerCLI, of half-hour means."""
    lines = ["#TYPE Selected", '"Entity","Timestamp","MetricId","Instance","Value"']
    for hour in range(8):
        for vm, mhz in (("web", 400 + 10 * hour), ("db", 900)):
            at = f"3/1/2026 {hour // 2:02}:{30 * (hour % 2):02}:00"
            lines.append(f'"{vm}","{at}","cpu.usagemhz.average","","{mhz}"')
            lines.append(f'"{vm}","{at}","mem.consumed.average","","2097152"')
            lines.append(f'"{vm}","{at}","cpu.usagemhz.average","0","1"')
    lines.append('"gone","3/1/2026 00:00:00","cpu.usagemhz.average","","5"')
    path = tmp_path / "stats.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def workbook(tmp_path):
    book = Workbook()
    book.remove(book.active)
    for name, rows in (("vInfo", INFO), ("vHost", HOST)):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "RVTools.xlsx")
    return tmp_path / "RVTools.xlsx"


def test_an_rvtools_workbook_and_its_performance_are_planned(workbook, stats, tmp_path):
    found = convert("vmware", workbook, [stats], tmp_path / "estate")
    assert (found.hosts, found.vms, found.samples) == (2, 3, 16)
    assert found.notes == ("1 names in the samples are no VM and left out, such as gone",)
    problem = read_folder(tmp_path / "estate")
    assert problem.samples == 48  # each half-hour mean stands for its six intervals
    assert (problem.known == 1).all()
    rows = dict(zip([vm.name for vm in problem.vms], problem.demand.tolist(), strict=True))
    assert rows["web"][0] == 400
    assert rows["web"][-1] == 470
    assert set(rows["old"]) == {0}
    host = problem.hosts[0]
    assert (host.site, host.cpu_vendor, host.capacity_mhz) == ("paris", "Intel", 67_200)
    assert len(plan(problem, Options(time_limit=0.2)).kept) == 1


def test_the_sheets_may_be_csv_with_semicolons(stats, tmp_path):
    folder = tmp_path / "rvtools"
    folder.mkdir()
    for name, rows in (("vInfo", INFO), ("vHost", HOST)):
        text = "\n".join(";".join(str(cell) for cell in row) for row in rows)
        (folder / f"RVTools_tab{name}.csv").write_text(text)
    assert convert("vmware", folder, [stats], tmp_path / "estate").vms == 3


def test_proxmox(tmp_path):
    folder = tmp_path / "pve"
    folder.mkdir()
    gib = 1 << 30
    rows = [
        {"type": "node", "node": "pve1", "maxcpu": 32, "maxmem": 128 * gib},
        {"type": "node", "node": "pve2", "maxcpu": 32, "maxmem": 128 * gib},
        {"type": "storage", "storage": "local"},
    ]
    for vmid, node in ((100, "pve1"), (101, "pve2")):
        rows.append(
            {
                "type": "qemu",
                "vmid": vmid,
                "name": "web",
                "node": node,
                "maxcpu": 4,
                "maxmem": 8 * gib,
                "status": "running",
            }
        )
        points = [{"time": 1_700_000_100 + 1800 * n, "cpu": 0.5, "mem": gib} for n in range(4)]
        (folder / f"rrd-{vmid}.json").write_text(json.dumps([*points, {"time": 1, "mem": 0}]))
    (folder / "resources.json").write_text(json.dumps(rows))
    facts = {"mhz": 2000, "cores": 16, "model": "x"}
    (folder / "nodes.json").write_text(json.dumps({"pve1": facts, "pve2": facts}))
    convert("proxmox", folder, [], tmp_path / "estate")
    problem = read_folder(tmp_path / "estate")
    assert {vm.name for vm in problem.vms} == {"web (100)", "web (101)"}
    # Half of 4 of 32 threads, on 16 cores of 2,000 MHz.
    assert problem.demand.max() == 2000
    assert len(plan(problem, Options(time_limit=0.2)).kept) == 1


def test_hyperv(tmp_path):
    folder = tmp_path / "hyperv"
    folder.mkdir()
    (folder / "hosts.csv").write_text(
        "Name,Cores,LogicalProcessorCount,MaxClockSpeed,MemoryCapacity,Cluster\n"
        "hv1,16,32,2000,137438953472,c1\nhv2,16,32,2000,137438953472,c1\n"
    )
    (folder / "vms.csv").write_text(
        "Name,ComputerName,ProcessorCount,MemoryAssigned,MemoryStartup,State\n"
        "a,hv1,4,4294967296,0,Running\nb,hv2,4,0,4294967296,Off\n"
    )
    (folder / "usage.csv").write_text(
        "VMName,Timestamp,CPUUsage,MemoryMB\n"
        "a,2026-03-01T00:00:00Z,50,2048\na,2026-03-01T00:05:00Z,25,2048\n"
    )
    convert("hyperv", folder, [], tmp_path / "estate")
    problem = read_folder(tmp_path / "estate")
    assert problem.demand.tolist() == [[2000, 1000], [0, 0]]
    assert {vm.memory_mib for vm in problem.vms} == {4096}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda p: (p / "vms.csv").write_text("Name,ComputerName\n"),
            "'ProcessorCount' is missing",
        ),
        (lambda p: (p / "usage.csv").write_text(""), "usage.csv is empty"),
        (
            lambda p: (p / "usage.csv").write_text("VMName,Timestamp,CPUUsageMHz\na,soon,1\n"),
            "Timestamp is 'soon': expected a time",
        ),
        (
            lambda p: (p / "usage.csv").write_text(
                "VMName,Timestamp,CPUUsageMHz\nx,2026-03-01,1\n"
            ),
            "no sample of a known VM",
        ),
    ],
)
def test_a_faulty_export_is_one_line(tmp_path, edit, message):
    folder = tmp_path / "hyperv"
    folder.mkdir()
    (folder / "hosts.csv").write_text("Name,Cores,MaxClockSpeed,MemoryCapacity\nh,8,2000,1e10\n")
    (folder / "vms.csv").write_text("Name,ComputerName,ProcessorCount,MemoryAssigned\na,h,1,1e9\n")
    (folder / "usage.csv").write_text("VMName,Timestamp,CPUUsageMHz\na,2026-03-01,1\n")
    edit(folder)
    with pytest.raises(PlanError, match=message):
        convert("hyperv", folder, [], tmp_path / "estate")


def test_the_command_says_what_comes_next(workbook, stats, tmp_path):
    out = str(tmp_path / "estate")
    asked = ["plans", "import", "vmware", str(workbook), "--performance", str(stats), "--out", out]
    result = CliRunner().invoke(make(), asked)
    assert result.exit_code == 0, result.output
    assert f"headroom plan --from {out}" in result.output.replace("\n", "")
    wrong = CliRunner().invoke(make(), ["plans", "import", "xen", str(workbook), "--out", out])
    assert isinstance(wrong.exception, CliError)
    assert "expected vmware, proxmox, hyperv" in str(wrong.exception)
