"""Words of the page in English; every text that a person reads on it is here."""

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    # Fixed texts of the page, by the name that a template asks for.
    "lang": "en",
    "title": "Headroom",
    "skip": "Skip to the hosts",
    "headline_label": "What the estate needs",
    "figures_label": "Figures now",
    "as_of": "As of",
    "alerts": "Open alerts",
    "clusters": "Clusters",
    "hosts": "Hosts",
    "host": "Host",
    "cluster": "Cluster",
    "cpu_now": "CPU now",
    "cpu_hour": "CPU, last hour",
    "vms": "VMs",
    "memory": "Memory",
    "power": "Power",
    "state": "State, last sample",
    "rule": "Alert",
    "value": "CPU, 5 min mean",
    "since": "Since",
    "present": "Hosts",
    "needed": "Needed",
    "freeable": "Could be freed",
    "density": "VMs a host",
    "history": "Rests on",
    "alerts_caption": "Alerts that fire, oldest first",
    "clusters_caption": "Hosts present, needed at least and freeable at most, a cluster",
    "hosts_caption": "Hosts, the busiest first; the mark in each bar is the host's ceiling",
    "filter": "Show only hosts with",
    "no_match": "No host shown here has that in its name, place or state.",
    "reading": "The same as JSON",
    "metrics": "Metrics",
    "api": "API",
    "trio_present": "hosts present",
    "trio_needed": "needed at least",
    "trio_freeable": "could be freed at most",
    # Sentences, made of figures.
    "nobody": "No host reports yet.",
    "nobody_hint": "Start an agent on a host: headroom-agent --collector {grpc}",
    "run": "You run {hosts}.",
    "bound": (
        "You run {hosts}; the measured work needs at least {needed} under the {ceiling} ceiling; "
        "up to {freeable} could be freed."
    ),
    "bound_none_free": (
        "You run {hosts}; the measured work needs at least {needed} under the {ceiling} ceiling; "
        "none can be freed."
    ),
    "bound_short": (
        "You run {hosts}; under the {ceiling} ceiling the measured work needs at least {needed}: "
        "more than there are."
    ),
    "no_bound": (
        "Measuring since {age}; a bound needs more history: below is what was seen so far."
    ),
    "is_bound": "A bound, not yet a plan: no plan can use fewer hosts.",
    "rests_unknown": "How long a history it rests on is not known.",
    "rests_hour": "It rests on {age} of history: too little to act on.",
    "rests_day": "It rests on {age} of history and has not seen a whole day.",
    "rests_week": "It rests on {age} of history and has not seen a whole week.",
    "rests_long": "It rests on {age} of history.",
    "rests_span": (
        "It rests on {age} to {longest} of history, by cluster; less than a week can miss peaks."
    ),
    "short": "More hosts are needed than there are in {short} of {clusters}.",
    "partly": "It covers {covered} of {hosts}.",
    "simulated": "{some} of {hosts} are simulated; every figure here includes them.",
    "simulated_all": "All hosts here are simulated.",
    "lost": "The collector does not answer; what is shown is from {time}.",
    "left_out": "{count} more hosts are not shown here; /api/v1/hosts lists all of them.",
    "no_alert": "No alert fires.",
    "announce": "{count} firing: {names}",
    "and_more": "{names} and {more} more",
    # Tiles.
    "tile_cpu": "CPU now, all hosts",
    "tile_cpu_note": "ceiling {ceiling}; {over} above it now",
    "tile_density": "VMs a host",
    "tile_density_note": "{vms} running on {hosts}; {reference} to compare",
    "tile_density_none": "no host reports VMs",
    "tile_power": "Power now",
    "tile_power_none": "no host reports its power",
    "tile_power_note": "{kind}, {covered} of {hosts}",
    "tile_alerts": "Alerts firing",
    "tile_alerts_note": "above {ceiling} for {hold} pages",
    "tile_silent": "Hosts silent",
    "tile_silent_note": "{unassigned} without a place in the inventory",
    # Parts.
    "host_one": "{n} host",
    "host_many": "{n} hosts",
    "alert_one": "{n} alert",
    "alert_many": "{n} alerts",
    "cluster_one": "{n} cluster",
    "cluster_many": "{n} clusters",
    "vm_one": "{n} VM",
    "vm_many": "{n} VMs",
    "unassigned": "unassigned",
    "simulated_mark": "simulated",
    "ago": "{age} ago",
    "of": "{used} of {total}",
    "ceilings": "{low} to {high}",
    "ages": "{low} to {high}",
    "components": "{kind}, CPU and memory only",
    "measured": "measured",
    "derived": "derived",
    "modelled": "modelled",
    "partly_measured": "{share} measured",
    "mean": "mean of {age}",
    "latest": "latest sample",
    "bar_title": "{ratio}, {basis}; ceiling {ceiling}",
    "at_least": "at least {n}",
    "too_few": "more than there are",
    "up_to": "up to {n}",
    "not_yet": "not yet known",
    "state_ok": "under the ceiling",
    "state_over": "above the ceiling",
    "state_alert": "alert fires",
    "state_silent": "silent",
    "state_stopped": "stopped",
    "state_waiting": "waiting for samples",
    "state_late": "sample overdue",
    "state_maintenance": "maintenance",
}


def say(key: str, /, **figures: object) -> str:
    """Return a text with its figures filled in; KeyError for one that does not exist."""
    return ENGLISH[key].format(**figures)


def count(noun: str, number: int) -> str:
    """Return a number with its noun, such as 1 host or 2 hosts."""
    return say(f"{noun}_one" if number == 1 else f"{noun}_many", n=f"{number:,}")
