"""What one host has further down: run queue, clocks, memory in detail, disks, network, NUMA, guests."""

from headroom_dashboards.frame import Band
from headroom_dashboards.pages.parts import chart, rate
from headroom_dashboards.pages.variables import HOST
from headroom_dashboards.query import Query, here


def of(name: str, *matchers: str) -> str:
    """Return a selector of a metric of the chosen hosts."""
    return here(name, HOST, *matchers)


def grown(name: str, *matchers: str) -> str:
    """Return a counter's growth a second on the chosen hosts."""
    return rate(name, HOST, *matchers)


QUEUE = Band(
    8,
    [
        (6, chart("Waiting in the run queue", "Seconds a second that tasks were ready and waited for"
            " a CPU.", "short",
            Query(f"sum by (host) ({grown('headroom_host_run_queue_wait_seconds_total')})", "{{host}}"))),
        (6, chart("Longest run queues", "Seconds a second that tasks waited for one logical CPU, the"
            " 10 highest.", "short",
            Query(f"topk(10, {grown('headroom_cpu_run_queue_wait_seconds_total')})",
                "{{host}} {{cpu}}"))),
        (6, chart("Load and tasks", "Load averages over 1 and 15 minutes, and tasks that run or wait"
            " for a disk, of all chosen hosts.", "short",
            Query(f"sum({of('headroom_host_load1')})", "load over 1 minute"),
            Query(f"sum({of('headroom_host_load15')})", "load over 15 minutes"),
            Query(f"sum({of('headroom_host_processes_running')})", "running"),
            Query(f"sum({of('headroom_host_processes_blocked')})", "waiting for a disk"))),
        (6, chart("Clocks", "Mean clock of the logical CPUs as the kernel sees it.",
            "hertz", Query(of("headroom_host_cpu_frequency_hertz"), "{{host}}"))),
    ],
    "Run queue and clocks",
)  # fmt: skip
MEMORY_DETAIL = Band(
    8,
    [
        (6, chart("Swapping", "Bytes a second read back from swap space and written to it.", "Bps",
            Query(f"sum by (direction) ({grown('headroom_host_swap_bytes_total')})",
                "{{direction}}"))),
        (6, chart("Swap, huge pages and sharing", "Swap space, huge pages set aside and free, and what"
            " sharing equal pages saves.", "bytes",
            Query(f"sum({of('headroom_host_memory_swap_total_bytes')})", "swap space"),
            Query(f"sum({of('headroom_host_memory_huge_total_bytes')})", "huge pages"),
            Query(f"sum({of('headroom_host_memory_huge_free_bytes')})", "huge pages, free"),
            Query(f"sum({of('headroom_host_memory_ksm_saved_bytes')})", "saved by sharing"))),
        (6, chart("Memory by NUMA node", "Memory used and free by NUMA node.", "bytes",
            Query(f"sum by (node) ({of('headroom_numa_memory_used_bytes')})", "{{node}} used"),
            Query(f"sum by (node) ({of('headroom_numa_memory_free_bytes')})", "{{node}} free"))),
        (6, chart("Killed for want of memory", "Processes a second that the kernel killed for want of"
            " memory.", "ops",
            Query(f"sum by (host) ({grown('headroom_host_out_of_memory_kills_total')})", "{{host}}"))),
    ],
    "Memory in detail",
)  # fmt: skip
DISK_DETAIL = Band(
    8,
    [
        (8, chart("Disk operations", "Operations a second, by disk.", "ops",
            Query(f"sum by (device, direction) ({grown('headroom_disk_operations_total')})",
                "{{device}} {{direction}}"))),
        (8, chart("Time of disk operations", "Seconds a second that operations took together, by disk:"
            " above 1 they queue.", "short",
            Query(f"sum by (device, direction) ({grown('headroom_disk_operation_seconds_total')})",
                "{{device}} {{direction}}"))),
        (8, chart("Busy disks", "Share of time in which a disk was busy, the 10 highest.",
            "percentunit", Query(f"topk(10, {grown('headroom_disk_busy_seconds_total')})",
                "{{host}} {{device}}"))),
    ],
    "Disks in detail",
)  # fmt: skip
NETWORK_DETAIL = Band(
    8,
    [
        (8, chart("Packets", "Packets a second, by interface.", "pps",
            Query(f"sum by (interface, direction) ({grown('headroom_interface_packets_total')})",
                "{{interface}} {{direction}}"))),
        (8, chart("Errors and drops", "Packets a second that were broken or dropped, by interface.",
            "pps",
            Query(f"sum by (interface, direction) ({grown('headroom_interface_errors_total')})",
                "{{interface}} {{direction}}, errors"),
            Query(f"sum by (interface, direction) ({grown('headroom_interface_drops_total')})",
                "{{interface}} {{direction}}, drops"))),
        (8, chart("Links that are up", "Interfaces whose link is up, by host.", "short",
            Query(f"sum by (host) ({of('headroom_interface_up')})", "{{host}}"))),
    ],
    "Network in detail",
)  # fmt: skip
GUESTS = Band(
    8,
    [
        (6, chart("Virtual machines by state", "Virtual machines by libvirt's state.", "short",
            Query(f"sum by (state) ({of('headroom_host_domains')})", "{{state}}"))),
        (6, chart("Defined and stuck", "Virtual machines that libvirt knows, those that keep it"
            " waiting, and hosts whose hypervisor did not answer in time.", "short",
            Query(f"sum({of('headroom_host_domains_defined')})", "defined"),
            Query(f"sum({of('headroom_host_domains_quarantined')})", "keep libvirt waiting"),
            Query(f"sum({of('headroom_host_domains_stale')})", "hosts without an answer"))),
        (6, chart("Promised vCPUs", "Virtual CPUs of the running virtual machines.", "short",
            Query(of("headroom_host_vcpus_running"), "{{host}}"))),
        (6, chart("Promised memory", "Memory promised to the running virtual machines, as a multiple"
            " of the host's own: above 1 it is overcommitted.", "short",
            Query(of("headroom_host_domains_memory_per_physical"), "{{host}}"))),
    ],
    "Guests",
)  # fmt: skip
