"""Made-up hosts for the agent's benchmark: one of many CPUs, and one of many virtual machines."""

from pathlib import Path

COLLECTD = """\
Interval 1
BaseDir "{folder}"
PIDFile "{folder}/pid"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin csv
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
"""
COLLECTD_HOST = """\
LoadPlugin cpu
LoadPlugin memory
LoadPlugin load
LoadPlugin disk
LoadPlugin interface
LoadPlugin contextswitch
LoadPlugin uptime
"""
COLLECTD_VIRT = """\
LoadPlugin virt
<Plugin virt>
  Connection "{uri}"
  RefreshInterval 60
  ExtraStats "cpu_util domain_state pcpu vcpu memory"
</Plugin>
"""
EVERY_CYCLE = """\
[intervals]
disks = 0
interfaces = 0
numa = 0
paging = 0
"""
"""By default these come once a minute; node_exporter and collectd read them every time."""
DOMAIN = """\
<domain type='test'><name>vm-{number}</name><uuid>00000000-0000-4000-8000-{number:012d}</uuid>
<memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>
"""
COPIED = (
    "meminfo",
    "loadavg",
    "uptime",
    "vmstat",
    "diskstats",
    "net/dev",
    "pressure/cpu",
    "pressure/io",
    "pressure/memory",
    "sys/kernel/osrelease",
    "sys/kernel/random/boot_id",
)
INTERRUPTS = 4000


def many_cpus(procfs: Path, cpus: int) -> Path:
    """Make a /proc with that many CPUs and 4,000 interrupts; the rest is this machine's."""
    for name in COPIED:
        source, target = Path("/proc") / name, procfs / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    rows = [
        f"cpu{n} {98765432 + n} 12345 {4567890 + n} 987654321 4321 0 9876 0 0 0"
        for n in range(cpus)
    ]
    total = (
        f"cpu  {98765432 * cpus} {12345 * cpus} {4567890 * cpus} {987654321 * cpus} 0 0 0 0 0 0"
    )
    interrupts = "intr 123456789" + " 12345" * INTERRUPTS
    tail = ["ctxt 987654321", "btime 1790000000", "processes 12345678", "procs_running 9"]
    lines = [total, *rows, interrupts, *tail, "procs_blocked 1", "softirq 1 2 3", ""]
    (procfs / "stat").write_text("\n".join(lines))
    waits = [f"cpu{n} 0 0 0 0 0 0 98765432109876 12345678901 123456789" for n in range(cpus)]
    (procfs / "schedstat").write_text(
        "\n".join(["version 15", "timestamp 4297299139", *waits, ""])
    )
    block = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].split("\n", 1)[1]
    blocks = [f"processor\t: {n}\n{block}\n" for n in range(cpus)]
    (procfs / "cpuinfo").write_text("\n".join(blocks))
    return procfs


def domains(path: Path, count: int) -> str:
    """Write that many virtual machines for libvirt's test driver; returns its URI."""
    path.write_text(f"<node>{''.join(DOMAIN.format(number=n) for n in range(count))}</node>")
    return f"test://{path}"


def every_cycle(path: Path) -> Path:
    """Write the agents' configuration."""
    path.write_text(EVERY_CYCLE)
    return path
