"""Evidence of waste in French: the sentences are written by the analysis in English."""

import re

from headroom_collector.web.tongue import Tongue

RULES: tuple[tuple[str, str], ...] = (
    (r"busiest 5 minutes (\S+)% CPU in", r"5 minutes les plus chargées : \1 % CPU en"),
    (
        r"busiest 5 minutes (\S+)% of its vCPUs in",
        r"5 minutes les plus chargées : \1 % de ses vCPU en",
    ),
    (r"\((\d+)% of them measured\)", r"(\1 % mesurés)"),
    (r", runs (\d+) VMs", r", porte \1 VM"),
    (r"bought (\S+), (\S+) years old; limit (\S+) years", r"acheté le \1, \2 ans ; limite \3 ans"),
    (r"(\d+) VMs on (\d+) hypervisors, (\S+) each;", r"\1 VM sur \2 hyperviseurs, \3 chacun ;"),
    (r"at (\S+) each (\d+) would be free", r"à \1 chacun, \2 seraient libres"),
    (r"\boff for\b", "éteinte depuis"),
    (r"\bsuspended for\b", "suspendue depuis"),
    (r"; (.+?) stay reserved for it,", r" ; \1 lui restent réservés,"),
    (r"; holds\b", " ; tient"),
    (r"^over (\d+) (?:days?|jours?):", r"sur \1 jours :"),
    (
        r"(\S+) vCPUs, (\S+) used at most: (\S+) are enough",
        r"\1 vCPU, \2 utilisés au plus : \3 suffisent",
    ),
    (
        r"(\S+) GiB, (\S+) GiB held at most: (\S+) GiB are enough",
        r"\1 Gio, \2 Gio tenus au plus : \3 Gio suffisent",
    ),
    (r"its disks are not measured", "ses disques ne sont pas mesurés"),
    (r"memory unknown", "mémoire inconnue"),
    (r"(\d+) days?\b", r"\1 jours"),
    (r"\bGiB\b", "Gio"),
)


def told(t: Tongue, text: str) -> str:
    """Return evidence in the reader's language; what has no rule stays in English."""
    if t.code == "en":
        return text
    for pattern, french in RULES:
        text = re.sub(pattern, french, text)
    return re.sub(r"(\d)\.(\d)", r"\1,\2", text)
