"""The contract keeps its own rules, and its promises to what was released."""

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorSet

from headroom_proto.catalogue import Catalogue, ContractError, catalogue, read_kind
from headroom_proto.v1 import options_pb2, samples_pb2, telemetry_pb2

RELEASED = Path(__file__).parents[2] / "proto" / "released.binpb"
UNITS = {"seconds", "bytes", "ratio", "watts", "joules", "hertz", "celsius", "count", "code"}


def messages(files: FileDescriptorSet) -> dict[str, DescriptorProto]:
    return {message.name: message for file in files.file for message in file.message_type}


def now() -> FileDescriptorSet:
    found = FileDescriptorSet()
    for module in (options_pb2, samples_pb2, telemetry_pb2):
        module.DESCRIPTOR.CopyToProto(found.file.add())
    return found


def meaning(field: FieldDescriptorProto) -> tuple[object, ...]:
    """What may never change in a field that was released; its help may be worded better."""
    metric = field.options.Extensions[options_pb2.metric]
    labels = tuple((label.name, label.value) for label in metric.labels)
    label = field.options.Extensions[options_pb2.label]
    of_metric = (metric.name, metric.unit, metric.type, metric.scale, labels)
    return (field.name, field.type, field.label, *of_metric, label.name, label.key)


def broken(old: FileDescriptorSet, new: FileDescriptorSet) -> list[str]:
    """Each field of ``old`` that is gone from ``new`` or means something else there."""
    faults = []
    after = messages(new)
    for name, message in messages(old).items():
        fields = {field.number: field for field in after.get(name, DescriptorProto()).field}
        for field in message.field:
            found = fields.get(field.number)
            if found is None:
                faults.append(f"{name}.{field.name} (number {field.number}) is gone")
            elif meaning(found) != meaning(field):
                faults.append(f"{name}.{field.name} (number {field.number}) means something else")
    return faults


def test_nothing_that_was_released_changes_number_or_meaning() -> None:
    old = FileDescriptorSet.FromString(RELEASED.read_bytes())
    assert messages(old), "the released contract is empty"
    assert broken(old, now()) == []


@pytest.mark.parametrize("change", ["number", "name", "unit", "type", "scale", "gone"])
def test_a_change_of_a_released_field_is_seen(change: str) -> None:
    new = now()
    field = messages(new)["HostSample"].field[0]
    metric = field.options.Extensions[options_pb2.metric]
    match change:
        case "number":
            field.number = 900
        case "name":
            field.name = "renamed"
        case "unit":
            metric.unit = "percent"
        case "type":
            metric.type = options_pb2.METRIC_TYPE_COUNTER
        case "scale":
            metric.scale = 100
        case "gone":
            del messages(new)["HostSample"].field[0]
    assert len(broken(now(), new)) == 1
    assert "HostSample.cpu_utilisation_ratio" in broken(now(), new)[0]


def kind_with(field_options: descriptor_pb2.FieldOptions) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="probe.proto",
        package="probe",
        syntax="proto3",
        dependency=["headroom/v1/options.proto"],
    )
    message = file.message_type.add(name="Probe")
    message.options.Extensions[options_pb2.kind].name = "probe"
    message.field.add(
        name="value", number=1, type=FieldDescriptorProto.TYPE_DOUBLE, options=field_options
    )
    return file


@pytest.mark.parametrize("missing", ["name", "unit", "help", "type", "everything"])
def test_a_field_without_name_unit_type_or_help_is_refused(missing: str) -> None:
    options = descriptor_pb2.FieldOptions()
    if missing != "everything":
        metric = options.Extensions[options_pb2.metric]
        metric.name, metric.unit, metric.help = "headroom_probe_value_ratio", "ratio", "A value"
        metric.type = options_pb2.METRIC_TYPE_GAUGE
        metric.ClearField(missing)  # type: ignore[arg-type]  # each of its fields in turn
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, options_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(kind_with(options).SerializeToString())
    probe = pool.FindMessageTypeByName("probe.Probe")
    with pytest.raises(ContractError, match=r"probe\.Probe\.value"):
        read_kind(probe)


def test_metric_names_follow_the_convention() -> None:
    for kind, column in catalogue().metrics():
        assert column.metric is not None
        where = f"{kind.name}.{column.field} = {column.metric}"
        assert column.metric.startswith("headroom_"), where
        assert column.unit in UNITS, where
        assert column.metric.endswith("_total") == (column.type == "counter"), where
        base = column.metric.removesuffix("_total")
        if column.unit not in {"count", "code"}:
            assert base.endswith(f"_{column.unit}"), where
        assert not column.help.endswith("."), where


def test_no_metric_stands_twice_with_the_same_labels() -> None:
    seen = [(column.metric, column.labels) for _, column in catalogue().metrics()]
    assert len(seen) == len(set(seen))


def test_a_name_has_one_unit_type_and_help() -> None:
    facts: dict[str, set[tuple[str, str, str]]] = {}
    for _, column in catalogue().metrics():
        facts.setdefault(column.metric or "", set()).add((column.unit, column.type, column.help))
    assert {name: found for name, found in facts.items() if len(found) > 1} == {}


def test_a_kind_and_a_column_are_found_by_name() -> None:
    known: Catalogue = catalogue()
    assert known.kind("energy").column("energy_microjoules_total").scale == 1e-6
    with pytest.raises(KeyError):
        known.kind("nonesuch")
    with pytest.raises(KeyError):
        known.kind("host").column("nonesuch")


def test_what_is_only_told_is_no_label_of_a_series() -> None:
    kind = catalogue().kind("energy")
    labels = {"source": "model", "kind": "modelled", "basis": "a server of 2 threads"}
    assert kind.series(labels) == {"source": "model", "kind": "modelled"}
