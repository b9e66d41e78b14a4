"""What a batch may hold: each rule by name, and that good values stay."""

import math
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs.ingest import SECOND, batch, cycle

from headroom_collector.ingest import decode
from headroom_collector.ingest.intake import Sender, intake
from headroom_collector.ingest.settings import Limits
from headroom_collector.ingest.validate import DAY, INTEGER_MAX, check, check_whole, is_text
from headroom_collector.store.api import StoreBatch, Value
from headroom_proto.catalogue import catalogue
from headroom_proto.v1.telemetry_pb2 import Batch, Cycle

NOW = 1_795_000_000 * SECOND
LIMITS = Limits()
REASONS = {
    "bad_crc",
    "bad_string",
    "future_time",
    "negative_counter",
    "not_finite",
    "old_time",
    "ratio_range",
    "repeated",
    "too_large",
    "too_many",
    "undecodable",
}
SENDER = Sender("web-1", bytes(16), False, "0.1.0", 10.0, {})


def taken(made: Cycle) -> StoreBatch:
    return intake(SENDER, batch(1, made), NOW, LIMITS, gap_before=False)


def reasons(stored: StoreBatch) -> list[str]:
    return [refusal.reason for refusal in stored.refused]


def host_value(stored: StoreBatch, field: str) -> Value:
    places = [column.field for column in catalogue().kind("host").columns]
    [group] = [rows for rows in stored.rows if rows.kind == "host"]
    [(_, _, values)] = group.rows
    return values[places.index(field)]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("load1", math.nan, "not_finite"),
        ("load1", math.inf, "not_finite"),
        ("load1", -math.inf, "not_finite"),
        ("cpu_user_seconds_total", math.nan, "not_finite"),
        ("cpu_user_seconds_total", -0.001, "negative_counter"),
        ("cpu_utilisation_ratio", 1.06, "ratio_range"),
        ("cpu_utilisation_ratio", -0.01, "ratio_range"),
        ("cpu_steal_ratio", math.nan, "not_finite"),
        ("context_switches_total", 2**63, "too_large"),
        ("memory_total_bytes", 2**64 - 1, "too_large"),
    ],
)
def test_a_refused_value_becomes_unknown_and_is_named(
    field: str, value: float, reason: str
) -> None:
    stored = taken(cycle(NOW, **{field: value}))
    assert reasons(stored) == [reason]
    assert f"host.{field} = " in stored.refused[0].detail
    assert host_value(stored, field) is None
    assert host_value(stored, "cpus") == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cpu_utilisation_ratio", 0.0),
        ("cpu_utilisation_ratio", 1.05),
        ("cpu_user_seconds_total", 0.0),
        ("cpu_user_seconds_total", sys.float_info.max),
        ("load1", 5e-324),
        ("memory_total_bytes", INTEGER_MAX),
    ],
)
def test_a_value_at_the_edge_of_its_range_is_kept(field: str, value: float) -> None:
    stored = taken(cycle(NOW, **{field: value}))
    assert stored.refused == []
    assert host_value(stored, field) == value


def test_what_the_agent_could_not_read_is_unknown_and_not_zero() -> None:
    stored = taken(cycle(NOW, load1=0.0))
    assert host_value(stored, "load1") == 0.0
    assert host_value(stored, "load5") is None


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (NOW + 120 * SECOND + 1, "future_time"),
        (2**63 - 1, "future_time"),
        (NOW - 14 * DAY - 1, "old_time"),
        (0, "old_time"),
        (-(2**63), "old_time"),
    ],
)
def test_an_impossible_time_refuses_the_batch_as_a_whole(time: int, reason: str) -> None:
    stored = taken(cycle(time, load1=1.0))
    assert reasons(stored) == [reason]
    assert stored.rows == ()
    assert stored.facts is None


