"""Texts of the report."""

TEXTS: dict[str, tuple[str, str]] = {
    "report_title": (
        "How many servers you really need",
        "Combien de serveurs il vous faut vraiment",
    ),
    "report_made": ("Report of {time}, from {address}", "Rapport du {time}, depuis {address}"),
    "report_simulated": (
        "Simulated data: {some} of {hosts} are simulated. Nothing here describes a real estate.",
        "Données simulées : {some} sur {hosts} sont simulés. Rien ici ne décrit un parc réel.",
    ),
    "report_partly": (
        "{some} of {hosts} are simulated; every figure includes them.",
        "{some} sur {hosts} sont simulés ; tous les chiffres les comprennent.",
    ),
    "report_short": ("In short", "En bref"),
    "report_run": (
        "You run {hosts}. Under the {ceiling} ceiling the measured work needs at least {needed}.",
        "Vous exploitez {hosts}. Sous le plafond de {ceiling}, la charge mesurée en demande au moins {needed}.",
    ),
    "report_run_unknown": (
        "You run {hosts}. How many are needed is not known yet: more history is needed.",
        "Vous exploitez {hosts}. Le nombre nécessaire n’est pas encore connu : il faut plus d’historique.",
    ),
    "report_nobody": (
        "No host reports to this collector yet. Start an agent on each host; a report makes sense after some days.",
        "Aucun hôte ne rend compte à ce collecteur. Lancez un agent sur chaque hôte ; un rapport a du sens après quelques jours.",
    ),
    "report_plan_short": (
        "The newest plan frees {freed} with {moves}, without buying anything.",
        "Le dernier plan libère {freed} en {moves}, sans rien acheter.",
    ),
    "report_saves": (
        "Retiring and emptying saves {money} a year, {share} of all that can be saved.",
        "Retirer et vider économise {money} par an, {share} de tout ce qui peut l’être.",
    ),
    "report_wait": (
        "The history is {history}: figures to watch, not yet to act on. 21 days are needed before anything is powered off.",
        "L’historique est de {history} : des chiffres à suivre, pas encore pour agir. Il faut 21 jours avant toute extinction.",
    ),
    "report_sure": (
        "The history is {history}, long enough to act on.",
        "L’historique est de {history}, assez pour agir.",
    ),
    "report_there": ("1. What there is", "1. Ce qu’il y a"),
    "report_wasted": ("2. What is wasted", "2. Ce qui est gaspillé"),
    "report_freed": ("3. What can be freed", "3. Ce qui peut être libéré"),
    "report_refresh": ("4. Refresh or not", "4. Renouveler ou non"),
    "report_tco": ("5. Total cost of ownership", "5. Coût total de possession"),
    "report_energy": ("6. Energy and carbon", "6. Énergie et carbone"),
    "report_changed": ("7. What changed", "7. Ce qui a changé"),
    "report_inputs": ("8. Assumptions and sources", "8. Hypothèses et sources"),
    "report_trace": ("9. Every figure and where it is from", "9. Chaque chiffre et son origine"),
    "report_trace_lead": (
        "Each figure has a name that stays the same from report to report, and the path of the collector’s answer that it was read from: ask for that path to see what is behind it.",
        "Chaque chiffre a un nom qui reste le même d’un rapport à l’autre, et le chemin de la réponse du collecteur d’où il vient : demandez ce chemin pour voir ce qu’il y a derrière.",
    ),
    "report_utilisation": ("Hosts by CPU utilisation", "Hôtes selon leur utilisation CPU"),
    "report_density": (
        "{density} virtual machines a host on average; 8 to compare.",
        "{density} machines virtuelles par hôte en moyenne ; repère : 8.",
    ),
    "report_density_none": (
        "No host reports virtual machines.",
        "Aucun hôte n’indique de machines virtuelles.",
    ),
    "report_waste_lead": (
        "{findings}, together {cost} a year, nothing counted twice.",
        "{findings}, ensemble {cost} par an, rien n’est compté deux fois.",
    ),
    "report_waste_none": (
        "Nothing was found. Verdicts on what does nothing need {needed} of history; {known} are known.",
        "Aucun constat. Dire qu’une chose ne fait rien demande {needed} d’historique ; {known} sont connus.",
    ),
    "report_waste_top": ("The dearest", "Les plus coûteux"),
    "report_no_plan": (
        "No plan has been made: `headroom plan` makes one; until then the bound is all that is known.",
        "Aucun plan n’a été établi : `headroom plan` en établit un ; d’ici là, seule la borne est connue.",
    ),
    "report_step": ("Step", "Étape"),
    "report_out": ("Hosts out", "Hôtes sortis"),
    "report_in": ("Hosts in", "Hôtes entrés"),
    "report_step_retirement": (
        "1. Power off what does nothing",
        "1. Éteindre ce qui ne fait rien",
    ),
    "report_step_consolidation": ("2. Empty and power off", "2. Vider et éteindre"),
    "report_step_refresh": ("3. Replace what is old", "3. Remplacer ce qui est vieux"),
    "report_together": ("Together", "Ensemble"),
    "report_verdict_place": (
        "Empty and power off first: {share} of the savings need no purchase.",
        "Vider et éteindre d’abord : {share} des économies ne demandent aucun achat.",
    ),
    "report_verdict_pays": (
        "Upon that, replacing {old} by {new} is worth {npv} over {years} years: it pays.",
        "Ensuite, remplacer {old} par {new} rapporte {npv} sur {years} ans : cela se justifie.",
    ),
    "report_verdict_not": (
        "Upon that, replacing {old} by {new} costs {npv} more than it saves over {years} years: do not.",
        "Ensuite, remplacer {old} par {new} coûte {npv} de plus que cela n’économise sur {years} ans : à éviter.",
    ),
    "report_verdict_price": (
        "Upon that, replacing {old} by {new} pays over {years} years if a new host costs less than {price}; give its price in estate.toml.",
        "Ensuite, remplacer {old} par {new} se justifie sur {years} ans si un hôte neuf coûte moins de {price} ; donnez son prix dans estate.toml.",
    ),
    "report_verdict_none": (
        "There is no old host left to replace.",
        "Il ne reste aucun vieil hôte à remplacer.",
    ),
    "report_factors": (
        "Replacing all {old} old hosts without emptying any first would take {new} ({low} to {high}): throughput × {throughput}, utilisation × {gain}, packing loss ÷ {loss}.",
        "Remplacer les {old} vieux hôtes sans rien vider d’abord en demanderait {new} ({low} à {high}) : débit × {throughput}, utilisation × {gain}, perte de rangement ÷ {loss}.",
    ),
    "report_model": (
        "Model compared: {model} ({source}).",
        "Modèle comparé : {model} ({source}).",
    ),
    "report_years": ("Years", "Années"),
    "report_today": ("Going on as before", "Continuer comme avant"),
    "report_change": ("After retiring and emptying", "Après avoir retiré et vidé"),
    "report_npv": ("Worth (NPV)", "Gain (VAN)"),
    "report_p": ("P10 to P90", "P10 à P90"),
    "report_payback": ("Payback", "Retour"),
    "report_never": ("never", "jamais"),
    "report_months": ("{n} months", "{n} mois"),
    "report_at_once": ("at once", "immédiat"),
    "report_not_counted": ("Unknown and in no sum:", "Inconnu et dans aucune somme :"),
    "report_last30": (
        "Last 30 days, at the servers’ inputs",
        "30 derniers jours, à l’entrée des serveurs",
    ),
    "report_energy_none": ("No energy is known yet.", "Aucune énergie n’est encore connue."),
    "report_carbon_saved": (
        "The whole change saves {saved} of CO2e a year; making the new hosts costs {embodied}.",
        "Le changement complet évite {saved} de CO2e par an ; fabriquer les hôtes neufs en coûte {embodied}.",
    ),
    "report_first": (
        "No earlier report was given to compare with: --previous FILE names one.",
        "Aucun rapport antérieur n’a été donné pour comparer : --previous FICHIER en désigne un.",
    ),
    "report_since": ("Since the report of {time}:", "Depuis le rapport du {time} :"),
    "report_same": ("No figure changed.", "Aucun chiffre n’a changé."),
    "report_figure": ("Figure", "Chiffre"),
    "report_then": ("Then", "Avant"),
    "report_now": ("Now", "Maintenant"),
    "report_difference": ("Difference", "Écart"),
    "report_unit": ("Unit", "Unité"),
    "report_low": ("Low", "Bas"),
    "report_high": ("High", "Haut"),
    "report_ceiling_none": (
        "No other ceilings were planned for.",
        "Aucun autre plafond n’a été planifié.",
    ),
    "report_contents": ("Contents", "Sommaire"),
    "report_page": ("page", "page"),
}
