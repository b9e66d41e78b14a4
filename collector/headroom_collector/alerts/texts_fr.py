"""Texts of the rules that ship, in French."""

from collections.abc import Mapping

from headroom_collector.alerts.text import Text
from headroom_core.rules import AGENT_SILENT, MANY_SILENT

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
    "HostIdle": Text(
        "{host} ne fait rien : CPU {value} au plus en {window}, limite {level}",
        "{host} travaille de nouveau : CPU {value}, limite {level}",
        "Les 5 minutes les plus chargées de {host} sur {window} utilisaient {value} du CPU ; la"
        " limite est {level}.",
        "Il coûte de l'énergie, des licences et du support, et ne rend aucun service visible.",
        "demander à son propriétaire ; le vider et l'éteindre (`headroom waste` dit ce qu'il coûte),"
        " ou le retirer : headroom hosts retire {host}.",
    ),
    "ClusterNearCeiling": Text(
        "{host} atteint son plafond dans {value}, limite {level}",
        "{host} a de nouveau du temps avant son plafond : {value}, limite {level}",
        "Selon sa tendance, le CPU de la grappe {host} atteint le plafond dans {value} ; la limite"
        " est {level}.",
        "Dès lors, un jour ouvré chargé n'a plus de place pour reprendre un hôte en panne.",
        "voir `headroom forecast` ; libérer de la capacité (`headroom waste`, `headroom plan`) ou en"
        " commander à temps.",
    ),
    "EnergyAboveBudget": Text(
        "{host} consomme plus que son budget : {value}, budget {level}",
        "{host} respecte de nouveau son budget : {value}, budget {level}",
        "{host} consommait {value} en moyenne sur {window} ; son budget est {level}.",
        "Cela coûte plus que prévu, et approche peut-être la limite des circuits et du froid.",
        "voir quels hôtes consomment ; ceux qui ne font rien peuvent être vidés et éteints"
        " (`headroom plan`).",
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
    "CollectorDiskFull": Text(
        "Le disque du collecteur est presque plein : {value} libre, limite {level}",
        "Le disque du collecteur a de nouveau de la place : {value} libre",
        "{value} du disque du collecteur était libre sur {window} ; la limite est {level}.",
        "Une fois plein, rien n'est écrit : les agents gardent leurs mesures tant qu'ils peuvent.",
        "faire de la place, ou garder moins de jours (store.raw_days).",
    ),
    "CollectorRefuses": Text(
        "Le collecteur refuse des valeurs : {value}, limite {level}",
        "Le collecteur accepte de nouveau les valeurs : {value}",
        "Le collecteur refusait {value} valeurs par seconde sur {window} ; la limite est {level}.",
        "Des agents envoient ce qui est impossible ou inconnu : ces mesures manquent.",
        "le journal du collecteur nomme les agents et la raison ; souvent un agent plus récent que"
        " le collecteur, ou une horloge fausse.",
    ),
    "HostIdentityTwice": Text(
        "Deux agents parlent au nom du même hôte",
        "Plus aucun second agent ne parle au nom d'un hôte",
        "Sur {window}, {value} flux par seconde venaient au nom d'un hôte qu'un autre agent représente.",
        "Le second est refusé et son hôte n'est pas surveillé ; l'un est un clone, ou un étranger.",
        "le journal d'audit nomme l'hôte et les adresses ; arrêter le mauvais et l'enrôler à nouveau.",
    ),
    "CollectorCannotNotify": Text(
        "Les notifications ne passent pas : {value} attendent",
        "Les notifications passent de nouveau",
        "Au moins {value} notifications attendaient sur {window}.",
        "Un destinataire des alertes n'accepte pas ce qu'il reçoit.",
        "`headroom alerts` dit pourquoi ; vérifier l'adresse et la clé du destinataire.",
    ),
}
