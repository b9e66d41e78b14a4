"""
What differs between the engines that dashboards can read: data source, queries, variables, marks.

A dashboard is defined once; a flavour turns its neutral parts into what one data source takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headroom_dashboards.query import Query

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A panel's queries as a data source takes them.

    ``interval``: least width of a step, such as 5m; ``nothing``: what stands where no query has an
    answer; ``transformations``: what Grafana has to do with the answers first.
    """

    targets: Sequence[Json]
    interval: str = ""
    nothing: str = ""
    transformations: Sequence[Json] = field(default_factory=list)
    notes: Sequence[str] = ()
    """Paragraphs that the description gets on top."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    A variable over the values of a label, with All.

    ``metric`` is one that has the label, ``matchers`` narrow it down by other variables.
    """

    name: str
    title: str
    metric: str
    matchers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A mark across the panels wherever ``metric`` fulfils ``condition`` (such as ``== 1``).

    ``labels`` are shown as its text; ``expr`` is what PromQL asks where that is another thing.
    """

    name: str
    metric: str
    matchers: Sequence[str]
    condition: str
    labels: Sequence[str]
    colour: str
    expr: str = ""
    promql_only: bool = False
    """Whether ``condition`` alone would mark what ``expr`` does not mean."""


class Flavour(Protocol):
    """One data source's language. ``suffix`` keeps its dashboards' uids apart from others'."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        ...

    @property
    def plugin(self) -> str:
        """Type of the data source."""
        ...

    @property
    def suffix(self) -> str:
        """What is put behind every uid and tag."""
        ...

    @property
    def datasource(self) -> Mapping[str, str]:
        """Reference to the data source that the dashboard's variable names."""
        ...

    def asked(self, queries: Sequence[Query]) -> Asked:
        """Return a panel's queries; ValueError where one cannot be said."""
        ...

    def choice(self, choice: Choice) -> Json:
        """Return what a variable over a label asks: ``definition`` and ``query``."""
        ...

    def mark(self, mark: Mark) -> Json | None:
        """Return what a mark asks; None where the language cannot ask it."""
        ...
