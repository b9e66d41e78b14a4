"""Texts of the view of energy."""

TEXTS: dict[str, tuple[str, str]] = {
    "energy_title": ("Energy", "Énergie"),
    "energy_now": ("Power now by source", "Puissance actuelle par origine"),
    "energy_days": ("Days", "Jours"),
    "energy_1": ("1 day", "1 jour"),
    "energy_7": ("7 days", "7 jours"),
    "energy_30": ("30 days", "30 jours"),
    "energy_known": (
        "From {hours} that are known, at the servers’ inputs; carbon and money include the data centre’s overhead. Unknown hours are not made up for.",
        "Sur {hours} connues, à l’entrée des serveurs ; carbone et coût comprennent la part du centre de données. Les heures inconnues ne sont pas extrapolées.",
    ),
    "energy_none": (
        "No host’s energy at its input is known yet: 5-minute values appear after a few minutes. `headroom-agent doctor` says on a host which sources there are and what to do for better ones.",
        "L’énergie à l’entrée des hôtes n’est pas encore connue : les valeurs sur 5 minutes arrivent après quelques minutes. `headroom-agent doctor` dit sur un hôte quelles sources existent et comment en avoir de meilleures.",
    ),
    "energy_unknown": (
        "The power of {some} is unknown and in no figure.",
        "La puissance de {some} est inconnue et n’entre dans aucun chiffre.",
    ),
    "energy_kwh": ("Energy", "Énergie"),
    "energy_carbon": ("Carbon (CO2e)", "Carbone (CO2e)"),
    "energy_money": ("Cost", "Coût"),
    "energy_clusters": ("By cluster", "Par cluster"),
    "energy_hosts": ("The greatest hosts", "Les plus gros hôtes"),
    "energy_kind": ("Known how", "Origine"),
    "energy_range": ("{low} to {high}", "{low} à {high}"),
    "energy_inputs": ("What it rests on", "Sur quoi cela repose"),
    "energy_no_price": ("price or grid factor unknown", "prix ou facteur du réseau inconnu"),
    "input_key": ("Figure", "Chiffre"),
    "input_value": ("Value", "Valeur"),
    "input_source": ("Source", "Source"),
    "input_origin": ("Whose", "Origine"),
    "input_default": ("default", "valeur par défaut"),
    "input_yours": ("yours", "la vôtre"),
    "input_unknown": ("unknown", "inconnu"),
    "hours": ("{n} h", "{n} h"),
}
