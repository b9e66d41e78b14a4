"""What a notification says, in English and French: what is the case, what it means, what to do."""

from dataclasses import dataclass

from headroom_collector.alerts.text import Text
from headroom_collector.alerts.texts_en import ENGLISH
from headroom_collector.alerts.texts_fr import FRENCH


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
