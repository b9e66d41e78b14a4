"""Reads container files, as far as ours go: one instruction a step, continued lines joined."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction and what follows it."""

    name: str
    text: str


def steps(text: str) -> list[Step]:
    """Return a file's instructions in order."""
    kept = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = "\n".join(kept).replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        name, _, rest = line.strip().partition(" ")
        found.append(Step(name, " ".join(rest.split())))
    return found


def stages(made: list[Step]) -> list[list[Step]]:
    """Return the steps of each stage, its FROM the first."""
    found: list[list[Step]] = []
    for step in made:
        if step.name == "FROM":
            found.append([])
        found[-1].append(step)
    return found
