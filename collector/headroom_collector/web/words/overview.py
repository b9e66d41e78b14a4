"""Texts of the overview."""

TEXTS = {
    "headline_label": ("What the estate needs", "Ce dont le parc a besoin"),
    "figures_label": ("Figures now", "Chiffres actuels"),
    "present": ("Hosts", "Hôtes"),
    "needed": ("Needed", "Nécessaires"),
    "freeable": ("Could be freed", "Libérables"),
    "density": ("VMs a host", "VM par hôte"),
    "history": ("Rests on", "Historique"),
    "trio_present": ("hosts present", "hôtes présents"),
    "trio_needed": ("needed at least", "nécessaires au moins"),
    "trio_freeable": ("could be freed at most", "libérables au plus"),
    "run": ("You run {hosts}.", "Vous exploitez {hosts}."),
    "bound": (
        "You run {hosts}; the measured work needs at least {needed} under the {ceiling} ceiling; "
        "up to {freeable} could be freed.",
        "Vous exploitez {hosts} ; la charge mesurée en demande au moins {needed} sous le plafond"
        " de {ceiling} ; jusqu’à {freeable} pourraient être libérés.",
    ),
    "bound_none_free": (
        "You run {hosts}; the measured work needs at least {needed} under the {ceiling} ceiling; "
        "none can be freed.",
        "Vous exploitez {hosts} ; la charge mesurée en demande au moins {needed} sous le plafond"
        " de {ceiling} ; aucun ne peut être libéré.",
    ),
    "bound_short": (
        "You run {hosts}; under the {ceiling} ceiling the measured work needs at least {needed}: "
        "more than there are.",
        "Vous exploitez {hosts} ; sous le plafond de {ceiling}, la charge mesurée en demande au"
        " moins {needed} : plus qu’il n’y en a.",
    ),
    "no_bound": (
        "Measuring since {age}; a bound needs more history: below is what was seen so far.",
        "Mesures depuis {age} ; une borne demande plus d’historique : voici ce qui a été vu"
        " jusqu’ici.",
    ),
    "is_bound": (
        "A bound, not yet a plan: no plan can serve this work with fewer hosts; only what hypervisors use themselves can go as they are emptied.",
        "C’est une borne, pas encore un plan : aucun plan ne peut servir ce travail avec moins d’hôtes ; seul ce que les hyperviseurs consomment eux-mêmes peut disparaître quand ils sont vidés.",
    ),
    "rests_unknown": (
        "How long a history it rests on is not known.",
        "La longueur de l’historique n’est pas connue.",
    ),
    "rests_hour": (
        "It rests on {age} of history: too little to act on.",
        "Elle repose sur {age} d’historique : trop peu pour agir.",
    ),
    "rests_day": (
        "It rests on {age} of history and has not seen a whole day.",
        "Elle repose sur {age} d’historique et n’a pas vu un jour entier.",
    ),
    "rests_week": (
        "It rests on {age} of history and has not seen a whole week.",
        "Elle repose sur {age} d’historique et n’a pas vu une semaine entière.",
    ),
    "rests_long": ("It rests on {age} of history.", "Elle repose sur {age} d’historique."),
    "rests_span": (
        "It rests on {age} to {longest} of history, by cluster; less than a week can miss peaks.",
        "Elle repose sur {age} à {longest} d’historique selon les clusters ; moins d’une semaine"
        " peut manquer des pointes.",
    ),
    "ages": ("{low} to {high}", "{low} à {high}"),
    "short": (
        "More hosts are needed than there are in {short} of {clusters}.",
        "Il faut plus d’hôtes qu’il n’y en a dans {short} sur {clusters}.",
    ),
    "partly": ("It covers {covered} of {hosts}.", "Elle couvre {covered} sur {hosts}."),
    "tile_cpu": ("CPU now, all hosts", "CPU actuel, tous les hôtes"),
    "tile_cpu_note": (
        "ceiling {ceiling}; {over} above it now",
        "plafond {ceiling} ; {over} au-dessus",
    ),
    "tile_density": ("VMs a host", "VM par hôte"),
    "tile_density_note": (
        "{vms} running on {hosts}; {reference} to compare",
        "{vms} en marche sur {hosts} ; repère : {reference}",
    ),
    "tile_density_none": ("no host reports VMs", "aucun hôte n’indique de VM"),
    "tile_power": ("Power now", "Puissance actuelle"),
    "tile_power_none": (
        "no host reports its power; give the agents access to RAPL or IPMI",
        "aucun hôte n’indique sa puissance ; donnez aux agents accès à RAPL ou IPMI",
    ),
    "tile_power_note": ("{kind}, {covered} of {hosts}", "{kind}, {covered} sur {hosts}"),
    "tile_alerts": ("Alerts firing", "Alertes en cours"),
    "tile_alerts_note": (
        "above {ceiling} for {hold} pages",
        "au-dessus de {ceiling} pendant {hold}, l’astreinte est prévenue",
    ),
    "tile_silent": ("Hosts silent", "Hôtes muets"),
    "tile_silent_note": (
        "{unassigned} without a place in the inventory",
        "{unassigned} sans place dans l’inventaire",
    ),
    "tile_money": ("Money at stake", "Argent en jeu"),
    "tile_money_note": ("waste found, a year", "gaspillage constaté, par an"),
    "tile_money_none": (
        "looked for every hour, the first time half a minute after the start",
        "recherché chaque heure, la première fois une demi-minute après le démarrage",
    ),
    "histogram": ("Hosts by CPU utilisation now", "Hôtes selon leur utilisation CPU actuelle"),
    "histogram_note": (
        "Under half of the ceiling: {under} of {known}.",
        "Sous la moitié du plafond : {under} sur {known}.",
    ),
    "histogram_bar": ("{low} to {high}: {hosts}", "{low} à {high} : {hosts}"),
    "clusters_caption": (
        "Hosts present, needed at least and freeable at most, a cluster",
        "Hôtes présents, nécessaires au moins et libérables au plus, par cluster",
    ),
    "busiest": ("Busiest hosts", "Hôtes les plus chargés"),
    "hosts_caption": (
        "Hosts, the busiest first; the mark in each bar is the host's ceiling",
        "Hôtes, les plus chargés d’abord ; le repère de chaque barre est le plafond de l’hôte",
    ),
    "open_alerts": ("Open alerts", "Alertes en cours"),
    "alerts_caption": (
        "Alerts that fire, oldest first",
        "Alertes en cours, les plus anciennes d’abord",
    ),
    "all_alerts": ("All alerts", "Toutes les alertes"),
    "no_alert": ("No alert fires.", "Aucune alerte en cours."),
    "announce": ("{count} firing: {names}", "{count} en cours : {names}"),
    "and_more": ("{names} and {more} more", "{names} et {more} autres"),
    "rule": ("Alert", "Alerte"),
    "value": ("Value", "Valeur"),
    "at_least": ("at least {n}", "au moins {n}"),
    "up_to": ("up to {n}", "jusqu’à {n}"),
    "too_few": ("more than there are", "plus qu’il n’y en a"),
    "see_plan": ("The moves and their order", "Les migrations et leur ordre"),
    "see_waste": ("What is wasted", "Ce qui est gaspillé"),
}
