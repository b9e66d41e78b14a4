"""Answers of Prometheus' HTTP API, held against each other."""

import math
from typing import Any

RELATIVE = 1e-9
OF_LARGEST = 1e-12
Json = dict[str, Any]


def points(data: Json) -> dict[Any, str]:
    """Return {(labels, time): value}, or the scalar's value by its kind and time."""
    if data["resultType"] in {"scalar", "string"}:
        return {(data["resultType"], data["result"][0]): data["result"][1]}
    return {
        (tuple(sorted(each["metric"].items())), time): value
        for each in data["result"]
        for time, value in each.get("values", [each.get("value")])
    }


def close(a: str, b: str, scale: float, relative: float) -> bool:
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return (math.isnan(x) and math.isnan(y)) or x == y
    return abs(x - y) <= max(relative * max(abs(x), abs(y)), OF_LARGEST * scale)


def difference(mine: Json, real: Json, scale: float = 0.0, relative: float = RELATIVE) -> str:
    """Return what differs, in a line; empty where nothing does. ``scale``: the largest input."""
    if mine["status"] != real["status"]:
        return f"ours: {mine.get('error', 'an answer')}; theirs: {real.get('error', 'an answer')}"
    if mine["status"] == "error":
        return ""
    a, b = points(mine["data"]), points(real["data"])
    if set(a) != set(b):
        ours, theirs = sorted(set(a) - set(b))[:2], sorted(set(b) - set(a))[:2]
        return f"only ours: {ours}; only theirs: {theirs}"
    wrong = [(key, a[key], b[key]) for key in a if not close(a[key], b[key], scale, relative)]
    return f"{len(wrong)} values, such as {wrong[0]}" if wrong else ""
