"""
What a caller of Prometheus' HTTP API can ask of the store, each as a value that can be sent.

A job runs wherever there is a reader of the store: in a thread, or in a process of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import promql_parser as ast

from headroom_collector.promql.errors import BadDataError
from headroom_collector.promql.matching import Matcher, matchers_of
from headroom_collector.promql.model import NAME, Labels
from headroom_collector.promql.query import Span, parse, run
from headroom_collector.promql.render import dumped, result, success
from headroom_collector.promql.storage import EVER, LabelsById, Naming, Seen, Store
from headroom_collector.store.api import Reader
from headroom_proto.catalogue import catalogue

Check = Callable[[], None]
"""Raises where the job is to end."""
Job = Callable[[Store, Check], str]
"""Returns the text of an answer; raises PromqlError, StoreError."""


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What a job has to know beside the samples.

    ``hosts``: the labels of each host's id; ``places``: those by its name; ``floor``: milliseconds
    before which samples are dropped.
    """

    hosts: LabelsById
    places: Mapping[str, Mapping[str, str]]
    floor: int

    def store(self, reader: Reader) -> Store:
        """Return the source of one job's samples."""
        return Store(reader, catalogue(), Naming(self.hosts, self._place), self.floor)

    def _place(self, host: str) -> Mapping[str, str]:
        return self.places.get(host, {})


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Evaluates a query."""

    text: str
    span: Span

    def __call__(self, store: Store, check: Check) -> str:
        """Return value and what is to be known of it."""
        answer = run(self.text, self.span, store, check)
        check()
        return success(result(answer, instant=not self.span.step), store.infos)


def _selector(text: str) -> list[Matcher]:
    tree = parse(text)
    if not isinstance(tree, ast.VectorSelector):
        raise BadDataError(f"invalid parameter 'match[]': {text!r}: expected a selector")
    return matchers_of(tree)


@dataclass(frozen=True, slots=True)
class Match:
    """Which series are meant: those that any selector lets pass, all without one."""

    selectors: Sequence[str] = ()
    seen: Seen = EVER

    def label_sets(self, store: Store) -> set[Labels]:
        """Return their label sets; raises BadDataError."""
        wanted = [_selector(text) for text in self.selectors] or [[]]
        return {labels for matchers in wanted for labels in store.find(matchers, self.seen)[0]}


@dataclass(frozen=True, slots=True)
class ListSeries:
    """Lists label sets."""

    match: Match

    def __call__(self, store: Store, check: Check) -> str:
        """Return them in order."""
        del check
        return dumped([dict(each) for each in sorted(self.match.label_sets(store))])


@dataclass(frozen=True, slots=True)
class ListLabels:
    """Lists the names of labels."""

    match: Match

    def __call__(self, store: Store, check: Check) -> str:
        """Return them in order."""
        del check
        return dumped(sorted({name for each in self.match.label_sets(store) for name, _ in each}))


@dataclass(frozen=True, slots=True)
class ListValues:
    """Lists the values of a label."""

    name: str
    match: Match

    def __call__(self, store: Store, check: Check) -> str:
        """Return them in order."""
        del check
        if not self.match.selectors and self.name == NAME:
            return dumped(sorted(catalogue().names()))
        found = self.match.label_sets(store)
        return dumped(sorted({dict(each)[self.name] for each in found if self.name in dict(each)}))
