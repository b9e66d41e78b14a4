"""The dashboard "Virtual machine": what one uses, waits for and costs in energy."""

from headroom_dashboards.frame import Band, Page
from headroom_dashboards.pages.parts import chart, figure, rate
from headroom_dashboards.pages.variables import HOST, VM, vm_variables
from headroom_dashboards.query import SHARE, Query, here, once

UID = "headroom-vm"
NAMES = "{{host}} / {{vm}}"


def of(name: str, *matchers: str) -> str:
    """Return a selector of a metric of the chosen virtual machines."""
    return here(name, HOST, VM, *matchers)


NOW = Band(
    4,
    [
        (6, figure("Virtual machines", "Virtual machines that are chosen and known now.", "short",
            f"count({of('headroom_vm_vcpus')})", decimals=0)),
        (6, figure("vCPUs", "Virtual CPUs of the chosen ones.", "short",
            f"sum({of('headroom_vm_vcpus')})", decimals=0)),
        (6, figure("CPU", "Share of their virtual CPUs that is used, mean.", "percentunit",
            f"avg({of('headroom_vm_cpu_utilisation_ratio')})", decimals=1)),
        (6, figure("Memory", "Memory given to the chosen ones.", "bytes",
            f"sum({of('headroom_vm_memory_bytes')})")),
    ],
)  # fmt: skip
USE = Band(
    9,
    [
        (12, chart("CPU over time", "Share of its virtual CPUs that each uses, the 20 highest.", "percentunit",
            Query(f"topk(20, {of('headroom_vm_cpu_utilisation_ratio')})", NAMES))),
        (12, chart("CPU time", "Physical CPUs' worth of time that each takes, the 20 highest.",
            "short", Query(f"topk(20, {rate('headroom_vm_cpu_seconds_total', HOST, VM)})", NAMES))),
    ],
    "Processors",
)  # fmt: skip
WAIT = Band(
    8,
    [
        (8, chart("Waiting for a CPU", "Seconds a second that virtual CPUs wait for a physical one.",
            "short", Query(f"topk(20, {rate('headroom_vm_steal_seconds_total', HOST, VM)})", NAMES))),
        (8, chart("Memory that is resident", "Host memory that each one's process holds.", "bytes",
            Query(f"topk(20, {of('headroom_vm_memory_resident_bytes')})", NAMES))),
        (8, chart("Power", "Share of the host's power that is each one's, the 20 highest; an"
            " attribution, not a measurement.", "watt",
            Query("topk(20, sum by (host, vm, quantity) ("
                + once(of("headroom_vm_energy_power_watts"), *SHARE) + "))", NAMES + ", {{quantity}}"))),
    ],
    "Waiting, memory and power",
)  # fmt: skip
STATE = Band(
    8,
    [
        (12, chart("Machines that keep libvirt waiting", "1 where a virtual machine keeps libvirt"
            " waiting and is left out of its slow figures.", "short",
            Query(f"{of('headroom_vm_quarantined')} > 0", NAMES))),
        (12, chart("State", "libvirt's state: 1 running, 3 paused, 5 shut off, 6 crashed.", "short",
            Query(of("headroom_vm_state_code"), NAMES))),
    ],
    "State",
)  # fmt: skip


def vm() -> Page:
    """Return the dashboard."""
    return Page(
        uid=UID,
        title="Virtual machine",
        description="What virtual machines use, what they wait for, and their share of the power.",
        variables=vm_variables(),
        marks=[],
        bands=[NOW, USE, WAIT, STATE],
    )
