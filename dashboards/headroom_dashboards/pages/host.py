"""The dashboard "Host": one host, or some side by side, in detail."""

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.bands.detail import (
    DISK_DETAIL,
    GUESTS,
    MEMORY_DETAIL,
    NETWORK_DETAIL,
    QUEUE,
)
from headroom_dashboards.bands.utilisation import against
from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure, rate
from headroom_dashboards.pages.variables import HOST, alert_marks, host_variables
from headroom_dashboards.panels import Column, Panel, Table, Thresholds, TimeSeries
from headroom_dashboards.query import READING, Query, here, once

UID = "headroom-host"


def of(name: str, *matchers: str) -> str:
    """Return a selector of a metric of the chosen hosts."""
    return here(name, HOST, *matchers)


def grown(name: str, *matchers: str) -> str:
    """Return a counter's growth a second on the chosen hosts."""
    return rate(name, HOST, *matchers)


RUNNING = of("headroom_host_domains", 'state="running"')
STATES = grown("headroom_host_cpu_seconds_total", 'state!="idle"')
MEMORY = f"{of('headroom_host_memory_used_bytes')} / {of('headroom_host_memory_total_bytes')}"


def now(colours: Thresholds) -> Band:
    """Return the strip of what is now."""
    busy = f"avg({of('headroom_host_cpu_utilisation_ratio')})"
    return Band(
        4,
        [
            (4, figure("CPU", "Busy share of the logical CPUs, mean of the chosen hosts.",
                "percentunit", busy, colours, 1)),
            (4, figure("Memory", "Used of total memory, highest of the chosen hosts.",
                "percentunit", f"max({MEMORY})", Thresholds("green", [(0.9, "red")]), 1)),
            (4, figure("Running VMs", "Virtual machines that run on the chosen hosts.", "short",
                f"sum({RUNNING})", decimals=0)),
            (4, figure("vCPUs per core", "Virtual CPUs promised by physical core, highest.",
                "short", f"max({of('headroom_host_vcpus_per_core')})", decimals=1)),
            (4, figure("Up for", "Time since the last boot, shortest of the chosen hosts.", "s",
                f"min({of('headroom_host_uptime_seconds')})")),
            (4, figure("Alerts firing", "Alerts about the chosen hosts that fire now.", "short",
                f"sum({of('headroom_alert_firing')}) or vector(0)",
                Thresholds("green", [(1, "red")]), 0)),
        ],
    )  # fmt: skip


def cpu(colours: Thresholds) -> Band:
    """Return the strip about the processors."""
    busy = Panel(
        "CPU against the ceiling",
        "Busy share of all logical CPUs, mean over 5 minutes; the red line is the ceiling.",
        [Query(f"avg_over_time({of('headroom_host_cpu_utilisation_ratio')}[5m])", "{{host}}")],
        "percentunit",
        colours,
        minimum=0,
    )
    return Band(
        9,
        [
            (12, TimeSeries(busy, line=True)),
            (12, chart("CPU by state", "CPUs' worth of time by state, idle left out.", "short",
                Query(f"sum by (state) ({STATES})", "{{state}}"), stack=True)),
        ],
        "Processors",
    )  # fmt: skip


WAITING = Band(
    8,
    [
        (8, chart("Pressure", "Share of time in which tasks waited for a resource.", "percentunit",
            Query("max by (resource) (" + grown("headroom_host_pressure_seconds_total", 'kind="some"')
                + ")", "{{resource}}"))),
        (8, chart("Steal", "Share of CPUs that a hypervisor took from this guest.", "percentunit",
            Query(of("headroom_host_cpu_steal_ratio"), "{{host}}"))),
        (8, chart("Busiest logical CPUs", "Busy share of the 10 busiest logical CPUs.", "percentunit",
            Query(f"topk(10, {grown('headroom_cpu_busy_seconds_total')})", "{{host}} {{cpu}}"))),
    ],
    "Waiting",
)  # fmt: skip
MEMORIES = Band(
    8,
    [
        (8, chart("Memory by use", "Memory used, the page cache, and what is free to take.", "bytes",
            Query(f"sum({of('headroom_host_memory_used_bytes')})", "used"),
            Query(f"sum({of('headroom_host_memory_cached_bytes')})", "page cache"),
            Query(f"sum({of('headroom_host_memory_available_bytes')})", "available"))),
        (8, chart("Swap", "Swap space in use.", "bytes",
            Query(of("headroom_host_memory_swap_used_bytes"), "{{host}}"))),
        (8, chart("Disks", "Bytes read and written a second, by disk.", "Bps",
            Query("sum by (device, direction) (" + grown("headroom_disk_bytes_total") + ")",
                "{{device}} {{direction}}"))),
    ],
    "Memory and disks",
)  # fmt: skip
NETWORK = Band(
    8,
    [
        (8, chart("Network", "Bytes received and sent a second, by interface.", "Bps",
            Query("sum by (interface, direction) (" + grown("headroom_interface_bytes_total") + ")",
                "{{interface}} {{direction}}"))),
        (8, chart("Power", "Power by what it measures and how it is known; do not add them up.",
            "watt", Query("sum by (quantity, kind, source) ("
                + once(of("headroom_energy_power_watts"), *READING) + ")", "{{quantity}}, {{kind}} ({{source}})"))),
        (8, chart("Temperatures", "Temperature by sensor, the highest of the chosen hosts.",
            "celsius", Query(f"max by (sensor) ({of('headroom_temperature_celsius')})",
                "{{sensor}}"),
            Query(f"min({of('headroom_temperature_critical_celsius')})", "lowest critical one"))),
    ],
    "Network, power and temperature",
)  # fmt: skip
VMS = Panel(
    "Virtual machines",
    "Virtual machines of the chosen hosts, with what they use now.",
    [
        Query(f"max by (host, vm) ({of('headroom_vm_cpu_utilisation_ratio')})", instant=True, table=True),
        Query(f"max by (host, vm) ({of('headroom_vm_vcpus')})", instant=True, table=True),
        Query(f"max by (host, vm) ({of('headroom_vm_memory_bytes')})", instant=True, table=True),
    ],
    "short",
)  # fmt: skip


def host(ceiling: Ceiling, rule: Rule) -> Page:
    """Return the dashboard; thresholds are those of ``ceiling`` and ``rule``."""
    colours = against(ceiling, rule)
    columns = [
        Column("CPU", "percentunit", 1),
        Column("vCPUs", decimals=0),
        Column("Memory", "bytes"),
    ]
    table = Table(VMS, {"host": "Host", "vm": "Virtual machine"}, columns)
    return Page(
        uid=UID,
        title="Host",
        description="One host, or some side by side: processors, waiting, memory, disks, network,"
        " power and virtual machines.",
        variables=host_variables(),
        marks=alert_marks(),
        bands=[now(colours), cpu(colours), WAITING, MEMORIES, NETWORK, GUESTS, QUEUE, MEMORY_DETAIL,
            DISK_DETAIL, NETWORK_DETAIL, Band(9, [(24, table)], "Virtual machines")],
    )  # fmt: skip
