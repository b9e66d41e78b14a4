import subprocess
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from rigs.need import engine
from rigs.prometheus import prometheus, served

from headroom_collector.store.api import COLLECTOR_HOST
from headroom_proto.catalogue import catalogue

MINUTE = 60_000_000_000
BESIDE = {
    "headroom_collector_info",
    "headroom_fleet_hosts",
    "headroom_fleet_hosts_omitted",
    "headroom_host_info",
    "headroom_host_last_sample_timestamp_seconds",
}
"""Names that are ours and in no sample of the contract."""


def samples(text: str) -> dict:
    """Return every sample's value by its name and labels; a repeated one fails."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *sorted(f"{k}={v}" for k, v in sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def scrape(client, path: str, **query) -> dict:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(answer.text)


@pytest.fixture
def estate(fleet, clock) -> None:
    now = clock.time
    facts = {"cpu_model": 'Xeon "Gold"\\', "kernel": "6.1.0", "serial": "SECRET"}
    vms = [fleet.vm("shop\n", "u-1", now, state=1, vcpus=4), fleet.vm("api", "u-2", now, state=1)]
    fleet.host("web-1", 0.25, fleet.power(300.0, now), *vms, facts=facts)
    fleet.host("db-1", 0.5, fleet.rows("cpu", {"cpu": "3"}, now, busy_seconds_total=12.5))
    fleet.host("web-2", 0.75, simulated=True)
    fleet.cluster("fra1", "web", ceiling_ratio=0.4, hosts_present=2, hosts_needed=1)
    labels = {"alertname": "HostAboveCeiling", "host": "web-2", "severity": "warning"}
    fleet.send(COLLECTOR_HOST, fleet.rows("alert", labels, now, firing=1, value=0.75))


def test_the_collector_says_how_it_is(client, estate, store, fleet) -> None:
    fleet.host("stray", 0.1)
    found = scrape(client, "/metrics")

    assert found["headroom_collector_agents_connected",] == 3
    assert found["headroom_collector_batches_total",] == store.statistics()["batches_total"]
    assert found["headroom_collector_info", "version=0.1.0"] == 1
    assert found["headroom_collector_store_bytes",] > 0
    assert ("headroom_collector_notifications_total",) not in found
    assert found["process_resident_memory_bytes",] > 0


def test_hosts_without_a_place_are_counted(client, fleet, services) -> None:
    fleet.host("stray", 0.1)
    services.book.poll()

    assert scrape(client, "/metrics")["headroom_collector_hosts_unassigned",] == 1


def test_clusters_and_alerts_are_among_the_collectors_own(client, estate) -> None:
    found = scrape(client, "/metrics")

    assert found["headroom_cluster_hosts_needed", "cluster=web", "site=fra1"] == 1
    assert found["headroom_cluster_ceiling_ratio", "cluster=web", "site=fra1"] == 0.4
    firing = [key for key in found if key[0] == "headroom_alert_firing"]
    assert firing == [
        (
            "headroom_alert_firing",
            "alertname=HostAboveCeiling",
            "class=r640",
            "cluster=web",
            "host=web-2",
            "severity=warning",
            "site=fra1",
        )
    ]


def test_a_cluster_that_is_no_more_is_left_out(client, fleet, clock) -> None:
    fleet.cluster("fra1", "old", hosts_present=9)
    clock.time += 2 * MINUTE
    fleet.cluster("fra1", "web", hosts_present=2)

    present = [key for key in scrape(client, "/metrics") if "hosts_present" in key[0]]

    assert present == [("headroom_cluster_hosts_present", "cluster=web", "site=fra1")]


def test_the_fleets_values_carry_place_kind_and_fixed_labels(client, estate, clock) -> None:
    found = scrape(client, "/metrics/fleet")

    web = ("class=r640", "cluster=web", "host=web-1", "site=fra1")
    db = ("class=", "cluster=db", "host=db-1", "site=par1")
    energy = ("class=r640", "cluster=web", "domain=host", "host=web-1")
    assert found["headroom_host_cpu_utilisation_ratio", *web] == 0.25
    assert found["headroom_host_cpu_seconds_total", *web, "state=idle"] == 1000.5
    assert found["headroom_vm_vcpus", *web, "uuid=u-1", "vm=shop\n"] == 4
    assert (
        found["headroom_cpu_busy_seconds_total", "class=", "cluster=db", "cpu=3", *db[2:]] == 12.5
    )
    assert (
        found[
            "headroom_energy_joules_total",
            *energy,
            "kind=modelled",
            "quantity=wall",
            "site=fra1",
            "source=model",
        ]
        == 5.0
    )
    simulated = ("class=r640", "cluster=web", "host=web-2", "simulated=true", "site=fra1")
    assert found["headroom_host_cpu_utilisation_ratio", *simulated] == 0.75
    assert found["headroom_host_last_sample_timestamp_seconds", *db] == clock.time / 1e9
    assert found["headroom_fleet_hosts",] == 3


def test_a_hosts_facts_are_labels_without_what_is_secret_or_unbounded(client, estate) -> None:
    (info,) = [
        key
        for key in scrape(client, "/metrics/fleet")
        if key[0] == "headroom_host_info" and "host=web-1" in key
    ]

    assert set(info[1:]) == {
        "agent_version=0.1.0",
        "class=r640",
        "cluster=web",
        'cpu_model=Xeon "Gold"\\',
        "host=web-1",
        "kernel=6.1.0",
        "site=fra1",
    }


def test_a_choice_of_site_and_cluster(client, estate) -> None:
    def hosts(**query) -> set[str]:
        found = scrape(client, "/metrics/fleet", **query)
        return {label for key in found for label in key if label.startswith("host=")}

    assert hosts(site="par1") == {"host=db-1"}
    assert hosts(site="fra1", cluster="web") == {"host=web-1", "host=web-2"}
    assert hosts(site="nowhere") == set()


def test_retired_hosts_and_silent_ones_are_left_out(client, services, fleet, clock) -> None:
    fleet.host("db-1", 0.5, ago=299)
    fleet.host("db-2", 0.5, ago=301)
    fleet.host("web-1", 0.5)
    services.book.retire("web-1").result(30)

    found = scrape(client, "/metrics/fleet")

    ratios = [key for key in found if key[0] == "headroom_host_cpu_utilisation_ratio"]
    assert [key[3] for key in ratios] == ["host=db-1"]


def test_what_is_unknown_is_absent_and_not_zero(client, fleet) -> None:
    fleet.host("web-1", None)

    names = {key[0] for key in scrape(client, "/metrics/fleet")}

    assert "headroom_host_cpus" in names
    assert not names & {"headroom_host_cpu_utilisation_ratio", "headroom_host_load1"}


def test_beyond_the_limit_whole_hosts_are_left_out_and_counted(client, estate) -> None:
    whole = scrape(client, "/metrics/fleet")
    limited = scrape(client, "/metrics/fleet", limit=len(whole) - 3)

    assert limited["headroom_fleet_hosts_omitted",] == 1
    assert not [key for key in limited if "host=web-2" in key]
    kept = {key for key in whole if "host=web-2" not in key}
    assert set(limited) == kept
    assert whole["headroom_fleet_hosts_omitted",] == 0


def test_no_name_is_made_up(client, estate) -> None:
    found = {key[0] for path in ("/metrics", "/metrics/fleet") for key in scrape(client, path)}

    assert {name for name in found if name.startswith("headroom_")} - BESIDE <= catalogue().names()


def test_openmetrics_is_given_to_those_who_ask(client, estate) -> None:
    for path in ("/metrics", "/metrics/fleet"):
        answer = client.get(path, headers={"accept": "application/openmetrics-text;version=1.0.0"})
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        families = list(openmetrics.text_string_to_metric_families(answer.text))
        assert len(families) > 5


def test_promtool_accepts_every_line(client, estate) -> None:
    tool = engine("promtool")

    for path in ("/metrics", "/metrics/fleet"):
        text = client.get(path).text
        run = subprocess.run(
            [tool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
        )
        assert (run.returncode, run.stderr) == (0, ""), path


def test_a_real_prometheus_scrapes_both(client, estate, tmp_path: Path) -> None:
    pages = {
        path: (lambda path=path: client.get(path).text) for path in ("/metrics", "/metrics/fleet")
    }
    with served(pages) as root:
        targets = {"own": f"{root}/metrics", "fleet": f"{root}/metrics/fleet"}
        with prometheus(targets, tmp_path) as engine:
            engine.wait_for('up{job="own"} == 1 and on() up{job="fleet"} == 1')
            ratios = engine.values(
                "headroom_host_cpu_utilisation_ratio", "site", "host", "simulated"
            )
            needed = engine.values("headroom_cluster_hosts_needed", "site", "cluster")
            over = engine.values("headroom_host_cpu_utilisation_ratio > 0.4", "host")

    assert ratios == {
        ("fra1", "web-1", ""): 0.25,
        ("fra1", "web-2", "true"): 0.75,
        ("par1", "db-1", ""): 0.5,
    }
    assert needed == {("fra1", "web"): 1}
    assert set(over) == {("db-1",), ("web-2",)}
