"""What a notification says, in English and French: what is the case, what it means, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from headroom_core.rules import AGENT_SILENT, MANY_SILENT


@dataclass(frozen=True, slots=True)
class Text:
    """
    Texts of one rule, each with the places {host}, {value}, {level}, {window} and {since}.

    ``fires`` and ``over`` fit one line.
    """

    fires: str
    over: str
    figure: str
    meaning: str
    todo: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words around them."""

    since: str
    was_since: str
    todo: str
    nothing: str
    unknown: str
    alerts: str
    more: str


EN = Words(
    since="Above it since {since}.",
    was_since="It had been above it since {since}.",
    todo="What to do: ",
    nothing="What to do: nothing.",
    unknown="unknown",
    alerts="{firing} firing, {resolved} resolved",
    more="and {count} more",
)
FR = Words(
    since="Depuis {since}.",
    was_since="L'alerte durait depuis {since}.",
    todo="À faire : ",
    nothing="À faire : rien.",
    unknown="inconnu",
    alerts="{firing} en cours, {resolved} terminées",
    more="et {count} de plus",
)
SINCE = {
    "en": {False: "Since {since}.", True: "It had lasted since {since}."},
    "fr": {False: "Depuis {since}.", True: "L'alerte durait depuis {since}."},
}

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
    "CollectorCannotNotify": Text(
        "Notifications do not get through: {value} wait",
        "Notifications get through again",
        "At least {value} notifications waited over the last {window}.",
        "A receiver of alerts does not accept what it is sent.",
        "`headroom alerts` says why; check the receiver's address and key.",
    ),
}

FRENCH: Mapping[str, Text] = {
    "HostAboveCeiling": Text(
        "{host} dépasse son plafond de CPU : {value}, plafond {level}",
        "{host} ne dépasse plus son plafond de CPU : {value}, plafond {level}",
        "Le CPU de {host} était à {value} en moyenne sur {window} ; son plafond est {level}.",
        "Le travail peut y ralentir, et il ne reste pas de place pour reprendre celui d'un hôte en"
        " panne.",
        "voir quelles machines virtuelles utilisent le CPU, en déplacer une vers un hôte sous son"
        " plafond, ou mettre l'hôte en maintenance si c'est voulu.",
    ),
    "HostMemoryFull": Text(
        "{host} manque de mémoire : {value} utilisée, limite {level}",
        "{host} ne manque plus de mémoire : {value} utilisée, limite {level}",
        "{value} de la mémoire de {host} était utilisée sur {window} ; la limite est {level}.",
        "L'hôte va utiliser le swap ou tuer des processus.",
        "déplacer une machine virtuelle, ou lui donner moins de mémoire.",
    ),
    "HostSteal": Text(
        "{host} attend des CPU pris par d'autres : steal {value}, limite {level}",
        "{host} retrouve ses CPU : steal {value}, limite {level}",
        "L'hyperviseur a pris {value} du temps CPU de {host} sur {window} ; la limite est {level}.",
        "L'hyperviseur est trop rempli : ses machines le ressentent déjà.",
        "trouver l'hyperviseur de cette machine et l'alléger.",
    ),
    "HostCpuPressure": Text(
        "Des tâches de {host} attendent un CPU : {value} du temps, limite {level}",
        "Les tâches de {host} n'attendent plus : {value} du temps, limite {level}",
        "Sur {window}, une tâche de {host} au moins a attendu un CPU {value} du temps ; la limite"
        " est {level}.",
        "Quel que soit le taux de CPU, le travail de cet hôte est ralenti.",
        "déplacer une machine virtuelle, ou en chercher une limitée à trop peu de CPU.",
    ),
    "HostVmDensity": Text(
        "{host} a promis {value} CPU virtuels par cœur, limite {level}",
        "{host} a de nouveau promis {value} CPU virtuels par cœur, limite {level}",
        "Les machines virtuelles actives de {host} ont {value} CPU virtuels par cœur ; la limite"
        " est {level}.",
        "Si elles veulent toutes leurs CPU en même temps, il n'y en aura pas assez.",
        "placer les nouvelles machines virtuelles ailleurs.",
    ),
    AGENT_SILENT: Text(
        "{host} est muet : rien de son agent depuis {value}",
        "{host} envoie de nouveau",
        "L'agent de {host} n'a rien envoyé depuis {value}.",
        "L'hôte est éteint, son réseau est coupé ou l'agent est arrêté. Ses autres alertes restent"
        " telles quelles.",
        "voir si l'hôte répond ; sur lui, `headroom-agent doctor` dit ce qui manque. S'il est"
        " éteint pour de bon : headroom hosts retire {host}.",
    ),
    MANY_SILENT: Text(
        "{value} des agents sont muets en même temps",
        "Les agents envoient de nouveau : {value} sont muets",
        "{value} des agents n'ont rien envoyé ; plus de {level} à la fois est une seule panne.",
        "Le réseau ou ce collecteur en est la cause probable. Aucun hôte n'est signalé à part.",
        "vérifier le réseau entre les agents et le collecteur, puis `headroom doctor`.",
    ),
    "CollectorSlow": Text(
        "Le stockage du collecteur est lent : {value} par écriture, limite {level}",
        "Le stockage du collecteur est de nouveau rapide : {value} par écriture",
        "Une écriture prenait {value} sur {window} ; la limite est {level}.",
        "Les agents attendent leurs accusés ; rien n'est perdu tant que leurs spools ont de la place.",
        "regarder le disque du collecteur : est-il plein, ou occupé par autre chose ?",
    ),
    "CollectorCannotNotify": Text(
        "Les notifications ne passent pas : {value} attendent",
        "Les notifications passent de nouveau",
        "Au moins {value} notifications attendaient sur {window}.",
        "Un destinataire des alertes n'accepte pas ce qu'il reçoit.",
        "`headroom alerts` dit pourquoi ; vérifier l'adresse et la clé du destinataire.",
    ),
}

OTHER = {
    "en": Text(
        "{host}: {rule}: {value}, limit {level}",
        "{host}: {rule} is over: {value}, limit {level}",
        "{metric} of {host} was {value} over the last {window}; the limit is {level}.",
        "A rule of this estate's own says so.",
        "see the runbook of this rule.",
    ),
    "fr": Text(
        "{host} : {rule} : {value}, limite {level}",
        "{host} : {rule} est terminée : {value}, limite {level}",
        "{metric} de {host} était à {value} sur {window} ; la limite est {level}.",
        "C'est une règle propre à ce parc.",
        "voir le guide de cette règle.",
    ),
}


def text_of(rule: str, language: str) -> Text:
    """Return the texts of a rule; one of the estate's own has general ones."""
    known = FRENCH if language == "fr" else ENGLISH
    return known.get(rule, OTHER[language])


def words(language: str) -> Words:
    """Return the words around the texts."""
    return FR if language == "fr" else EN
