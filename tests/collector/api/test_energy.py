"""Energy over HTTP: kWh, carbon and money with their ends, shares that add up, nothing made up."""

import pytest

SECOND = 1_000_000_000
WALL = {"domain": "host", "quantity": "wall"}


def source(fleet, time, name, kind, watts, spread):
    labels = WALL | {"source": name, "kind": kind, "basis": ""}
    ends = {"power_low_watts": watts - spread, "power_high_watts": watts + spread}
    return fleet.rows("energy", labels, time, power_watts=watts, **ends)


def share(fleet, time, part, uuid, **watts):
    labels = {
        "part": part,
        "uuid": uuid,
        "quantity": "wall",
        "policy": "p",
        "vm": uuid,
        "kind": "",
    }
    return fleet.rows("vm_energy", labels, time, **watts)


@pytest.fixture
def hour(fleet, store, clock):
    """One hour of two hosts: a measured one with a model beside it and a VM, and a modelled one."""
    clock.time -= clock.time % (300 * SECOND)
    for _ in range(12):
        now = clock.now()
        fleet.host(
            "web-1",
            0.2,
            source(fleet, now, "dcmi", "measured", 300.0, 15.0),
            source(fleet, now, "model", "modelled", 500.0, 250.0),
            fleet.rows(
                "energy",
                {
                    "domain": "package-0",
                    "quantity": "component",
                    "source": "rapl",
                    "kind": "measured",
                }
                | {"basis": ""},
                now,
                power_watts=120.0,
            ),
            share(fleet, now, "vm", "a", dynamic_power_watts=80.0, idle_power_watts=40.0),
            share(fleet, now, "host", "", dynamic_power_watts=20.0),
            share(fleet, now, "unallocated", "", idle_power_watts=160.0),
        )
        fleet.host("web-2", 0.2, source(fleet, now, "model", "modelled", 100.0, 50.0))
        clock.time += 300 * SECOND
    fleet.host("db-1", 0.2)
    clock.time += 60 * SECOND
    for _ in range(3):  # each rolls up a few buckets
        store.maintain(clock.time)


def test_each_host_counts_once_by_its_best_source(get, hour):
    found = get("/api/v1/energy")
    first, second = found["hosts"]
    assert (first["host"], first["kind"], first["hours"]) == ("web-1", "measured", 1.0)
    assert first["kwh"] == pytest.approx({"value": 0.3, "low": 0.285, "high": 0.315})
    assert (second["kind"], second["kwh"]["value"]) == ("modelled", pytest.approx(0.1))
    assert found["hosts_of_unknown_power"] == 1


def test_carbon_and_money_have_ends_and_say_what_they_rest_on(get, hour):
    found = get("/api/v1/energy")
    factors = {one["key"]: one for one in found["inputs"]}
    host = found["hosts"][0]
    for name, key in (("carbon_kg", "grid_kg_per_kwh"), ("money", "price_per_kwh")):
        for end in ("value", "low", "high"):
            expected = (
                host["kwh"][end] * factors["energy.pue"][end] * factors[f"energy.{key}"][end]
            )
            assert host[name][end] == pytest.approx(expected)
        assert host[name]["low"] < host[name]["value"] < host[name]["high"]
    assert all(one["source"] and one["date"] for one in factors.values())
    assert "location-based" in factors["energy.grid_kg_per_kwh"]["method"]


def test_shares_add_up_to_their_host_and_hosts_to_their_site(get, hour):
    found = get("/api/v1/energy")
    shares = found["hosts"][0]["shares"]
    assert {one["part"] for one in shares} == {"vm", "host", "unallocated"}
    assert sum(one["use"]["kwh"]["value"] for one in shares) == pytest.approx(0.3)
    assert sum(one["use"]["money"]["high"] for one in shares) == pytest.approx(
        found["hosts"][0]["money"]["high"]
    )
    (machine,) = [one for one in shares if one["part"] == "vm"]
    assert (machine["dynamic_kwh"], machine["idle_kwh"]) == pytest.approx((0.08, 0.04))
    (site,) = found["sites"]
    assert (site["site"], site["hosts"], site["kwh"]["value"]) == ("fra1", 2, pytest.approx(0.4))


def test_an_empty_estate_uses_nothing(get):
    found = get("/api/v1/energy", days=7)
    assert (found["hosts"], found["sites"]) == ([], [])
