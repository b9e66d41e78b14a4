"""label_replace and label_join."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headroom_collector.promql.errors import BadDataError
from headroom_collector.promql.model import Labels, Vector, merged, with_labels

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
REFERENCE = re.compile(r"\$(?:\$|(\d+)|\{(\d+)\}|(\w+)|\{(\w+)\})")
FEW = 10
"""References to groups go from $0 to $9."""


def _checked(name: str, function: str) -> str:
    if not LABEL.fullmatch(name):
        raise BadDataError(f"invalid destination label name in {function}(): {name}")
    return name


def _rewrite(replacement: str) -> str:
    r"""Return Go's replacement (``$1``, ``${1}``) as RE2's (``\1``); raises BadDataError."""

    def turn(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        number = found[1] or found[2]
        if number is None or int(number) >= FEW:
            raise BadDataError(f"label_replace: {found[0]} is not supported, $0 to $9 are")
        return f"\\{int(number)}"

    return REFERENCE.sub(turn, replacement.replace("\\", "\\\\"))


def _replaced(values: list[str], pattern: str, replacement: str) -> list[str | None]:
    """Return each value's replacement, None where the pattern does not match the whole value."""
    array, anchored = pa.array(values, pa.string()), f"^(?:{pattern})$"
    try:
        hits = pc.match_substring_regex(array, pattern=anchored).to_pylist()
        made = pc.replace_substring_regex(
            array, pattern=anchored, replacement=_rewrite(replacement), max_replacements=1
        ).to_pylist()
    except pa.ArrowInvalid as error:
        raise BadDataError(f"label_replace: {error}") from None
    return [text if hit else None for text, hit in zip(made, hits, strict=True)]


def label_replace(vector: Vector, texts: Sequence[str]) -> Vector:
    """Set a label from another one's value: (target, replacement, source, regular expression)."""
    target, replacement, source, pattern = texts
    _checked(target, "label_replace")
    made = _replaced(
        [dict(labels).get(source, "") for labels in vector.labels], pattern, replacement
    )
    labels: list[Labels] = [
        old if text is None else with_labels(old, [(target, text)])
        for old, text in zip(vector.labels, made, strict=True)
    ]
    return merged(Vector(labels, vector.values, vector.present))


def label_join(vector: Vector, texts: Sequence[str]) -> Vector:
    """Set a label to others' values, joined: (target, separator, sources...)."""
    target, separator, *sources = texts
    _checked(target, "label_join")
    labels = []
    for old in vector.labels:
        known = dict(old)
        joined = separator.join(known.get(source, "") for source in sources)
        labels.append(with_labels(old, [(target, joined)]))
    return merged(Vector(labels, vector.values, vector.present))