@pytest.mark.parametrize("time", [NOW + 120 * SECOND, NOW - 14 * DAY])
def test_a_time_at_the_edge_is_kept(time: int) -> None:
    assert taken(cycle(time)).refused == []


def test_more_virtual_machines_than_a_host_can_have_refuse_the_batch() -> None:
    made = cycle(NOW)
    made.vms.extend([made.vms.add()] * 10_000)
    stored = taken(made)
    assert reasons(stored) == ["too_many"]
    assert stored.rows == ()


def test_more_cpus_than_a_host_can_have_refuse_the_batch() -> None:
    made = cycle(NOW)
    for number in range(4_097):
        made.cpus.add(cpu=number)
    assert reasons(taken(made)) == ["too_many"]


def test_a_payload_that_is_no_cycle_is_refused() -> None:
    torn = Batch(epoch=bytes(16), seq=1, crc32=0xFFFFFFFF, payload=b"\xff\xff\xff\xff")
    stored = intake(SENDER, torn, NOW, LIMITS, gap_before=True)
    assert reasons(stored) == ["undecodable"]
    assert stored.gap_before


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "\x1b[2J", "a\u202eb", "\u2066x", "x" * 257])
def test_a_name_that_no_person_should_read_is_left_out_and_its_values_stay(name: str) -> None:
    made = cycle(NOW)
    made.vms.add(uuid="4f2c", name=name, vcpus=2)
    stored = taken(made)
    assert reasons(stored) == ["bad_string"]
    [group] = [rows for rows in stored.rows if rows.kind == "vm"]
    [(_, thing, values)] = group.rows
    assert thing.labels == {"uuid": "4f2c", "vm": ""}
    assert 2 in values


def test_a_thing_whose_identity_is_unreadable_is_left_out() -> None:
    made = cycle(NOW)
    made.vms.add(uuid="4f\x1f2c", name="db", vcpus=2, state=1)
    made.vms.add(uuid="aa11", name="web", vcpus=4)
    stored = taken(made)
    assert [(refusal.reason, refusal.values) for refusal in stored.refused] == [("bad_string", 2)]
    [group] = [rows for rows in stored.rows if rows.kind == "vm"]
    assert [thing.key for _, thing, _ in group.rows] == ["aa11"]


def test_a_thing_that_comes_twice_in_one_batch_counts_once() -> None:
    made = cycle(NOW)
    made.cpus.add(cpu=0, busy_seconds_total=1.0)
    made.cpus.add(cpu=0, busy_seconds_total=2.0)
    stored = taken(made)
    assert reasons(stored) == ["repeated"]
    [group] = [rows for rows in stored.rows if rows.kind == "cpu"]
    assert len(group.rows) == 1


def test_a_name_from_anywhere_in_the_world_is_kept() -> None:
    for name in ("büro-müller", "データ", "сервер", "a b", "{{x}}", "<b>"):
        assert is_text(name, LIMITS)


def test_facts_lose_what_is_unreadable_and_keep_the_rest() -> None:
    made = cycle(NOW)
    made.facts.hostname = "web\x07"
    made.facts.kernel = "6.1.0"
    made.facts.base_hertz = math.inf
    made.facts.virtual = False
    stored = taken(made)
    assert stored.facts == {"kernel": "6.1.0", "virtual": False}
    assert sorted(reasons(stored)) == ["bad_string", "not_finite"]


def test_what_the_agent_says_of_its_place_rides_with_the_facts() -> None:
    made = cycle(NOW)
    made.facts.kernel = "6.1.0"
    source = Sender("web-1", bytes(16), False, "0.1.0", 10.0, {"site": "north"})
    stored = intake(source, batch(1, made), NOW, LIMITS, gap_before=False)
    assert stored.facts == {"kernel": "6.1.0", "hint_site": "north"}


