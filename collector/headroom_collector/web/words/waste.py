"""Texts of the view of waste."""

TEXTS: dict[str, tuple[str, str]] = {
    "waste_title": ("What does no useful work", "Ce qui ne sert à rien"),
    "waste_total": (
        "{cost} a year for {findings} on {hosts} and {vms}, nothing counted twice.",
        "{cost} par an pour {findings} sur {hosts} et {vms}, rien n’est compté deux fois.",
    ),
    "waste_total_unknown": (
        "{findings} on {hosts} and {vms}; what they cost is not known.",
        "{findings} sur {hosts} et {vms} ; leur coût n’est pas connu.",
    ),
    "waste_none": (
        "Nothing found on {hosts} and {vms}.",
        "Aucun constat sur {hosts} et {vms}.",
    ),
    "waste_young": (
        "{known} of history: verdicts on what does nothing need {needed}. They appear here by themselves.",
        "{known} d’historique : dire qu’une chose ne fait rien en demande {needed}. Les constats apparaîtront d’eux-mêmes.",
    ),
    "waste_age": (
        "The age of {some} is unknown and not counted: give their purchase dates in the inventory.",
        "L’âge de {some} est inconnu et n’est pas compté : donnez leur date d’achat dans l’inventaire.",
    ),
    "waste_power": (
        "The power of {some} is unknown and not counted.",
        "La puissance de {some} est inconnue et n’est pas comptée.",
    ),
    "waste_simulated": (
        "{some} are simulated; the costs include them.",
        "{some} sont simulés ; les coûts les comprennent.",
    ),
    "waste_kind": ("What", "Quoi"),
    "waste_name": ("Name and evidence", "Nom et preuve"),
    "waste_on": ("on {host}", "sur {host}"),
    "waste_before": ("{day} or before", "{day} ou avant"),
    "waste_bracket": (
        "In brackets: within another finding or an indication, not in the sum.",
        "Entre parenthèses : compris dans un autre constat ou simple indice, hors du total.",
    ),
    "waste_rests": (
        "Costs rest on the figures in Settings, each with its source.",
        "Les coûts reposent sur les chiffres des Réglages, chacun avec sa source.",
    ),
    "waste_by_kind": ("By kind", "Par nature"),
    "waste_table": ("Findings", "Constats"),
    "waste_comatose_host": ("comatose host", "hôte comateux"),
    "waste_idle_host": ("idle host", "hôte inactif"),
    "waste_past_its_age": ("past its age", "trop vieux"),
    "waste_out_of_warranty": ("out of warranty", "hors garantie"),
    "waste_low_density": ("low density", "faible densité"),
    "waste_vm_switched_off": ("VM switched off", "VM éteinte"),
    "waste_vm_suspended": ("VM suspended", "VM suspendue"),
    "waste_idle_vm": ("idle VM", "VM inactive"),
    "waste_comatose_vm": ("comatose VM", "VM comateuse"),
    "waste_oversized_vm": ("oversized VM", "VM surdimensionnée"),
}
