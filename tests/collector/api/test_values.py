import pytest

from headroom_collector.api.times import SECOND
from headroom_proto.catalogue import catalogue


def test_latest_values_are_the_newest_ones_with_metric_and_unit(get, fleet) -> None:
    fleet.host("web-1", 0.2, ago=30)
    fleet.host("web-1", 0.3)

    page = get("/api/v1/latest", host="web-1", metric="headroom_host_cpu_utilisation_ratio")

    assert [(each["value"], each["unit"], each["labels"]) for each in page["items"]] == [
        (0.3, "ratio", {})
    ]


def test_latest_values_of_one_kind_come_in_pages(get, fleet, clock) -> None:
    for name in ("web-1", "web-2"):
        fleet.host(name, 0.2, fleet.vm("a", "u", clock.time, state=1, vcpus=2))

    first = get("/api/v1/latest", kind="vm", limit=3)
    second = get("/api/v1/latest", kind="vm", limit=3, cursor=first["next_cursor"])

    found = [(each["host"], each["metric"]) for each in first["items"] + second["items"]]
    assert found == [
        (host, metric)
        for host in ("web-1", "web-2")
        for metric in ("headroom_vm_state_code", "headroom_vm_vcpus")
    ]


def test_an_unknown_kind_or_metric_is_named(client, fleet) -> None:
    fleet.host("web-1", 0.2)
    known = ", ".join(kind.name for kind in catalogue().kinds if kind.producer == "agent")
    answers = {
        "/api/v1/latest?kind=vms": f"kind 'vms' is not known; there are {known}",
        "/api/v1/series?host=web-1&metric=headroom_host_cpu_utilization_ratio": (
            "metric 'headroom_host_cpu_utilization_ratio' is not in the catalogue;"
            " did you mean 'headroom_host_cpu_utilisation_ratio'?"
        ),
    }
    for path, detail in answers.items():
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (404, detail)


def test_a_series_has_the_mean_of_a_gauge_a_step(get, fleet) -> None:
    for ago, ratio in ((150, 0.1), (130, 0.3), (50, 0.8)):
        fleet.host("web-1", ratio, ago=ago)

    answer = get(
        "/api/v1/series",
        host="web-1",
        metric="headroom_host_cpu_utilisation_ratio",
        **{"from": "2027-01-15T07:57:00Z"},
    )

    assert (answer["unit"], answer["step_seconds"]) == ("ratio", 60.0)
    assert answer["series"] == [
        {
            "labels": {},
            "points": [
                ["2027-01-15T07:57:00.000Z", pytest.approx(0.2)],
                ["2027-01-15T07:59:00.000Z", pytest.approx(0.8)],
            ],
        }
    ]


def test_a_series_of_a_counter_keeps_labels_and_last_readings(get, fleet) -> None:
    fleet.host("web-1", 0.1, ago=20)
    fleet.host("web-1", 0.1, ago=10)

    answer = get("/api/v1/series", host="web-1", metric="headroom_host_cpu_seconds_total")

    assert {line["labels"]["state"]: line["points"][0][1] for line in answer["series"]} == {
        "idle": 1000.5,
        "user": 20.0,
    }


def test_long_steps_join_roll_ups_with_the_newest_raw_samples(get, fleet, store, clock) -> None:
    bucket = 300 * SECOND
    clock.time -= clock.time % bucket
    begin = clock.time
    for ratio in (0.1, 0.3):
        fleet.host("web-1", ratio)
        clock.time += 100 * SECOND
    clock.time = begin + 500 * SECOND
    fleet.host("web-1", 0.7)
    store.maintain(clock.time)
    assert store.query("SELECT * FROM host_5m").num_rows == 1

    answer = get(
        "/api/v1/series",
        host="web-1",
        metric="headroom_host_cpu_utilisation_ratio",
        step=300,
        **{"from": begin / SECOND, "to": clock.time / SECOND + 1},
    )

    assert [point[1] for point in answer["series"][0]["points"]] == pytest.approx([0.2, 0.7])


def test_a_span_that_cannot_be_is_refused(client, fleet) -> None:
    fleet.host("web-1", 0.1)
    queries = [
        ({"from": "yesterday"}, "from = 'yesterday': expected RFC 3339"),
        ({"to": "2027-01-15T08:00:00"}, "to = '2027-01-15T08:00:00': expected RFC 3339"),
        ({"from": "nan"}, "from = 'nan': expected a time from 1970"),
        ({"from": "2027-02-01T00:00:00Z"}, "from: expected a time before 'to'"),
        ({"from": "0", "to": "20000", "step": "1"}, "step = 1: 20000 points are more than 11000"),
    ]
    for query, detail in queries:
        asked = {"host": "web-1", "metric": "headroom_host_load1", **query}
        answer = client.get("/api/v1/series", params=asked)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(detail)
