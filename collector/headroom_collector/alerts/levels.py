"""What a rule holds a figure against: its threshold, the ceiling, a budget."""

from headroom_collector.alert_metrics import POWER
from headroom_core.budget import EnergyBudget
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member
from headroom_core.rules import Rule


def level_of(rule: Rule, member: Member, ceiling: Ceiling, budget: EnergyBudget) -> float | None:
    """Return the level for a subject in the metric's unit; None where it has no budget."""
    if rule.threshold is not None:
        return rule.threshold
    place = member.placement
    if rule.metric == POWER:
        return None if member.host else budget.of(place.site, place.cluster)
    return ceiling.of(place.site, place.cluster, place.host_class)
