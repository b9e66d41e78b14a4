"""Every query of the dashboard against a real Prometheus that scrapes a known fleet."""

import re
import statistics

import pytest
from dashboards.fleet import CLUSTERS, FIRING, HOSTS, collector_page, fleet_page
from rigs.prometheus import prometheus, served

CEILINGS = {(cluster.site, cluster.cluster): cluster.ceiling for cluster in CLUSTERS}
LATER = "headroom_(host_memory|cluster_memory|plan|ceiling|waste|cluster_(level|trend|ceiling_in|ceiling_earliest|vms_fit))"
"""What this small fleet does not have; test_engines.py has all of it."""
PARIS = [host for host in HOSTS if host.site == "paris"]

pytestmark = pytest.mark.engine("prometheus")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    pages = {"/metrics": collector_page, "/metrics/fleet": fleet_page()}
    with served(pages) as url:
        jobs = {"headroom": f"{url}/metrics", "headroom-fleet": f"{url}/metrics/fleet"}
        with prometheus(jobs, tmp_path_factory.mktemp("prometheus")) as running:
            running.wait_for("rate(headroom_sampler_failures_total[1m]) > 0")
            running.wait_for("headroom_cluster_hosts_present")
            yield running


@pytest.fixture
def panel(engine, queries):
    """Ask the panel's only query, or its query of that number; the values now by these labels."""

    def ask(title, *labels, number=0, **chosen):
        asked = [query for query in queries if query.panel == title]
        return engine.values(asked[number].substituted(**chosen), *labels)

    return ask


def over(hosts):
    return sum(host.utilisation > CEILINGS[host.site, host.cluster] for host in hosts)


def test_every_query_has_an_answer_now_and_over_time(engine, queries):
    for query in queries:
        if re.search(LATER, query.expr):
            continue
        assert engine.query(query.substituted()), query
        if not query.instant:
            assert engine.query_range(query.substituted()), query


def test_present_needed_and_freeable_add_up(panel):
    assert panel("Hosts present") == {(): 10}
    assert panel("Hosts needed at least") == {(): 7}
    assert panel("Hosts freeable at most") == {(): 3}


def test_each_host_is_held_against_its_own_clusters_ceiling(panel):
    assert over(HOSTS) == 2
    assert panel("Hosts over the ceiling") == {(): over(HOSTS)}
    assert panel("Hosts over the ceiling", site="lyon") == {(): 0}
    assert panel("Hosts over the ceiling", site="paris", cluster="web") == {(): over(PARIS)}


def test_all_includes_the_hosts_without_a_place_and_a_choice_leaves_them_out(panel):
    assert panel("Hosts present", site="paris|lyon") == {(): 9}
    assert panel("Shortest history") == {(): 600}
    assert panel("Shortest history", site="paris|lyon") == {(): 86_400}


def test_a_host_that_is_present_and_sends_nothing_is_silent(panel):
    assert panel("Silent hosts") == {(): 1}
    assert panel("Silent hosts", site="lyon") == {(): 0}


def test_firing_alerts_are_counted_and_named(panel):
    assert panel("Alerts firing") == {(): len(FIRING)}
    assert panel("Alerts firing", site="lyon") == {(): 0}
    named = panel("Alerts firing by host", "host", "alertname")
    assert named == {("p5", "HostAboveCeiling"): 0.55}
    assert panel("mark Alerts", "host") == {("p5",): 1}


def test_the_share_that_can_be_freed_is_a_ratio_by_cluster(panel):
    shares = panel("Share of hosts that can be freed at most", "site", "cluster")
    assert shares == {
        (cluster.site, cluster.cluster): pytest.approx(1 - cluster.needed / cluster.present)
        for cluster in CLUSTERS
    }


def test_the_table_has_every_column_for_every_cluster(engine, queries):
    columns = [query for query in queries if query.panel == "Headroom by cluster"]
    assert len(columns) == 9
    for query in columns:
        assert set(engine.values(query.substituted(), "site", "cluster")) == set(CEILINGS), query


def test_utilisation_is_shown_by_host_and_across_hosts(panel):
    busiest = panel("Utilisation of the busiest hosts against the ceiling", "host")
    assert busiest == {(host.name,): pytest.approx(host.utilisation) for host in HOSTS}
    median = panel("Utilisation across all hosts", "site", site="paris")
    assert median == {("paris",): pytest.approx(statistics.median(h.utilisation for h in PARIS))}
    upper = panel("Utilisation across all hosts", "site", number=1, site="paris")
    spread = sorted(host.utilisation for host in PARIS)
    assert upper == {("paris",): pytest.approx(spread[4] + 0.75 * (spread[5] - spread[4]))}


def test_density_counts_running_machines_only(panel):
    assert panel("VMs per hypervisor", "site", site="paris") == {("paris",): pytest.approx(40 / 6)}
    assert panel("Hypervisors with fewer than 8 VMs") == {(): 2}


def test_idle_hosts_are_counted_and_named(panel):
    assert panel("Idle hosts") == {(): 2}
    assert panel("Idle hosts by name", "site", "host") == {
        ("paris", "p1"): pytest.approx(0.02),
        ("lyon", "l1"): pytest.approx(0.03),
    }


def test_power_is_summed_by_site_and_by_how_it_is_known(panel):
    by_site = panel("Power by site", "site")
    assert by_site == {("paris",): 1350, ("lyon",): 220, ("",): 90}
    assert panel("Power by source", "quantity", "kind", "source") == {
        ("wall", "modelled", "model"): sum(host.watts for host in HOSTS)
    }


def test_freshness_backlog_and_failures_are_shown(panel):
    ((age),) = panel("Age of the newest sample").values()
    assert 0 <= age < 60
    assert panel("Batches waiting in spools", "site")[("paris",)] == 3
    assert panel("Failures of samplers", "sampler")[("cpu",)] > 0
