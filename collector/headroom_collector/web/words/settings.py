"""Texts of the view of settings."""

TEXTS: dict[str, tuple[str, str]] = {
    "settings_title": ("Settings as loaded", "Réglages chargés"),
    "settings_lead": (
        "What the collector runs with now. Addresses are cut where a secret could be; files that hold secrets are named, not read.",
        "Ce avec quoi le collecteur fonctionne. Les adresses sont coupées là où un secret pourrait être ; les fichiers de secrets sont nommés, jamais lus.",
    ),
    "settings_top": ("Collector", "Collecteur"),
    "settings_empty": ("not set", "non défini"),
    "settings_prices": ("Prices of the estate", "Prix du parc"),
    "settings_prices_lead": (
        "Every sum rests on these. Yours come from {source}; the defaults name their source.",
        "Toutes les sommes reposent sur ces chiffres. Les vôtres viennent de {source} ; les valeurs par défaut citent leur source.",
    ),
    "settings_unassigned": ("Hosts without a site and cluster", "Hôtes sans site ni cluster"),
    "settings_no_unassigned": (
        "Every host has its place in the inventory.",
        "Chaque hôte a sa place dans l’inventaire.",
    ),
    "accessibility_title": ("Accessibility", "Accessibilité"),
    "accessibility_lead": (
        "This page is partially compliant with the French RGAA 4.1: every view is tested with axe-core on desktop and phone sizes with no serious finding; no audit by people has been made. It works with the keyboard alone and without JavaScript. What is met and what is open: docs/page.md.",
        "Cette page est partiellement conforme au RGAA 4.1 : chaque vue est testée avec axe-core en tailles bureau et téléphone, sans constat sérieux ; aucun audit humain n’a été mené. Elle fonctionne au clavier seul et sans JavaScript. Ce qui est respecté et ce qui reste ouvert : docs/page.md.",
    ),
    "range_value": ("{low} to {high}", "{low} à {high}"),
}
