"""Answers as the JSON of Prometheus' HTTP API."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headroom_collector.promql.model import Floats, Ints, Samples, Vector
from headroom_collector.promql.query import Answer


def numbers(values: Floats) -> pa.Array:
    """Return numbers as texts that read back as the same numbers."""
    made = pc.cast(pa.array(np.ascontiguousarray(values)), pa.string())
    if np.isfinite(values).all():
        return made
    for ours, theirs in (("nan", "NaN"), ("inf", "+Inf"), ("-inf", "-Inf")):
        made = pc.if_else(pc.equal(made, ours), theirs, made)
    return made


def seconds(times: Ints) -> pa.Array:
    """Return milliseconds as texts in seconds."""
    whole = pc.cast(pa.array(times // 1000), pa.string())
    if not (times % 1000).any():
        return whole
    rest = np.char.zfill((times % 1000).astype(str), 3)
    return pc.binary_join_element_wise(whole, pa.array(rest.tolist(), pa.string()), ".")


def points(times: pa.Array, values: Floats) -> pa.Array:
    """Return ``[time,"value"]`` for each value."""
    return pc.binary_join_element_wise("[", times, ',"', numbers(values), '"]', "")


def _object(labels: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(labels), separators=(",", ":"), ensure_ascii=False)


def _listed(texts: pa.Array) -> str:
    return "[" + ",".join(texts.to_pylist()) + "]"


def _matrix(vector: Vector, times: Ints) -> Iterator[str]:
    moments = seconds(times)
    order = sorted(range(len(vector.labels)), key=lambda row: vector.labels[row])
    for row in order:
        there = vector.present[row]
        chosen = moments if there.all() else moments.filter(pa.array(there))
        listed = _listed(points(chosen, vector.values[row][there]))
        yield f'{{"metric":{_object(vector.labels[row])},"values":{listed}}}'


def _vector(vector: Vector, times: Ints) -> Iterator[str]:
    there = vector.present[:, 0]
    made = points(seconds(np.repeat(times, there.sum())), vector.values[there, 0]).to_pylist()
    labels = [labels for labels, here in zip(vector.labels, there, strict=True) if here]
    for one, point in zip(labels, made, strict=True):
        yield f'{{"metric":{_object(one)},"value":{point}}}'


def _samples(found: Samples) -> Iterator[str]:
    for row, labels in enumerate(found.labels):
        part = slice(int(found.starts[row]), int(found.starts[row + 1]))
        listed = _listed(points(seconds(found.times[part]), found.values[part]))
        yield f'{{"metric":{_object(labels)},"values":{listed}}}'


def result(answer: Answer, *, instant: bool) -> str:
    """Return the object of ``resultType`` and ``result``."""
    value = answer.value
    if isinstance(value, Samples):
        kind, body = "matrix", "[" + ",".join(_samples(value)) + "]"
    elif isinstance(value, str):
        kind = "string"
        body = f"[{seconds(answer.times)[0].as_py()},{json.dumps(value)}]"
    elif isinstance(value, Vector):
        kind = "vector" if instant else "matrix"
        made = _vector(value, answer.times) if instant else _matrix(value, answer.times)
        body = "[" + ",".join(made) + "]"
    elif instant:
        kind, body = "scalar", points(seconds(answer.times), value)[0].as_py()
    else:
        kind = "matrix"
        body = f'[{{"metric":{{}},"values":{_listed(points(seconds(answer.times), value))}}}]'
    return f'{{"resultType":"{kind}","result":{body}}}'


def success(data: str, infos: Sequence[str] = ()) -> str:
    """Return the text of an answer; ``data`` is JSON already."""
    more = f',"infos":{json.dumps(list(infos))}' if infos else ""
    return f'{{"status":"success","data":{data}{more}}}'


def dumped(data: Any) -> str:
    """Return the text of an answer of plain data."""
    return success(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
