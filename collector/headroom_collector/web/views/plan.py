"""The plan: moves in order, hosts freed per move, the price of the ceiling, and how sure that is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.plans import PlanLineOut, PlanOut, list_plans, show
from headroom_collector.web.asked import Asked
from headroom_collector.web.draw import Axes
from headroom_collector.web.queries import moment
from headroom_collector.web.tables import ROWS, Slice, page_of
from headroom_collector.web.tongue import Tongue

LISTED = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One move, numbered from 1; ``frees`` where its host is empty after it."""

    number: int
    vm: str
    source: str
    target: str
    night: int
    frees: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A line that only steps upwards, drawn by its corners; ``text`` says it in words."""

    path: str
    right: float
    top: float


def steps(plan: Mapping[str, Any]) -> list[Step]:
    """Return the moves in order, with those that empty a host marked."""
    left = Counter(move["from"] for move in plan["moves"])
    freed = set(plan["hosts_freed"])
    found = []
    for number, move in enumerate(plan["moves"], start=1):
        left[move["from"]] -= 1
        frees = move["from"] in freed and left[move["from"]] == 0
        found.append(
            Step(number, move["vm"], move["from"], move["to"], move.get("night", 1), frees)
        )
    return found


def freed_curve(plan: Mapping[str, Any], moves: Sequence[Step]) -> Curve | None:
    """Return hosts freed against moves made; hosts that are empty already count at once."""
    total = len(plan["hosts_freed"])
    if not total:
        return None
    count = total - sum(step.frees for step in moves)
    axes = Axes(0, max(len(moves), 1), 0, total)
    path = f"M0 {axes.y(count):.5g}"
    for step in moves:
        if step.frees:
            count += 1
            path += f"H{axes.x(step.number):.5g}V{axes.y(count):.5g}"
    return Curve(f"{path}H1000", len(moves), total)


def price(plan: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int]:
    """Return what other ceilings would give, and the most hosts of any."""
    found = plan.get("ceiling_curve") or []
    return found, max((point["hosts_kept"] for point in found), default=0)


def chosen(asked: Asked, lines: Sequence[PlanLineOut]) -> PlanOut | None:
    """Return the plan asked for, else the newest that is finished; raises NotFoundError."""
    given, wanted = asked.given, asked.site.ask("id")
    id_ = wanted or next((line.id for line in lines if line.state == "finished"), "")
    if not id_:
        return None
    if not wanted or any(line.id == wanted for line in lines):
        return asked.soon(("plan", id_), lambda: show(given, id_))
    raise NotFoundError(f"there is no plan {wanted!r}")


def reason(t: Tongue, text: str) -> str:
    """Say why no power-off is recommended, in the reader's language."""
    figure, _, rest = text.partition(" ")
    if rest.startswith("days of history"):
        return t.say("plan_reason_days", days=t.number(float(figure), 1))
    if rest.startswith("of the samples are known"):
        return t.say("plan_reason_known", share=figure.replace("%", "\u00a0%"))
    return text


def _lines(asked: Asked) -> list[PlanLineOut]:
    try:
        return list_plans(asked.given, limit=LISTED).plans
    except HTTPException:
        return []  # a collector that makes no plans, such as one that only reads


def _whole(t: Tongue, found: PlanOut, page: int) -> dict[str, Any]:
    plan = found.plan or {}
    moves = steps(plan)
    points, most = price(plan)
    pages = max(1, -(-len(moves) // ROWS))
    page = min(page, pages)
    return {
        "plan": plan,
        "summary": found.summary,
        "outcome": found.outcome,
        "slice": Slice(moves[(page - 1) * ROWS : page * ROWS], page, pages, len(moves)),
        "curve": freed_curve(plan, moves),
        "points": points,
        "most": most,
        "reasons": [reason(t, text) for text in plan["confidence"]["reasons"]],
    }


def view(asked: Asked, fault: str = "") -> dict[str, Any]:
    """Return the figures of the view; raises NotFoundError, StoreError."""
    lines, overview, t = _lines(asked), asked.overview(), asked.site.tongue
    found = chosen(asked, lines)
    shown = found if found is not None and found.plan else None
    made_up = overview.totals.hosts_simulated
    return {
        "at": moment(asked.now),
        "simulated": t.say("plan_simulated", some=t.count("host", made_up)) if made_up else "",
        "totals": overview.totals,
        "bound": overview.totals.bound,
        "lines": lines,
        "running": next((line for line in lines if line.state == "running"), None),
        "chosen": found,
        "fault": fault,
        "able": asked.given.plans is not None,
        **(_whole(t, shown, page_of(asked.site.query)) if shown else {"plan": None}),
    }
