"""Texts of the rules that ship, in English."""

from collections.abc import Mapping

from headroom_collector.alerts.text import Text
from headroom_core.rules import AGENT_SILENT, MANY_SILENT

ENGLISH: Mapping[str, Text] = {
    "HostAboveCeiling": Text(
        "{host} is above its CPU ceiling: {value}, ceiling {level}",
        "{host} is no longer above its CPU ceiling: {value}, ceiling {level}",
        "CPU of {host} was {value} on average over the last {window}; its ceiling is {level}.",
        "Work on it may be slowed down, and it has no room for what a failed host would hand over.",
        "see which virtual machines use the CPU, move one to a host below its ceiling, or put the"
        " host in maintenance if this is expected.",
    ),
    "HostMemoryFull": Text(
        "{host} is short of memory: {value} used, limit {level}",
        "{host} is no longer short of memory: {value} used, limit {level}",
        "{value} of the memory of {host} was in use over the last {window}; the limit is {level}.",
        "The host is about to swap or to kill processes.",
        "move a virtual machine away, or give it less memory.",
    ),
    "HostSteal": Text(
        "{host} waits for CPUs that others use: steal {value}, limit {level}",
        "{host} gets its CPUs again: steal {value}, limit {level}",
        "The hypervisor took {value} of the CPU time of {host} over the last {window}; the limit is"
        " {level}.",
        "The hypervisor below is packed too densely: its guests already feel it.",
        "find the hypervisor that this machine runs on, and take work off it.",
    ),
    "HostCpuPressure": Text(
        "Tasks on {host} wait for a CPU: {value} of the time, limit {level}",
        "Tasks on {host} no longer wait for a CPU: {value} of the time, limit {level}",
        "Over the last {window} some task on {host} waited for a CPU {value} of the time; the limit"
        " is {level}.",
        "Whatever the CPU figure says, work on this host is being slowed down.",
        "move a virtual machine away, or look for one that is limited to too few CPUs.",
    ),
    "HostVmDensity": Text(
        "{host} has promised {value} virtual CPUs a core, limit {level}",
        "{host} has promised {value} virtual CPUs a core again, limit {level}",
        "The running virtual machines of {host} have {value} virtual CPUs for each core; the limit"
        " is {level}.",
        "Should they all want their CPUs at once, there will not be enough.",
        "place new virtual machines elsewhere.",
    ),
    "HostIdle": Text(
        "{host} does nothing: CPU at most {value} in {window}, limit {level}",
        "{host} works again: CPU {value}, limit {level}",
        "The busiest 5 minutes of {host} in the last {window} used {value} of its CPU; the limit is"
        " {level}.",
        "It costs power, licences and support, and does no work that anybody would miss.",
        "ask its owner; empty it and switch it off (`headroom waste` says what it costs), or retire"
        " it: headroom hosts retire {host}.",
    ),
    "ClusterNearCeiling": Text(
        "{host} reaches its ceiling in {value}, limit {level}",
        "{host} has time again until its ceiling: {value}, limit {level}",
        "By its trend the CPU of cluster {host} reaches the ceiling in {value}; the limit is"
        " {level}.",
        "From then on a busy weekday has no room for what a failed host would hand over.",
        "see `headroom forecast`; free capacity (`headroom waste`, `headroom plan`) or order some in"
        " time.",
    ),
    "EnergyAboveBudget": Text(
        "{host} draws more power than its budget: {value}, budget {level}",
        "{host} is within its power budget again: {value}, budget {level}",
        "{host} drew {value} on average over the last {window}; its budget is {level}.",
        "It costs more than was planned, and may come near what its circuits and cooling allow.",
        "see which hosts draw it; idle ones can be emptied and switched off (`headroom plan`).",
    ),
    AGENT_SILENT: Text(
        "{host} is silent: nothing from its agent for {value}",
        "{host} reports again",
        "The agent on {host} sent nothing for {value}.",
        "The host is down, its network is, or the agent stopped. Its other alerts stay as they are.",
        "see whether the host answers; on it, `headroom-agent doctor` says what is wrong. If it was"
        " switched off for good: headroom hosts retire {host}.",
    ),
    MANY_SILENT: Text(
        "{value} of the agents are silent at once",
        "The agents report again: {value} are silent",
        "{value} of the agents sent nothing lately; more than {level} at once is one fault, not many.",
        "The network or this collector is the likely cause. No page is sent for the single hosts.",
        "check the network between the agents and the collector, then `headroom doctor`.",
    ),
    "CollectorSlow": Text(
        "The collector's store is slow: {value} a commit, limit {level}",
        "The collector's store is quick again: {value} a commit",
        "A commit took {value} over the last {window}; the limit is {level}.",
        "Agents wait for their acknowledgements; nothing is lost while their spools have room.",
        "look at the disk of the collector: is it full, or busy with something else?",
    ),
    "CollectorDiskFull": Text(
        "The collector's disk is nearly full: {value} free, limit {level}",
        "The collector's disk has room again: {value} free",
        "{value} of the disk of the collector was free over the last {window}; the limit is {level}.",
        "When it is full, nothing is stored: agents keep their samples until their spools are full.",
        "make room, or keep samples for fewer days (store.raw_days).",
    ),
    "CollectorRefuses": Text(
        "The collector refuses values: {value}, limit {level}",
        "The collector takes values again: {value}",
        "The collector refused {value} values a second over the last {window}; the limit is {level}.",
        "Agents send what cannot be true or is not known: those figures are missing.",
        "the collector's log names the agents and the reason; usually an agent is newer than the"
        " collector, or a clock is wrong.",
    ),
    "HostIdentityTwice": Text(
        "Two agents speak as the same host",
        "No second agent speaks as a host any more",
        "Over the last {window} {value} streams a second came in the name of a host that another speaks for.",
        "The second is refused and its host is not watched; one of the two is a clone, or not yours.",
        "the collector's audit log names host and addresses; stop the wrong one and enrol it anew.",
    ),
    "CollectorCannotNotify": Text(
        "Notifications do not get through: {value} wait",
        "Notifications get through again",
        "At least {value} notifications waited over the last {window}.",
        "A receiver of alerts does not accept what it is sent.",
        "`headroom alerts` says why; check the receiver's address and key.",
    ),
}
