"""Prometheus' HTTP API, as Grafana's data source asks it."""

import pytest

from headroom_collector.api.alerts import AlertOut
from headroom_collector.api.prometheus_rules import rule_out
from headroom_core.rules import CeilingRule, Rule
from headroom_proto.catalogue import catalogue

ROOT = "/prometheus/api/v1"
SECOND = 1_000_000_000
URL = f"{ROOT}/query"


@pytest.fixture
def estate(fleet, clock):
    """Three hosts, one of them with a virtual machine, over the last two minutes."""
    for ago in (120, 60, 0):
        fleet.host("web-1", 0.5, fleet.power(200.0, clock.now() - ago * SECOND), ago=ago)
        fleet.host(
            "db-1", 0.25, fleet.vm("shop", "u-1", clock.now() - ago * SECOND, vcpus=4), ago=ago
        )
        fleet.host("stray", 0.125, ago=ago, simulated=True)
    fleet.cluster("fra1", "web", hosts_present=3)
    return fleet


@pytest.fixture
def ask(client, estate):
    def fetch(path, **query):
        answer = client.get(f"{ROOT}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success"
        return answer.json()["data"]

    return fetch


def values(data):
    return {each["metric"].get("host"): each["value"][1] for each in data["result"]}


def test_a_health_check_of_grafana_is_answered(ask, clock):
    assert ask("query", query="1+1") == {
        "resultType": "scalar",
        "result": [clock.now() / SECOND, "2"],
    }
    assert ask("status/buildinfo")["version"]


def test_a_query_at_one_moment_has_the_newest_values_with_the_place_of_each_host(ask):
    data = ask("query", query="headroom_host_cpu_utilisation_ratio")
    assert values(data) == {"web-1": "0.5", "db-1": "0.25", "stray": "0.125"}
    labels = {each["metric"]["host"]: each["metric"] for each in data["result"]}
    assert labels["web-1"] == {
        "__name__": "headroom_host_cpu_utilisation_ratio",
        "host": "web-1",
        "site": "fra1",
        "cluster": "web",
        "class": "r640",
    }
    assert labels["stray"]["simulated"] == "true"
    assert "site" not in labels["stray"]


def test_a_query_over_time_has_a_value_a_step(ask, clock):
    end = clock.now() // SECOND
    data = ask(
        "query_range",
        query='headroom_host_cpu_utilisation_ratio{host="web-1"}',
        start=end - 120,
        end=end,
        step="60s",
    )
    (line,) = data["result"]
    assert line["values"] == [[end - 120, "0.5"], [end - 60, "0.5"], [end, "0.5"]]


def test_a_value_is_in_the_unit_of_its_name_and_has_its_fixed_labels(ask):
    assert values(ask("query", query="headroom_energy_joules_total")) == {"web-1": "5"}
    states = ask("query", query='headroom_host_cpu_seconds_total{host="web-1"}')["result"]
    assert {each["metric"]["state"]: each["value"][1] for each in states} == {
        "idle": "1000.5",
        "user": "20",
    }


def test_the_series_are_those_of_the_exposition_for_scrapers(ask, client):
    shown: dict[str, set[tuple[frozenset[str], float]]] = {}
    for line in client.get("/metrics/fleet").text.splitlines():
        if not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name, _, labels = series.partition("{")
            parts = [part for part in labels.rstrip("}").split(",") if not part.endswith('=""')]
            shown.setdefault(name, set()).add((frozenset(filter(None, parts)), float(value)))
    names = catalogue().names() & shown.keys()
    assert len(names) > 10
    for name in names:
        found = ask("query", query=name)["result"]
        assert shown[name] == {
            (
                frozenset(f'{k}="{v}"' for k, v in each["metric"].items() if k != "__name__"),
                float(each["value"][1]),
            )
            for each in found
        }


def test_posted_forms_are_read_like_addresses(client, estate):
    answer = client.post(URL, data={"query": "vector(7)"})
    assert answer.json()["data"]["result"][0]["value"][1] == "7"


def test_series_labels_and_values_are_listed(ask):
    found = ask("series", **{"match[]": 'headroom_host_cpus{site=~"fra1|par1"}'})
    assert {each["host"] for each in found} == {"web-1", "db-1"}
    assert {"host", "site", "vm", "state"} <= set(ask("labels"))
    assert ask("label/site/values") == ["fra1", "par1"]
    chosen = ask("label/cluster/values", **{"match[]": 'headroom_host_cpus{site="par1"}'})
    assert chosen == ["db"]
    assert "headroom_host_cpus" in ask("label/__name__/values")
    assert ask("label/vm/values", **{"match[]": "headroom_vm_vcpus"}) == ["shop"]


def test_things_that_were_gone_before_are_not_listed(ask, clock):
    later = clock.now() // SECOND + 3600
    assert ask("series", start=later, end=later + 60, **{"match[]": "headroom_host_cpus"}) == []


def test_metadata_is_the_catalogues(ask):
    found = ask("metadata", metric="headroom_energy_joules_total")
    assert found["headroom_energy_joules_total"][0]["type"] == "counter"
    assert len(ask("metadata")) == len(catalogue().names())


def test_the_collectors_own_samples_have_their_own_labels(ask):
    (found,) = ask("query", query="headroom_cluster_hosts_present")["result"]
    assert found["metric"]["site"] == "fra1"
    assert found["value"][1] == "3"


def test_the_collectors_own_rules_are_listed_with_what_they_look_at(ask):
    (group,) = ask("rules")["groups"]
    (rule,) = [each for each in group["rules"] if each["name"] == "HostAboveCeiling"]
    assert rule["query"] == "mean of cpu_utilisation_ratio over 300 s > the ceiling"
    assert (rule["state"], rule["duration"], rule["alerts"]) == ("inactive", 900, [])
    assert ask("alerts") == {"alerts": []}


@pytest.mark.parametrize(
    ("state", "shown"), [("pending", "pending"), ("firing", "firing"), ("clearing", "firing")]
)
def test_a_rule_is_as_bad_as_its_worst_alert(state, shown):
    alert = AlertOut(
        rule="HostAboveCeiling", host="web-1", site="fra1", cluster="", host_class="",
        simulated=False, state=state, severity="warning", since="s", started="b",
        value_ratio=0.5, ceiling_ratio=0.4, value=0.5, level=0.4, unit="ratio", acknowledged="",
        updated="u", notified=None, problem="",
    )  # fmt: skip
    found = rule_out(CeilingRule(), [alert])
    assert (found["state"], found["alerts"][0]["state"]) == (shown, shown)
    assert found["alerts"][0]["labels"] == {
        "alertname": "HostAboveCeiling", "severity": "warning", "host": "web-1", "site": "fra1",
    }  # fmt: skip
    assert rule_out(Rule(name="Other"), [alert])["state"] == "inactive"


def test_two_series_on_the_side_that_may_have_one_are_refused(client, estate):
    text = "headroom_host_cpus + on () headroom_host_cpus"
    answer = client.get(URL, params={"query": text})
    assert answer.status_code == 422
    assert "many-to-many matching not allowed" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "query", "status", "kind", "words"),
    [
        ("query", {"query": "sum("}, 400, "bad_data", "invalid parameter 'query'"),
        ("query", {"query": "up", "time": "noon"}, 400, "bad_data", "time = 'noon'"),
        ("query", {"query": "histogram_quantile(0.9, headroom_host_cpus)"}, 422, "execution",
         "'histogram_quantile' is not supported"),
        ("query", {"query": "limitk(2, headroom_host_cpus)"}, 422, "execution", "'limitk'"),
        ("query", {"query": 'headroom_host_cpus{host=~"("}'}, 400, "bad_data", "regex"),
        ("query", {"query": "(" * 5000 + "1" + ")" * 5000}, 400, "bad_data", "nested"),
        ("query", {"query": "1" + "+1" * 5000}, 400, "bad_data", "more than 500 operators"),
        ("query_range", {"query": "1", "start": "0", "end": "99999", "step": "1"}, 400, "bad_data",
         "11,000 points"),
        ("query_range", {"query": "1", "start": "9", "end": "1", "step": "1"}, 400, "bad_data", "end"),
        ("query_range", {"query": "1", "start": "1", "end": "9"}, 400, "bad_data", "step"),
        ("query_range", {"query": '"a"', "start": "1", "end": "9", "step": "1"}, 400, "bad_data", "string"),
        ("series", {}, 400, "bad_data", "match[]"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_line_in_prometheus_form(
    client, path, query, status, kind, words
):
    answer = client.get(f"{ROOT}/{path}", params=query)
    body = answer.json()
    assert (answer.status_code, body["status"], body["errorType"]) == (status, "error", kind)
    assert words in body["error"]
    assert "\n" not in body["error"]
