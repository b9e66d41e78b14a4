"""The benchmark of many hosts measures what it says, in small."""

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
