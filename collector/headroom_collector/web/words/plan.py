"""Texts of the view of the plan."""

TEXTS: dict[str, tuple[str, str]] = {
    "plan_title": (
        "Which hosts can be emptied, in which order",
        "Quels hôtes vider, et dans quel ordre",
    ),
    "plan_frees": (
        "This plan frees {freed} of {hosts} with {moves}; {kept} stay on.",
        "Ce plan libère {freed} hôtes sur {hosts} en {moves} ; {kept} restent allumés.",
    ),
    "plan_frees_none": (
        "This plan frees no host: the work needs all {hosts} under the ceiling.",
        "Ce plan ne libère aucun hôte : la charge a besoin des {hosts} sous le plafond.",
    ),
    "plan_proof": (
        "No plan can keep fewer than {bound} ({by}): this one is {gap} above that bound.",
        "Aucun plan ne peut en garder moins de {bound} ({by}) : celui-ci est à {gap} de cette borne.",
    ),
    "plan_proven": (
        "No plan can keep fewer than {bound} ({by}): this one is proven best.",
        "Aucun plan ne peut en garder moins de {bound} ({by}) : celui-ci est prouvé optimal.",
    ),
    "plan_none": (
        "No plan has been made yet. A plan says which machine goes where, in an order in which every step complies.",
        "Aucun plan n’a encore été établi. Un plan dit quelle machine va où, dans un ordre où chaque étape respecte les règles.",
    ),
    "plan_unable": (
        "This collector makes no plans; `headroom plan --from` plans an estate out of files.",
        "Ce collecteur n’établit pas de plan ; `headroom plan --from` planifie un parc à partir de fichiers.",
    ),
    "plan_bound_only": (
        "Until then the bound: of {present} at least {needed} are needed, at most {freeable} could be freed.",
        "D’ici là, la borne : sur {present}, au moins {needed} sont nécessaires, au plus {freeable} sont libérables.",
    ),
    "plan_no_history": (
        "There is not enough history for a bound yet: a few minutes are needed for a first one, 21 days for one to act on.",
        "L’historique ne suffit pas encore pour une borne : quelques minutes pour une première, 21 jours pour agir.",
    ),
    "plan_make": ("Make a plan", "Établir un plan"),
    "plan_again": ("Make another plan", "Établir un autre plan"),
    "plan_mode": ("Way", "Méthode"),
    "plan_repack": ("fewest hosts", "le moins d’hôtes"),
    "plan_empty": ("fewest moves", "le moins de migrations"),
    "plan_reserve": ("Hosts of a cluster that may fail", "Hôtes d’un cluster pouvant tomber"),
    "plan_running": ("A plan is being made: {stage}", "Un plan est en cours : {stage}"),
    "plan_so_far": (
        "best so far keeps {hosts}; at most {left} left",
        "le meilleur garde {hosts} ; encore {left} au plus",
    ),
    "plan_failed": ("The plan failed: {error}", "Le plan a échoué : {error}"),
    "plan_simulated": (
        "{some} are simulated; every figure here includes them.",
        "{some} sont simulés ; tous les chiffres les comprennent.",
    ),
    "plan_off": (
        "Powering the freed hosts off is recommended.",
        "L’extinction des hôtes libérés est recommandée.",
    ),
    "plan_not_off": (
        "Powering off is not recommended yet:",
        "L’extinction n’est pas encore recommandée :",
    ),
    "plan_reason_days": (
        "{days} days of history, at least 21 are needed",
        "{days} jours d’historique, il en faut au moins 21",
    ),
    "plan_reason_known": (
        "{share} of the samples are known, at least 95 % are needed",
        "{share} des mesures sont connues, il en faut au moins 95 %",
    ),
    "plan_kept": ("Hosts kept", "Hôtes gardés"),
    "plan_freed": ("Hosts freed", "Hôtes libérés"),
    "plan_moves": ("Moves", "Migrations"),
    "plan_saved_power": ("Power saved", "Puissance économisée"),
    "plan_saved_energy": ("Energy saved a year", "Énergie économisée par an"),
    "plan_saved_money": ("Money saved a year", "Argent économisé par an"),
    "plan_basis": ("power: {basis}", "puissance : {basis}"),
    "basis_given": ("as measured", "mesurée"),
    "basis_mixed": ("partly measured", "en partie mesurée"),
    "basis_default": ("typical values", "valeurs typiques"),
    "plan_curve": ("Hosts freed per move", "Hôtes libérés par migration"),
    "plan_price": ("Price of the ceiling", "Prix du plafond"),
    "plan_price_lead": (
        "What another ceiling would need. 40 % is a policy, not a law of nature.",
        "Ce qu’un autre plafond demanderait. 40 % est une politique, pas une loi de la nature.",
    ),
    "plan_price_none": (
        "This plan was made without other ceilings.",
        "Ce plan a été établi sans autres plafonds.",
    ),
    "plan_hosts_kept": ("hosts kept", "hôtes gardés"),
    "plan_lower": ("at least", "au moins"),
    "plan_clusters": ("By cluster", "Par cluster"),
    "plan_list": ("Moves in order", "Migrations dans l’ordre"),
    "plan_list_caption": (
        "After each of them every rule still holds",
        "Après chacune, toutes les règles sont encore respectées",
    ),
    "plan_number": ("No.", "Nº"),
    "plan_night": ("Night", "Nuit"),
    "plan_from": ("From", "De"),
    "plan_to": ("To", "Vers"),
    "plan_frees_host": ("{host} is free", "{host} est libre"),
    "plan_no_moves": ("No machine has to move.", "Aucune machine n’a à migrer."),
    "plan_evidence": ("What it rests on", "Sur quoi il repose"),
    "plan_history": ("History", "Historique"),
    "plan_complete": ("Samples known", "Mesures connues"),
    "plan_seconds": ("Search", "Recherche"),
    "plan_holdout": ("Tested on the last week", "Éprouvé sur la dernière semaine"),
    "plan_holdout_say": (
        "made without it, {above} of its samples were above the ceiling",
        "établi sans elle, {above} de ses mesures dépassaient le plafond",
    ),
    "plan_holdout_none": ("needs two weeks of history", "demande deux semaines d’historique"),
    "plan_assumptions": ("Assumptions", "Hypothèses"),
    "plan_cannot": (
        "Machines that no plan can serve under the rules",
        "Machines qu’aucun plan ne peut servir selon les règles",
    ),
    "plan_outcome": ("What came of it", "Ce qu’il en est advenu"),
    "plan_outcome_freed": (
        "{now} of {planned} hosts freed by now",
        "{now} hôtes libérés sur {planned}",
    ),
    "plan_outcome_vms": (
        "{now} of {planned} machines where the plan puts them",
        "{now} machines sur {planned} là où le plan les met",
    ),
    "plan_outcome_kwh": (
        "{measured} measured, {forecast} forecast",
        "{measured} mesurés, {forecast} prévus",
    ),
    "plan_earlier": ("Plans that are kept", "Plans conservés"),
    "plan_state_running": ("running", "en cours"),
    "plan_state_finished": ("finished", "terminé"),
    "plan_state_failed": ("failed", "échoué"),
    "plan_state_interrupted": ("interrupted", "interrompu"),
}
