"""Old samples that arrive late: how many pages about the past, and whether the present is told."""

from collections.abc import Iterator
from dataclasses import replace

from headroom_collector.alert_metrics import Host, Sample
from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.judge import Judge
from headroom_collector.alerts.record import Notice, NoticeKind
from headroom_collector.bench.report import Figure
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement
from headroom_core.rules import RUNBOOKS, Rule

HOSTS = 100
STEP = 60


def quick_rule(window_seconds: float) -> Rule:
    """Return the ceiling's rule in haste: a window, and a minute to fire and to clear."""
    return Rule(
        "HostAboveCeiling",
        window_seconds=window_seconds,
        hold_seconds=60,
        clear_hold_seconds=60,
        runbook_url=f"{RUNBOOKS}HostAboveCeiling",
    )


RULE = replace(quick_rule(window_seconds=60), clear_hold_seconds=0.0)
# Up for a window longer than the hold; down until it is clear, which is at once.
UP, DOWN = 3, 2
START = 1_790_000_000 * SECOND


class Anywhere:
    """An estate whose hosts have no place."""

    def member(self, host: str) -> Member:
        """Return a host that is present."""
        return Member(host, Placement())


def figures(*, short: bool) -> Iterator[Figure]:
    """Replay episodes that are long over, half of the hosts with a last one that still lasts."""
    episodes = 50 if short else 10_000
    names = [f"host-{n}" for n in range(HOSTS)]
    hosts = {name: Host(name, interval_seconds=float(STEP)) for name in names}
    judge = Judge((RULE,), Anywhere(), Ceiling(), 300.0, hosts=hosts)
    cycle = (UP + DOWN) * STEP
    now = START + (episodes + 1) * cycle * SECOND + 3600 * SECOND
    stale = recorded = 0
    for episode in range(episodes):
        base = START + episode * cycle * SECOND
        samples = [
            Sample(name, base + n * STEP * SECOND, 0.8 if n < UP else 0.1)
            for n in range(UP + DOWN)
            for name in names
        ]
        changes = judge.judge(samples, now)
        stale += len(changes.notices)
        recorded += sum(entry.historical for entry in changes.history)
    open_since = START + episodes * cycle * SECOND
    told = _present(judge, names[::2], names[1::2], open_since, now)
    exact = [n for n in told if n.kind is NoticeKind.FIRING and n.started == open_since]
    yield Figure("alerts", "replay", "episodes", recorded / 2, "count")
    yield Figure("alerts", "replay", "stale_pages", stale, "count")
    yield Figure("alerts", "replay", "open_episodes", len(names[::2]), "count")
    yield Figure("alerts", "replay", "pages_with_true_start", len(exact), "count")
    yield Figure("alerts", "replay", "other_pages", len(told) - len(exact), "count")


def _present(judge: Judge, high: list[str], low: list[str], since: int, now: int) -> list[Notice]:
    steps = range((now - since) // (STEP * SECOND) + 1)
    told: list[Notice] = []
    for step in steps:
        time = since + step * STEP * SECOND
        samples = [Sample(name, time, 0.8) for name in high]
        samples += [Sample(name, time, 0.1) for name in low]
        told += judge.judge(samples, now).notices
    return told
