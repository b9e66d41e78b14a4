import json
import subprocess
from pathlib import Path

import pytest
from rigs.need import engine
from rigs.served import served

from headroom_collector.api.app import make_app

SAMPLE = Path(__file__).parents[3] / "deploy" / "prometheus" / "prometheus.yml"


def by_target(groups):
    return {target: group["labels"] for group in groups for target in group["targets"]}


def test_hosts_are_targets_with_the_labels_that_our_own_series_have(get, fleet):
    fleet.host("web-1", 0.2)
    fleet.host("stray", 0.1)
    found = by_target(get("/api/v1/sd/prometheus"))
    assert found["web-1:9100"] == {
        "host": "web-1",
        "site": "fra1",
        "cluster": "web",
        "class": "r640",
        "__meta_headroom_owner": "shop",
        "__meta_headroom_status": "present",
        "__meta_headroom_agent_version": "0.1.0",
    }
    assert set(found["stray:9100"]) == {
        "host",
        "__meta_headroom_status",
        "__meta_headroom_agent_version",
    }


def test_retired_and_simulated_hosts_are_no_targets(get, admin, fleet):
    fleet.host("web-1", 0.2)
    fleet.host("web-2", 0.2)
    fleet.host("web-3", 0.2, simulated=True)
    admin.post("/admin/hosts/web-2/retire", json={"author": "me", "reason": ""})
    assert set(by_target(get("/api/v1/sd/prometheus"))) == {"web-1:9100"}


def test_an_empty_estate_is_an_empty_list(get):
    assert get("/api/v1/sd/prometheus") == []


def test_they_are_narrowed_down_and_completed(get, fleet):
    fleet.host("web-1", 0.2)
    fleet.host("db-1", 0.2)
    found = get("/api/v1/sd/prometheus", site="par1", port=9256, suffix=".example.net")
    assert set(by_target(found)) == {"db-1.example.net:9256"}


@pytest.mark.parametrize("query", [{"port": 0}, {"port": 65536}, {"suffix": "/x"}])
def test_what_makes_no_target_is_refused(client, query):
    assert client.get("/api/v1/sd/prometheus", params=query).status_code == 422


def test_prometheus_takes_the_sample_configuration_and_finds_the_hosts(
    services, fleet, admin, tmp_path
):
    fleet.host("web-1", 0.2)
    fleet.host("web-2", 0.2)
    fleet.host("db-1", 0.2)
    admin.post(
        "/admin/hosts/web-2/maintenance", json={"author": "me", "reason": "", "until": None}
    )
    promtool = engine("promtool")
    file = tmp_path / "prometheus.yml"
    with served(make_app(services, admin=False)) as url:
        file.write_text(SAMPLE.read_text().replace("http://127.0.0.1:9441", url))
        subprocess.run([promtool, "check", "config", file], check=True, capture_output=True)
        asked = [promtool, "check", "service-discovery", file, "node"]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)
    found = {
        one["discoveredLabels"]["__address__"]: one.get("labels")
        for one in json.loads(done.stdout)
    }
    assert found.keys() == {"web-1:9100", "web-2:9100", "db-1:9100"}
    kept = {"host": "web-1", "site": "fra1", "cluster": "web", "class": "r640"}
    labels = {name: value for name, value in found["web-1:9100"].items() if name[:2] != "__"}
    assert labels == kept | {"instance": "web-1:9100", "job": "node"}
    assert not found["web-2:9100"]  # in maintenance
