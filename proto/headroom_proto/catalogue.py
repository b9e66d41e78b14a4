"""
Catalogue of everything that is observed, read off the contract's descriptors.

There is no second list anywhere: the store's columns, the Prometheus names, the API's metadata,
docs/metrics.md and the check of the dashboards' queries all come from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from headroom_proto.v1 import options_pb2, samples_pb2

Type = Literal["gauge", "counter"]

TYPES: dict[int, Type] = {
    options_pb2.METRIC_TYPE_GAUGE: "gauge",
    options_pb2.METRIC_TYPE_COUNTER: "counter",
}
INTEGERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)


class ContractError(ValueError):
    """The contract breaks one of its own rules: a field without unit, type or help."""


@dataclass(frozen=True, slots=True)
class Label:
    """
    What tells the things of a kind apart; ``key`` where it is part of their identity.

    ``told``: people and programs read it, but it is no label of a series.
    """

    field: str
    name: str
    help: str
    key: bool
    told: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """
    One stored value of a kind.

    ``metric`` is its Prometheus name and None for an attribute (stored, not exposed); ``labels``
    are fixed ones. A stored value times ``scale`` is in ``unit``.
    """

    field: str
    integer: bool
    help: str
    metric: str | None = None
    unit: str = ""
    type: Type = "gauge"
    labels: tuple[tuple[str, str], ...] = ()
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sample: a table in the store, a measurement in InfluxDB."""

    name: str
    message: str
    help: str
    producer: str
    rolled_up: bool
    labels: tuple[Label, ...]
    columns: tuple[Column, ...]

    def column(self, field: str) -> Column:
        """Return the column of that field; KeyError where there is none."""
        for column in self.columns:
            if column.field == field:
                return column
        raise KeyError(field)

    def series(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return a thing's labels that its series carry: all but what is only told."""
        told = {label.name for label in self.labels if label.told}
        return {name: text for name, text in labels.items() if name not in told}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All kinds, in the contract's order."""

    kinds: tuple[Kind, ...]

    def kind(self, name: str) -> Kind:
        """Return the kind of that name; KeyError where there is none."""
        for kind in self.kinds:
            if kind.name == name:
                return kind
        raise KeyError(name)

    def metrics(self) -> Iterator[tuple[Kind, Column]]:
        """Every column that is a metric, with its kind."""
        for kind in self.kinds:
            for column in kind.columns:
                if column.metric is not None:
                    yield kind, column

    def names(self) -> frozenset[str]:
        """Every Prometheus name."""
        return frozenset(column.metric for _, column in self.metrics() if column.metric)


def _metric(field: FieldDescriptor, metric: options_pb2.Metric) -> Column:
    if not (metric.name and metric.unit and metric.help and metric.type in TYPES):
        raise ContractError(f"{field.full_name}: a metric needs name, unit, type and help")
    return Column(
        field=field.name,
        integer=field.cpp_type in INTEGERS,
        help=metric.help,
        metric=metric.name,
        unit=metric.unit,
        type=TYPES[metric.type],
        labels=tuple((label.name, label.value) for label in metric.labels),
        scale=metric.scale or 1.0,
    )


def _field(field: FieldDescriptor) -> Label | Column:
    options = field.GetOptions()
    if options.HasExtension(options_pb2.metric):
        return _metric(field, options.Extensions[options_pb2.metric])
    if options.HasExtension(options_pb2.label):
        label = options.Extensions[options_pb2.label]
        return Label(field.name, label.name, label.help, label.key, label.told)
    if options.HasExtension(options_pb2.attribute):
        help_ = options.Extensions[options_pb2.attribute].help
        return Column(field.name, field.cpp_type in INTEGERS, help_)
    raise ContractError(f"{field.full_name}: is neither metric nor label nor attribute")


def read_kind(message: Descriptor) -> Kind | None:
    """Read one message; None where it is not a kind of sample. Raises ContractError."""
    options = message.GetOptions()
    if not options.HasExtension(options_pb2.kind):
        return None
    kind = options.Extensions[options_pb2.kind]
    fields = [_field(field) for field in message.fields]
    return Kind(
        name=kind.name,
        message=message.name,
        help=kind.help,
        producer=kind.producer,
        rolled_up=kind.rolled_up,
        labels=tuple(field for field in fields if isinstance(field, Label)),
        columns=tuple(field for field in fields if isinstance(field, Column)),
    )


@cache
def catalogue() -> Catalogue:
    """Read the catalogue off the contract, once. Raises ContractError."""
    messages = samples_pb2.DESCRIPTOR.message_types_by_name.values()
    kinds = (read_kind(message) for message in messages)
    return Catalogue(tuple(kind for kind in kinds if kind is not None))
