"""Statements of InfluxQL that are put together from the inside out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

VALUE = "v"
LOOKBACK = 300
"""How long a sample counts as the value now, in seconds; as in Prometheus."""


class UntranslatableError(ValueError):
    """A query that InfluxQL cannot say; the text says which part of it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When a query is asked for: at each step of the dashboard's time, or at its end alone.

    ``window``: seconds of samples that the end looks back on.
    """

    instant: bool
    window: int = LOOKBACK

    def time(self) -> str:
        """Return the condition for the time."""
        if self.instant:
            return f"time > ${{__to}}ms - {self.window}s AND time <= ${{__to}}ms"
        return "$timeFilter"

    def group(self, tags: Sequence[str] | None) -> str:
        """Return the clause that groups by step and tags; None for every tag."""
        by = [] if self.instant else ["time($__interval)"]
        by += ["*"] if tags is None else [f'"{tag}"' for tag in tags]
        clause = f" GROUP BY {', '.join(by)}" if by else ""
        return clause if self.instant else f"{clause} fill(none)"


@dataclass(frozen=True, slots=True)
class Rows:
    """
    What a query gives: columns of values by the labels that are fixed in the contract.

    ``sources`` are statements whose rows are taken together; ``tags`` those they are grouped by,
    None for every tag; ``whole`` the same rows before a condition left some out.
    """

    measurement: str
    moment: Moment
    sources: Sequence[str]
    columns: Mapping[str, Mapping[str, str]]
    tags: Sequence[str] | None = None
    whole: "Rows | None" = None
    zero: bool = False
    """Where nothing is, 0 is meant."""
    least: int = 0
    """Least width of a step in seconds, for a mean over so long to be one."""
    where: Mapping[str, str] = field(default_factory=dict)

    def source(self) -> str:
        """Return what stands behind FROM."""
        return ", ".join(f"({each})" for each in self.sources)

    def one(self) -> str:
        """Return the name of the only column; UntranslatableError where there are several."""
        if len(self.columns) != 1:
            raise UntranslatableError("several columns of the contract at once")
        return next(iter(self.columns))

    def outer(self, wanted: str, tags: Sequence[str] | None, condition: str = "") -> str:
        """Return a statement over these rows."""
        where = f"{self.moment.time()}{condition and ' AND '}{condition}"
        return f"SELECT {wanted} FROM {self.source()} WHERE {where}{self.moment.group(tags)}"

    def plain(self, wanted: str, condition: str = "") -> str:
        """Return a statement that takes rows as they are."""
        where = f"{self.moment.time()}{condition and ' AND '}{condition}"
        return f"SELECT {wanted} FROM {self.source()} WHERE {where} GROUP BY *"

    def mapped(self, form: str) -> "Rows":
        """Return other values for the same rows; ``form`` has {} where the value stands."""
        wanted = ", ".join(
            f'{form.format(f"{chr(34)}{c}{chr(34)}")} AS "{c}"' for c in self.columns
        )
        return replace(self, sources=[self.plain(wanted)])

    def filtered(self, operator: str, level: str) -> "Rows":
        """Return the rows whose value fulfils a condition."""
        name = self.one()
        return replace(
            self,
            sources=[self.plain(f'"{name}"', f'"{name}" {operator} {level}')],
            whole=self.whole or self,
        )
