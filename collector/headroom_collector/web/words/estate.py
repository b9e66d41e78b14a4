"""Texts of the estate's tables."""

TEXTS = {
    "estate_title": ("The estate", "Le parc"),
    "filter_name": ("Name contains", "Le nom contient"),
    "filter_state": ("State", "État"),
    "filter_place": ("Cluster", "Cluster"),
    "hosts_table": ("Hosts that are present", "Hôtes présents"),
    "vms_table": (
        "Virtual machines seen in the last minutes",
        "Machines virtuelles vues ces dernières minutes",
    ),
    "no_match": ("Nothing fits the filter.", "Rien ne correspond au filtre."),
    "no_hosts": (
        "No host is present. Start an agent on a host, or look at retired ones with `headroom hosts`.",
        "Aucun hôte présent. Lancez un agent sur un hôte, ou voyez les hôtes retirés avec `headroom hosts`.",
    ),
    "no_vms": (
        "No virtual machine is known. Agents see them on hosts that run libvirt; `headroom-agent doctor` says what is missing.",
        "Aucune machine virtuelle connue. Les agents les voient sur les hôtes qui exécutent libvirt ; `headroom-agent doctor` dit ce qui manque.",
    ),
    "vcpus": ("vCPUs", "vCPU"),
    "cpu_share": ("CPU, share of its vCPUs", "CPU, part de ses vCPU"),
    "memory_given": ("Memory given", "Mémoire allouée"),
    "memory_held": ("Held on the host", "Tenue sur l’hôte"),
    "vm_state_none": ("no state", "sans état"),
    "vm_state_running": ("running", "en marche"),
    "vm_state_blocked": ("blocked", "bloquée"),
    "vm_state_paused": ("paused", "en pause"),
    "vm_state_closing": ("shutting down", "s’arrête"),
    "vm_state_off": ("shut off", "éteinte"),
    "vm_state_crashed": ("crashed", "plantée"),
    "vm_state_suspended": ("suspended", "suspendue"),
}
