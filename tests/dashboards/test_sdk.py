"""Shape: every dashboard goes through the models of Grafana's own SDK and comes out the same."""

import enum
import json
import types
import typing
import warnings
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import flavours, pages
from headroom_dashboards.frame import to_json

with warnings.catch_warnings():
    # Its authors would rather have the second form of dashboards, which Grafana 11 cannot read.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import dashboard as models

    register_default_plugins()
NOT_MODELLED = {

    "annotations.list[].query", "annotations.list[].fromAnnotations",
    "annotations.list[].textColumn", "annotations.list[].tagsColumn",
    # Every release writes them; the models know no such keys.


}  # fmt: skip
"""What a data source adds by itself, which the SDK leaves open; and what it does not know yet."""
MADE = [(flavour, name) for flavour in flavours() for name in pages(Ceiling(), Rule())]


def lost(ours: Any, theirs: Any, path: str = "") -> typing.Iterator[str]:
    """Yield what the models dropped or changed."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            where = f"{path}.{key}".lstrip(".")
            if where in NOT_MODELLED or (value is None and key not in theirs):
                continue
            if not isinstance(theirs, dict) or key not in theirs:
                yield f"{where} is in no model"
            else:
                yield from lost(value, theirs[key], where)
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            yield f"{path}: another number of entries"
            return
        for a, b in zip(ours, theirs, strict=True):
            yield from lost(a, b, f"{path}[]")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"


def mistyped(value: Any, hint: Any, path: str) -> typing.Iterator[str]:
    """Yield where a value is not of the type that the model says."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in {Any, object} or isinstance(hint, str | typing.ForwardRef | typing.TypeVar):
        return
    if origin in {typing.Union, types.UnionType}:
        # What the nearest of the possible types has against it; none where one fits.
        yield from min((list(mistyped(value, part, path)) for part in parts), key=len)
    elif origin is list and isinstance(value, list):
        for item in value:
            yield from mistyped(item, parts[0], f"{path}[]")
    elif origin is not None:
        if not (value in parts if origin is typing.Literal else isinstance(value, origin)):
            yield f"{path}: {value!r} is no {hint}"
    elif isinstance(hint, type):
        yield from _of_type(value, hint, path)


def _of_type(value: Any, hint: type, path: str) -> typing.Iterator[str]:
    if issubclass(hint, enum.Enum):
        if value not in {each.value for each in hint} and value not in set(hint):
            yield f"{path}: {value!r} is no {hint.__name__}"
    elif hint in {float, int}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{path}: {value!r} is no number"
    else:
        # The models leave some of their parts as they came.
        decode = getattr(hint, "from_json", None)
        made = decode(value) if decode and isinstance(value, dict) else value
        yield from _of_class(made, hint, path)


def _of_class(value: Any, hint: type, path: str) -> typing.Iterator[str]:
    if not isinstance(value, hint) and not getattr(hint, "_is_protocol", False):
        yield f"{path}: {value!r} is no {hint.__name__}"
        return
    module = __import__(type(value).__module__, fromlist=["x"])
    for name, part in getattr(type(value), "__annotations__", {}).items():
        real = typing.get_type_hints(
            types.SimpleNamespace(__annotations__={name: part}), vars(module)
        )[name]
        yield from mistyped(getattr(value, name), real, f"{path}.{name}")


@pytest.mark.parametrize(("flavour", "name"), MADE)
def test_the_models_keep_every_key_and_find_every_value_of_its_type(flavour, name):
    ours = json.loads(to_json(pages(Ceiling(), Rule())[name], flavours()[flavour]))
    model = models.Dashboard.from_json(ours)
    theirs = json.loads(JSONEncoder().encode(model))
    errors = [*lost(ours, theirs), *mistyped(model, models.Dashboard, name)]
    assert not errors, "\n".join(sorted(set(errors)))


def test_a_dead_key_and_a_wrong_type_are_found():
    ours = {"title": "x", "hideControls": True, "panels": [{"type": "stat", "title": 7}]}
    model = models.Dashboard.from_json(ours)
    theirs = json.loads(JSONEncoder().encode(model))
    assert "hideControls is in no model" in set(lost(ours, theirs))
    assert any("title: 7" in line for line in mistyped(model, models.Dashboard, "d"))
