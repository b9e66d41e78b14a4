"""Matchers of labels. Regular expressions are RE2's, as Prometheus': linear in time, anchored."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import promql_parser as ast
import pyarrow as pa
import pyarrow.compute as pc

from headroom_collector.promql.errors import BadDataError
from headroom_collector.promql.model import NAME

LITERALS = re.compile(r"[\w -]+(\|[\w -]+)*")
"""An alternation of plain words needs no regular expression."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that is absent counts as empty."""

    name: str
    value: str
    regex: bool = False
    negated: bool = False

    def chosen(self, values: Iterable[str]) -> frozenset[str]:
        """Return those of these values that it lets pass; raises BadDataError."""
        distinct = set(values)
        hit = self._matching(distinct) if self.regex else distinct & {self.value}
        return frozenset(distinct - hit if self.negated else hit)

    def _matching(self, values: set[str]) -> set[str]:
        if LITERALS.fullmatch(self.value):
            return values & set(self.value.split("|"))
        if self.value == ".*":
            return values
        texts = list(values)
        try:
            found = pc.match_substring_regex(
                pa.array(texts, pa.string()), pattern=f"^(?:{self.value})$"
            )
        except pa.ArrowInvalid as error:
            raise BadDataError(f"{self.name}: {error}") from None
        return {text for text, hit in zip(texts, found.to_pylist(), strict=True) if hit}


def _matcher(found: ast.Matcher) -> Matcher:
    return Matcher(
        found.name,
        found.value,
        regex=found.op == ast.MatchOp.Re or found.op == ast.MatchOp.NotRe,  # noqa: PLR1714  # not hashable
        negated=found.op == ast.MatchOp.NotEqual or found.op == ast.MatchOp.NotRe,  # noqa: PLR1714  # the same
    )


def matchers_of(selector: ast.VectorSelector) -> list[Matcher]:
    """Return a selector's conditions, that on the name among them; BadDataError for ``or``."""
    if selector.matchers.or_matchers:
        raise BadDataError("'or' between matchers is not supported: use 'or' between selectors")
    found = [_matcher(matcher) for matcher in selector.matchers.matchers]
    return [Matcher(NAME, selector.name), *found] if selector.name else found


def passing(
    matchers: Sequence[Matcher], values: Callable[[str], Iterable[str]]
) -> Callable[[Callable[[str], str]], bool]:
    """
    Return a test of label sets, each given as a function from a label's name to its value.

    ``values`` gives every value that a label has anywhere, so that each is looked at once.
    """
    chosen = [(each.name, each.chosen({*values(each.name), ""})) for each in matchers]
    return lambda value_of: all(value_of(name) in allowed for name, allowed in chosen)
