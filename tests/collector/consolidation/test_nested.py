"""A guest with an agent of its own, on a hypervisor with one: nothing is counted twice."""

import pytest

from headroom_collector.consolidation.headroom import compute
from headroom_collector.consolidation.machines import present
from headroom_collector.consolidation.nested import hypervisors_of, identities
from headroom_core.ceiling import Ceiling

MINUTE = 60 * 1_000_000_000
NOW = 1_790_000_000 * 1_000_000_000 // (5 * MINUTE) * 5 * MINUTE
DAY = 86_400 * 1_000_000_000
UUID = "4c4c4544-0035-4a10-8054-b7c04f4a5831"
SWAPPED = "44454c4c-3500-104a-8054-b7c04f4a5831"


def names(readings, estate, now=NOW):
    rows = readings.hosts()
    found = present(rows, estate, now, hypervisors_of(readings, rows, now))
    return [machine.name for machines in found.values() for machine in machines]


def carries(readings, row, uuid=UUID, at=NOW):
    readings.insert("things", id=90 + row.id, host_id=row.id, kind="vm", key=uuid, last_seen=at)


@pytest.fixture
def hypervisor(readings):
    return readings.host("hv")


@pytest.mark.parametrize("told", [UUID, UUID.upper(), SWAPPED])
def test_a_guest_is_left_out_where_its_hypervisor_counts(readings, estate, hypervisor, told):
    readings.host("guest", virtual=True, product_uuid=told)
    readings.host("other", virtual=True, product_uuid="11111111-2222-3333-4444-555555555555")
    assert names(readings, estate) == ["guest", "hv", "other"]
    carries(readings, hypervisor)
    assert names(readings, estate) == ["hv", "other"]


def test_a_guest_counts_where_its_hypervisor_does_not(readings, estate, hypervisor):
    readings.host("guest", virtual=True, product_uuid=UUID)
    carries(readings, hypervisor)
    estate.retired.add("hv")
    assert names(readings, estate) == ["guest"]


def test_a_machine_that_left_a_hypervisor_long_ago_is_not_linked_to_it(
    readings, estate, hypervisor
):
    readings.host("guest", virtual=True, product_uuid=UUID)
    carries(readings, hypervisor, at=NOW - 2 * DAY)
    assert names(readings, estate) == ["guest", "hv"]


def test_a_hypervisor_that_is_a_guest_of_another_counts_with_the_outer_one(
    readings, estate, hypervisor
):
    inner = readings.host("inner", virtual=True, product_uuid=UUID)
    readings.host("innermost", virtual=True, product_uuid=UUID.replace("4c4c", "5c5c", 1))
    carries(readings, hypervisor)
    carries(readings, inner, uuid=UUID.replace("4c4c", "5c5c", 1))
    assert names(readings, estate) == ["hv"]


@pytest.mark.parametrize(
    "facts",
    [
        {"virtual": False, "product_uuid": UUID},
        {"product_uuid": UUID},
        {"virtual": True},
        {"virtual": True, "product_uuid": "Not Settable"},
        {"virtual": True, "product_uuid": 3},
    ],
)
def test_what_does_not_say_which_guest_it_is_is_none(facts):
    assert identities(facts) == frozenset()


def test_the_bound_counts_the_load_once(readings, estate, hypervisor):
    guest = readings.host("guest", virtual=True, product_uuid=UUID, cores=16)
    for row in (hypervisor, guest):
        for back in range(5, 10):
            readings.sample(row, NOW - back * MINUTE, cpu_utilisation_ratio=0.3)
    carries(readings, hypervisor)
    (cluster,) = compute(readings, estate, Ceiling(), NOW)
    assert cluster.hosts_present == 1