def test_many_bad_values_of_one_field_are_one_refusal_with_their_number() -> None:
    made = cycle(NOW)
    for number in range(500):
        made.cpus.add(cpu=number, busy_seconds_total=-float(number + 1))
    [refusal] = taken(made).refused
    assert (refusal.reason, refusal.values) == ("negative_counter", 500)
    assert refusal.detail == "cpu.busy_seconds_total = -1.0"


def test_every_kind_an_agent_sends_is_decoded_in_the_catalogues_order() -> None:
    made = Cycle(time_unix_nano=NOW)
    for part in decode.parts():
        holder: Any = getattr(made, part.field)
        sample = holder.add() if part.repeated else holder
        for place, column in enumerate(part.kind.columns):
            setattr(sample, column.field, place)
    found = {rows.kind: rows.rows for rows in decode.rows(made)}
    kinds = {kind.name for kind in catalogue().kinds if kind.producer == "agent"}
    assert set(found) == kinds
    for kind in kinds:
        [(_, _, values)] = found[kind]
        assert list(values) == list(range(len(catalogue().kind(kind).columns)))


numbers = st.floats(width=64, allow_nan=True, allow_infinity=True)
names = st.text(max_size=300)


@given(
    time=st.integers(-(2**63), 2**63 - 1) | st.integers(NOW - 15 * DAY, NOW + DAY // 100),
    ratio=numbers | st.none(),
    seconds=numbers | st.none(),
    big=st.integers(0, 2**64 - 1) | st.none(),
    vms=st.lists(st.tuples(names, names, numbers), max_size=6),
)
def test_what_passes_keeps_every_rule_and_what_is_refused_is_counted(
    time: int,
    ratio: float | None,
    seconds: float | None,
    big: int | None,
    vms: list[tuple[str, str, float]],
) -> None:
    given_ = {
        "cpu_utilisation_ratio": ratio,
        "cpu_user_seconds_total": seconds,
        "memory_total_bytes": big,
    }
    sent = {name: value for name, value in given_.items() if value is not None}
    made = cycle(time, **sent)
    for uuid, name, used in vms:
        made.vms.add(uuid=uuid, name=name, cpu_seconds_total=used)
    whole = check_whole(made, NOW, LIMITS)
    stored = taken(made)
    if whole is not None:
        assert stored.refused == [whole]
        assert not stored.rows
        return
    checked = check(decode.rows(made), decode.facts(made), LIMITS)
    kept = [value for group in checked.rows for _, _, row in group.rows for value in row]
    present = [value for value in kept if value is not None]
    for group in checked.rows:
        kind = catalogue().kind(group.kind)
        for _, thing, row in group.rows:
            assert all(is_text(text, LIMITS) for text in thing.labels.values())
            for value, column in zip(row, kind.columns, strict=True):
                if value is not None:
                    assert math.isfinite(value)
                    assert column.type != "counter" or value >= 0
                    assert not column.field.endswith("_ratio") or 0 <= value <= 1.05
                    assert not column.integer or value <= INTEGER_MAX
    lost = sum(
        refusal.values
        for refusal in checked.refused
        if not (refusal.reason == "bad_string" and refusal.detail == "vm.name")
    )
    assert len(present) + lost == 1 + len(sent) + len(vms)


@given(
    places=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, 10_000),
)
def test_a_payload_that_was_tampered_with_never_breaks_the_intake(
    places: list[tuple[int, int]], cut: int
) -> None:
    made = cycle(NOW, cpu_utilisation_ratio=0.5, load1=1.0)
    made.facts.hostname = "web-1"
    made.vms.add(uuid="aa11", name="db", vcpus=2)
    payload = bytearray(made.SerializeToString())
    for place, byte in places:
        payload[place % len(payload)] = byte
    content = bytes(payload[: cut % (len(payload) + 1)])
    sent = Batch(epoch=bytes(16), seq=1, crc32=zlib.crc32(content), payload=content)
    stored = intake(SENDER, sent, NOW, LIMITS, gap_before=False)
    assert stored.host == "web-1"
    assert set(reasons(stored)) <= REASONS
