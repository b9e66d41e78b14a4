"""What a report is made of: the collector's own answers, each with the path that it came from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]
Ask = Callable[[str], Answer]
"""Asks the collector for a path; raises CliError."""

PATHS: Mapping[str, str] = {
    "overview": "/api/v1/overview",
    "waste": "/api/v1/waste",
    "refresh": "/api/v1/refresh",
    "prices": "/api/v1/prices",
    "forecast": "/api/v1/forecast",
    "energy": "/api/v1/energy?days=30",
    "plans": "/api/v1/plans?limit=50",
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """Answers by name; ``plan`` is the newest finished plan, None where there is none."""

    answers: Mapping[str, Answer]
    plan: Answer | None

    def __getitem__(self, name: str) -> Answer:
        """Return one answer; KeyError for an unknown name."""
        return self.answers[name]


def newest(plans: Answer) -> str | None:
    """Return the id of the newest plan that is finished."""
    lines = plans.get("plans", [])
    return next((line["id"] for line in lines if line["state"] == "finished"), None)


def gather(ask: Ask, tell: Callable[[str], None]) -> Gathered:
    """Ask for everything, telling each path before it is asked; raises CliError."""
    answers = {}
    for name, path in PATHS.items():
        tell(path)
        answers[name] = ask(path)
    id_ = newest(answers["plans"])
    if id_ is None:
        return Gathered(answers, None)
    tell(f"/api/v1/plans/{id_}")
    return Gathered(answers, ask(f"/api/v1/plans/{id_}"))
