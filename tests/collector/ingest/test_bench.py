"""The benchmark of many hosts measures what it says, in small."""

import shutil

import pytest

from headroom_collector.bench import capacity, outage, peers, sink_rates
from headroom_collector.bench.hosts import LOADS, Load, figures, shorter


def test_a_small_load_is_stored_whole_and_measured() -> None:
    load = Load("small", hosts=40, vms=2, cpus=4, connections=8, seconds=1.0)
    found = {figure.metric: figure.value for figure in figures(load)}
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert 0 < found["ack_p50_seconds"] <= found["ack_p99_seconds"] <= found["ack_max_seconds"]
    assert found["values_per_second"] > 0
    assert found["rss_bytes"] > 50e6


def test_the_short_form_keeps_the_cycles_of_a_connection() -> None:
    for load in LOADS:
        short = shorter(load)
        assert short.hosts / short.connections == load.hosts / load.connections


def test_every_agent_is_back_after_a_restart_and_nobody_is_paged() -> None:
    answer, spent, pages = outage.measure(12, 40)
    assert (answer["back"], pages) == (12, 0)
    assert answer["drain_seconds"] > 0
    assert spent > 0


@pytest.mark.skipif(
    shutil.which("victoria-metrics") is None, reason="VictoriaMetrics is not installed"
)
def test_peers_are_fed_the_same_values_and_sinks_hand_them_on() -> None:
    series = capacity.Series()
    assert len(series.requests(0)[0]) > 1000
    assert capacity.peer_rate(peers.PEERS[1], series, 1) > 0
    rates = {figure.metric: figure.value for figure in sink_rates.figures(short=True)}
    assert set(rates) == {
        "remote_write_values_per_core_second",
        "influxdb_values_per_core_second",
    }
    assert all(rate > 0 for rate in rates.values())
