"""Agents that fall silent: how soon it is seen, and how often it is believed of one that is not."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from headroom_collector.alert_metrics import Host
from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.evaluator import ROUND_SECONDS
from headroom_collector.alerts.lost import Lost
from headroom_collector.bench.alert_replay import Anywhere
from headroom_collector.bench.report import Figure
from headroom_core.rules import AGENT_SILENT, SHIPPED

INTERVAL = 15.0
JITTER = 0.5
"""Standard deviation of a batch's way to the store, in seconds."""
HICCUP_SHARE = 2e-4
HICCUP_SECONDS = (1.0, 25.0)
"""A batch of so many is held up by a reconnection of this length."""
LATENCY_BOUND = 30.0
SUSPICIOUS = 30.0
HOURS_AT_ONCE = 20_000
SEED = 11


def gaps_of(hours: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the seconds between two arrivals, for that many hours of one agent."""
    count = round(hours * 3600 / INTERVAL)
    late = np.abs(random.normal(0.0, JITTER, count))
    held = random.random(count) < HICCUP_SHARE
    late += np.where(held, random.uniform(*HICCUP_SECONDS, count), 0.0)
    arrivals = np.arange(count) * INTERVAL + np.minimum(late, LATENCY_BOUND)
    return np.diff(np.maximum.accumulate(arrivals))


def believed(gaps: Sequence[float]) -> int:
    """Return how many of these pauses the rule takes for silence, looked at as it really is."""
    lost = Lost(Anywhere(), SHIPPED, 0)
    host = {"a": Host("a", interval_seconds=INTERVAL)}
    false = 0
    for gap in gaps:
        lost.hear(["a"], 0)
        # The worst moment to look is right before the next arrival.
        readings = lost.readings(host, round(gap * SECOND) - 1)
        false += any(
            rule.name == AGENT_SILENT and r.value is not None and rule.over(r.value, r.level)
            for rule, r in readings
        )
    return false


def figures(*, short: bool) -> Iterator[Figure]:
    """Simulate agents that live, and one that dies at any moment of its cycle."""
    hours = 20_000 if short else 1_000_000
    random = np.random.default_rng(SEED)
    false = 0
    longest = 0.0
    for _ in range(hours // HOURS_AT_ONCE):
        gaps = gaps_of(HOURS_AT_ONCE, random)
        longest = max(longest, float(gaps.max()))
        false += believed([float(gap) for gap in gaps[gaps > SUSPICIOUS]])
    rule = next(rule for rule in SHIPPED if rule.name == AGENT_SILENT)
    worst = (rule.threshold or 0.0) + ROUND_SECONDS
    yield Figure("alerts", "agent-lost", "agent_hours", hours, "h")
    yield Figure("alerts", "agent-lost", "false_silences", false, "count")
    yield Figure("alerts", "agent-lost", "longest_pause", longest, "s")
    yield Figure("alerts", "agent-lost", "seen_after_last_batch_at_most", worst, "s")
