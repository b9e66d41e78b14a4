import pytest

HOUR = 3_600_000_000_000


@pytest.fixture
def estate(fleet, clock) -> None:
    """Three hosts with a place, one without, one of them silent."""
    fleet.host("db-1", 0.6, fleet.power(300.0, clock.time))
    fleet.host("web-1", 0.1, facts={"cpu_model": "Xeon", "threads": 8})
    fleet.host("web-2", 0.3, simulated=True)
    fleet.host("stray", None)


def names(page) -> list[str]:
    return [host["name"] for host in page["items"]]


def test_a_host_shows_place_figures_units_and_sources(get, services, fleet, clock) -> None:
    fleet.host("db-1", 0.5, ago=60)
    fleet.host("db-1", 0.7, fleet.power(300.0, clock.time), facts={"cpu_model": "Xeon"})

    (host,) = get("/api/v1/hosts")["items"]

    assert host == {
        "name": "db-1",
        "site": "par1",
        "cluster": "db",
        "class": "",
        "owner": "",
        "purchase_date": None,
        "assigned": True,
        "status": "present",
        "status_since": None,
        "status_until": None,
        "status_reason": "",
        "simulated": False,
        "first_seen": "2027-01-15T07:59:00.000Z",
        "last_seen": "2027-01-15T08:00:00.000Z",
        "silent": False,
        "goodbye": None,
        "agent_version": "0.1.0",
        "interval_seconds": 10.0,
        "former_names": [],
        "facts": {"cpu_model": "Xeon"},
        "cpu_utilisation_ratio": pytest.approx(0.6),
        "ceiling_ratio": 0.6,
        "cpus": 8,
        "vms_running": 2,
        "memory_total_bytes": 1 << 34,
        "memory_used_bytes": 1 << 32,
        "power": {
            "watts": 300.0,
            "low_watts": 280.0,
            "high_watts": 320.0,
            "kind": "modelled",
            "quantity": "wall",
            "source": "model",
        },
    }


FILTERS = [
    ({}, ["db-1", "stray", "web-1", "web-2"]),
    ({"site": "fra1"}, ["web-1", "web-2"]),
    ({"site": "par1", "cluster": "db"}, ["db-1"]),
    ({"site": ""}, ["stray"]),
    ({"assigned": "false"}, ["stray"]),
    ({"status": "retired"}, []),
    ({"q": "WEB"}, ["web-1", "web-2"]),
    ({"sort": "-name"}, ["web-2", "web-1", "stray", "db-1"]),
    ({"sort": "cpu"}, ["web-1", "web-2", "db-1", "stray"]),
    ({"sort": "-cpu"}, ["db-1", "web-2", "web-1", "stray"]),
    ({"sort": "-watts"}, ["db-1", "web-2", "web-1", "stray"]),
]


def test_hosts_are_filtered_and_sorted_with_the_unknown_last(get, estate) -> None:
    for query, expected in FILTERS:
        assert names(get("/api/v1/hosts", **query)) == expected, query


def test_pages_together_are_the_whole_list(get, estate) -> None:
    for sort in ("name", "-name", "cpu", "-cpu", "-watts", "last_seen"):
        whole = names(get("/api/v1/hosts", sort=sort))
        found, cursor = [], ""
        for _ in whole:
            page = get("/api/v1/hosts", sort=sort, limit=1, cursor=cursor)
            assert page["total"] == len(whole)
            found += names(page)
            cursor = page["next_cursor"] or ""
        assert (found, cursor) == (whole, ""), sort


def test_a_host_that_comes_between_two_pages_hides_and_repeats_none(get, estate, fleet) -> None:
    first = get("/api/v1/hosts", limit=2)
    fleet.host("aaa", 0.5)

    second = get("/api/v1/hosts", limit=2, cursor=first["next_cursor"])

    assert names(first) + names(second) == ["db-1", "stray", "web-1", "web-2"]


def test_a_cursor_of_another_order_is_refused(client, get, estate) -> None:
    cursor = get("/api/v1/hosts", limit=1, sort="cpu")["next_cursor"]
    cursor_of_names = get("/api/v1/hosts", limit=1)["next_cursor"]

    for sort, found in (("name", cursor), ("cpu", cursor_of_names)):
        answer = client.get("/api/v1/hosts", params={"sort": sort, "cursor": found})
        assert answer.status_code == 400
        assert answer.json() == {"detail": "cursor: is of a list sorted otherwise; leave it out"}


def test_a_silent_host_keeps_its_row_and_loses_its_figures(get, estate, clock) -> None:
    clock.time += HOUR

    host = get("/api/v1/hosts/web-1")

    assert (host["silent"], host["cpu_utilisation_ratio"], host["vms_running"]) == (
        True,
        None,
        None,
    )
    assert host["latest"] == []


def test_a_host_in_detail_has_every_value_with_its_unit(get, fleet, clock) -> None:
    fleet.host("web-1", 0.25, fleet.power(100.0, clock.time), simulated=True)

    values = get("/api/v1/hosts/web-1")["latest"]

    by_name = {(value["metric"], *sorted(value["labels"].values())): value for value in values}
    assert by_name["headroom_host_cpu_seconds_total", "idle"] == {
        "host": "web-1",
        "kind": "host",
        "metric": "headroom_host_cpu_seconds_total",
        "labels": {"state": "idle"},
        "value": 1000.5,
        "unit": "seconds",
        "type": "counter",
        "time": "2027-01-15T08:00:00.000Z",
        "simulated": True,
    }
    energy = by_name["headroom_energy_joules_total", "host", "model", "modelled", "wall"]
    assert (energy["value"], energy["unit"]) == (5.0, "joules")


def test_an_unknown_host_is_named_with_the_nearest(client, estate) -> None:
    for path in ("/api/v1/hosts/web-l", "/api/v1/hosts/web-l/vms", "/api/v1/vms?host=web-l"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "host 'web-l' is not known: did you mean 'web-2'?"}
    assert client.get("/api/v1/hosts/%00%3Cb%3E").status_code == 404


def test_virtual_machines_are_listed_by_host_and_a_vanished_one_is_not(get, fleet, clock) -> None:
    now = clock.time
    fleet.host("web-1", 0.2, fleet.vm("gone", "u-3", now, state=1))
    clock.time += 60_000_000_000
    rows = [
        fleet.vm("shop", "u-2", clock.time, state=1, vcpus=4, cpu_seconds_total=7.5),
        fleet.vm("api", "u-1", clock.time, state=5),
    ]
    fleet.host("web-1", 0.2, *rows)
    fleet.host("db-1", 0.2, fleet.vm("sql", "u-4", clock.time, state=99))

    every = get("/api/v1/vms")["items"]
    assert [(vm["host"], vm["name"], vm["state"]) for vm in every] == [
        ("db-1", "sql", "code 99"),
        ("web-1", "api", "shut off"),
        ("web-1", "shop", "running"),
    ]
    assert every[2]["vcpus"] == 4
    assert every[2]["memory_bytes"] is None
    assert len(get("/api/v1/vms", site="par1")["items"]) == 1
    assert [vm["uuid"] for vm in get("/api/v1/vms", q="sho")["items"]] == ["u-2"]
    assert get("/api/v1/hosts/web-1/vms")["items"] == get("/api/v1/vms", host="web-1")["items"]
    page = get("/api/v1/vms", limit=2)
    assert (page["total"], len(page["items"])) == (3, 2)
    assert get("/api/v1/vms", limit=2, cursor=page["next_cursor"])["items"] == every[2:]
