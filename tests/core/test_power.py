"""One figure of power for a host, and nothing counted twice."""

import pytest

from headroom_core.power import Reading, power_of


def reading(domain="host", quantity="wall", source="model", kind="modelled", watts=100.0, **ends):
    labels = {"domain": domain, "quantity": quantity, "source": source, "kind": kind}
    return Reading(labels, watts, **ends)


def rapl(domain, watts, **ends):
    return reading(domain, "component", "rapl", "measured", watts, **ends)


def test_the_servers_input_goes_before_its_components_even_where_it_is_modelled():
    found = power_of([rapl("package-0", 80.0), reading(watts=150.0)])
    assert found is not None
    assert (found.watts, found.quantity, found.kind) == (150.0, "wall", "modelled")


def test_measured_goes_before_derived_before_modelled():
    kinds = [
        reading(kind=kind, watts=n) for n, kind in enumerate(["modelled", "derived", "measured"])
    ]
    assert power_of(kinds) == power_of(kinds[2:])
    assert power_of(kinds[:2]) == power_of(kinds[1:2])


def test_packages_and_memory_add_up_but_what_lies_within_a_package_does_not():
    found = power_of([rapl("package-0", 80.0), rapl("core", 60.0), rapl("dram-0", 10.0)])
    assert found is not None
    assert found.watts == 90.0


def test_of_two_sources_one_is_taken():
    found = power_of([reading(source="a", watts=100.0), reading(source="b", watts=120.0)])
    assert found is not None
    assert (found.watts, found.source) == (100.0, "a")


def test_the_whole_host_goes_before_its_parts():
    found = power_of([rapl("host", 100.0), rapl("package-0", 80.0)])
    assert found is not None
    assert found.watts == 100.0


def test_ends_are_stated_only_where_every_part_states_them():
    both = power_of(
        [rapl("package-0", 80.0, low=70.0, high=90.0), rapl("dram-0", 5.0, low=4.0, high=6.0)]
    )
    one = power_of([rapl("package-0", 80.0, low=70.0, high=90.0), rapl("dram-0", 5.0)])
    assert both is not None
    assert one is not None
    assert (both.low, both.high) == (74.0, 96.0)
    assert (one.low, one.high) == (None, None)


@pytest.mark.parametrize("odd", [{"quantity": "heat"}, {"kind": "guessed"}, {"domain": "uncore"}])
def test_what_cannot_stand_for_a_host_gives_no_figure(odd):
    assert power_of([reading(**odd)]) is None
    assert power_of([]) is None


def test_sources_of_the_input_go_in_the_order_that_the_documents_state():
    names = ["hwmon", "dcmi", "ipmi_lan", "ipmi_sensors", "redfish"]
    order = []
    while names:
        found = power_of([reading(source=name, kind="measured") for name in names])
        assert found is not None
        order.append(found.source)
        names.remove(found.source)
    assert order == ["redfish", "ipmi_lan", "dcmi", "ipmi_sensors", "hwmon"]


def test_what_an_agent_measured_before_it_lost_its_meter_is_no_figure_of_now():
    lost = reading(source="dcmi", kind="measured", watts=300.0, at=10)
    now = reading(watts=200.0, at=20)
    polled = reading(source="redfish", kind="measured", watts=310.0, at=5)
    assert power_of([lost, now]) == power_of([now])
    assert power_of([lost, now, polled]) == power_of([polled])
