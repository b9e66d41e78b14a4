"""Report of a plan: the object that ``headroom plan --from --json`` prints; see docs/plan-files.md."""

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headroom_collector.consolidation.planner.model import (
    DAY_SECONDS,
    NOWHERE,
    Options,
    Problem,
)

if TYPE_CHECKING:
    from headroom_collector.consolidation.planner.plan import Plan

RELIABLE_SECONDS = 21 * DAY_SECONDS
"""History below which no host is recommended for power-off; measured on traces, see the docs."""
COMPLETE = 0.95
"""Share of known samples below which neither."""


def as_object(plan: "Plan") -> dict[str, Any]:
    """Return the plan as the object that the schema describes; ratios, seconds, bytes."""
    hosts, vms = plan.problem.hosts, plan.problem.vms
    failed = {vm: reason for vm, reason in plan.aside.items() if reason}

    def host(at: int) -> str | None:
        return None if at == NOWHERE else hosts[at].name

    return {
        "mode": plan.options.mode,
        "objective": plan.options.objective,
        "placement": {vm.name: host(plan.placement[at]) for at, vm in enumerate(vms)},
        "hosts_kept": [hosts[at].name for at in plan.kept],
        "hosts_freed": [hosts[at].name for at in plan.freed],
        "hosts_in_reserve": [hosts[at].name for at in plan.spare],
        "moves": [
            {"vm": vms[m.vm].name, "from": host(m.source), "to": host(m.target), "night": m.night}
            | ({"virtualise": True} if vms[m.vm].bare else {})
            for m in plan.moves
        ],
        "lower_bound": plan.bound.hosts,
        "lower_bound_by": plan.bound.by,
        "gap_ratio": gap_ratio(plan),
        "violations": list(plan.violations),
        "cannot_comply": [vms[at].name for at in failed],
        "cannot_comply_reasons": {vms[at].name: reason for at, reason in failed.items()},
        "freed_after_moves": [list(point) for point in plan.freed_after],
        "emptying": [
            {
                "host": hosts[one.host].name,
                "hosts_freed": one.freed,
                "moves": one.moves,
                "energy_kwh_per_year": one.kwh_per_year,
                "money_per_year": one.money_per_year,
            }
            for one in plan.stages
        ],
        "clusters": [dict(row) for row in plan.clusters],
        "savings": dict(plan.savings),
        "confidence": confidence(plan.problem),
        "seconds": round(plan.seconds, 3),
        "peak_memory_bytes": plan.peak_memory_bytes,
        "assumptions": assumptions(plan),
        **_proof(plan),
        **plan.extras,
    }


def _proof(plan: "Plan") -> dict[str, Any]:
    proofs = [bound.certificate for _, bound in plan.pieces if bound.certificate is not None]
    if len(plan.pieces) == 1:
        return {"certificate": asdict(proofs[0])} if proofs else {}
    return {"certificates": [asdict(proof) for proof in proofs]}


def gap_ratio(plan: "Plan") -> float:
    """Return (hosts kept - lower bound) / lower bound; 0 says that the plan is proven best."""
    bound = plan.bound.hosts
    return round((len(plan.kept) - bound) / bound, 4) if bound else 0.0


def confidence(problem: Problem) -> dict[str, Any]:
    """Say how far the history carries, and why no power-off is recommended where it does not."""
    share = float(problem.known[problem.known > 0].mean()) if (problem.known > 0).any() else 0.0
    days = problem.history_seconds / DAY_SECONDS
    reasons = []
    if problem.history_seconds < RELIABLE_SECONDS:
        reasons.append(f"{days:.1f} days of history: at least 21 are needed")
    if share < COMPLETE:
        reasons.append(f"{share:.0%} of the samples are known: at least {COMPLETE:.0%} are needed")
    return {
        "history_days": round(days, 3),
        "completeness_ratio": round(share, 4),
        "power_off_recommended": not reasons,
        "reasons": reasons,
    }


def assumptions(plan: "Plan") -> list[str]:
    """Say in sentences what the plan rests on."""
    options, problem = plan.options, plan.problem
    found = [
        f"ceiling {_ceilings(plan)} of cores x base clock, {_where(options)}",
        problem.speed_basis,
        problem.memory_basis,
        (
            f"every sample of {problem.samples} on a 300 s grid; gaps filled with the VM's own"
            " 95th percentile of that hour of the day"
        ),
        *problem.notes,
        *plan.notes,
    ]
    if not any(host.overhead_mhz for host in problem.hosts):
        found.append("no hypervisor overhead was given: none was counted")
    if options.reserve:
        found.append(
            f"reserve: any {options.reserve} hosts of a cluster may fail, the rest staying under"
            f" {options.reserve_cap:g}"
        )
    return found


def _ceilings(plan: "Plan") -> str:
    default = plan.options.ceiling
    known = [default if host.ceiling is None else host.ceiling for host in plan.problem.hosts]
    low, high = min(known, default=default), max(known, default=default)
    return f"{low:g}" if low == high else f"from {low:g} to {high:g} by host"


def _where(options: Options) -> str:
    if options.quantile == 1:
        return "in every sample of every host"
    most = max(options.ceiling, options.hard_cap)
    return f"in at least {options.quantile:.4g} of a host's samples, never above {most:g}"


def as_csv(plan: "Plan") -> str:
    """Return the moves as CSV, in their order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step", "night", "vm", "from", "to"))
    hosts, vms = plan.problem.hosts, plan.problem.vms
    for step, move in enumerate(plan.moves, 1):
        source, target = hosts[move.source].name, hosts[move.target].name
        writer.writerow((step, move.night, vms[move.vm].name, source, target))
    return text.getvalue()
