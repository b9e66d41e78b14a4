"""What the store holds is what the overview says."""

from typing import Any

import pytest
from rigs.overviews import Look, Tell
from rigs.samples import NOON, SECOND, HandClock, batch, host_rows, values

from headroom_collector.api.services import Services
from headroom_collector.store.api import COLLECTOR_HOST, Rows, Thing, Value
from headroom_collector.store.engine import DuckStore

GIB = 1024**3


def energy(
    watts: float,
    domain: str = "host",
    quantity: str = "wall",
    source: str = "model",
    kind: str = "modelled",
    **ends: float,
) -> Rows:
    labels = {"domain": domain, "quantity": quantity, "source": source, "kind": kind}
    thing = Thing("\x1f".join(labels.values()), labels)
    return Rows("energy", [(NOON, thing, values("energy", power_watts=watts, **ends))])


def bound(time: int, site: str, cluster: str, **known: Value) -> Rows:
    thing = Thing(f"{site}\x1f{cluster}", {"site": site, "cluster": cluster})
    return Rows("headroom", [(time, thing, values("headroom", **known))])


def test_an_empty_estate_has_nothing_and_says_nothing_of_it(look: Look) -> None:
    seen = look()

    assert seen.totals.hosts_present == 0
    assert seen.totals.cpu_utilisation_ratio is None
    assert seen.totals.vms_running is None
    assert seen.totals.power is None
    assert seen.totals.bound is None
    assert (seen.hosts, seen.clusters, seen.alerts) == ([], [], [])


def test_one_host_without_vms_and_energy_shows_what_it_has(look: Look, tell: Tell) -> None:
    tell(
        "solo",
        host_rows(
            cpu_utilisation_ratio=0.25, cpus=8, memory_used_bytes=GIB, memory_total_bytes=4 * GIB
        ),
    )

    seen = look()

    (host,) = seen.hosts
    assert (host.name, host.assigned, host.state) == ("solo", False, "ok")
    assert host.cpu_utilisation_ratio == pytest.approx(0.25)
    assert (host.memory_used_bytes, host.memory_total_bytes) == (GIB, 4 * GIB)
    assert (host.vms_running, host.power) == (None, None)
    assert seen.totals.hosts_unassigned == 1


def test_the_latest_sample_is_shown_until_five_minutes_are_covered(
    look: Look, tell: Tell, clock: HandClock
) -> None:
    tell("solo", host_rows(NOON, cpu_utilisation_ratio=0.2))
    clock.time = NOON + 60 * SECOND
    tell("solo", host_rows(clock.time, cpu_utilisation_ratio=0.6))

    (young,) = look().hosts
    clock.time = NOON + 290 * SECOND
    tell("solo", host_rows(clock.time, cpu_utilisation_ratio=0.1))
    (grown,) = look().hosts

    assert young.cpu_utilisation_ratio == pytest.approx(0.6)
    assert young.cpu_window_seconds == 0
    assert grown.cpu_utilisation_ratio == pytest.approx(0.3)
    assert grown.cpu_window_seconds == 300


def test_the_last_hour_has_a_slot_a_minute_and_gaps_stay_gaps(
    look: Look, tell: Tell, clock: HandClock
) -> None:
    tell("solo", host_rows(NOON, cpu_utilisation_ratio=0.2))
    tell("solo", host_rows(NOON + SECOND, cpu_utilisation_ratio=0.4))
    clock.time = NOON + 2 * 60 * SECOND
    tell("solo", host_rows(clock.time, cpu_utilisation_ratio=0.5))

    (host,) = look().hosts

    assert len(host.last_hour) == 60
    assert host.last_hour[:57] == [None] * 57
    assert host.last_hour[57:] == [pytest.approx(0.3), None, pytest.approx(0.5)]


def test_the_estates_utilisation_weighs_hosts_by_their_cpus(look: Look, tell: Tell) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.8, cpus=2))
    tell("beta", host_rows(cpu_utilisation_ratio=0.1, cpus=6))

    seen = look()

    assert seen.totals.cpu_utilisation_ratio == pytest.approx((0.8 * 2 + 0.1 * 6) / 8)
    assert seen.totals.hosts_over_ceiling == 1
    assert [host.name for host in seen.hosts] == ["alpha", "beta"]
    assert [(one.site, one.cluster, one.hosts_present) for one in seen.clusters] == [
        ("north", "web", 2)
    ]


def test_density_counts_hypervisors_only(look: Look, tell: Tell) -> None:
    tell("alpha", host_rows(domains_running=9))
    tell("beta", host_rows(domains_running=2))
    tell("bare", host_rows(cpu_utilisation_ratio=0.1))

    totals = look().totals

    assert (totals.vms_running, totals.hypervisors) == (11, 2)
    assert totals.vms_per_host == pytest.approx(5.5)


def test_power_is_the_servers_input_before_its_components_and_never_both(
    look: Look, tell: Tell
) -> None:
    component: dict[str, Any] = {"quantity": "component", "source": "rapl", "kind": "measured"}
    tell(
        "alpha",
        host_rows(),
        energy(200.0, power_low_watts=150.0, power_high_watts=260.0),
        energy(70.0, "package-0", **component),
    )
    tell(
        "beta",
        host_rows(),
        energy(60.0, "package-0", **component),
        energy(10.0, "dram-0", **component),
        energy(30.0, "core-0", **component),
    )

    seen = look()

    powers = {host.name: host.power for host in seen.hosts}
    assert powers["alpha"] is not None
    assert powers["beta"] is not None
    assert (powers["alpha"].watts, powers["alpha"].kind) == (200.0, "modelled")
    assert (powers["beta"].watts, powers["beta"].quantity) == (70.0, "component")
    total = seen.totals.power
    assert total is not None
    assert (total.watts, total.low_watts, total.high_watts) == (270.0, 220.0, 330.0)
    assert (total.kind, total.quantity, total.hosts) == ("modelled", "component", 2)
    assert total.measured_share == pytest.approx(70 / 270)


def test_the_newest_bound_of_each_cluster_adds_up(
    look: Look, tell: Tell, clock: HandClock
) -> None:
    def row(time: int, cluster: str, needed: int, history: float) -> Rows:
        return bound(
            time,
            "north",
            cluster,
            hosts_present=10,
            hosts_needed=needed,
            hosts_freeable=10 - needed,
            history_seconds=history,
        )

    tell("alpha", host_rows())
    tell(COLLECTOR_HOST, row(NOON - 120 * SECOND, "gone", 5, 9.0))
    tell(COLLECTOR_HOST, row(NOON - 60 * SECOND, "web", 9, 60.0))
    tell(COLLECTOR_HOST, row(NOON, "web", 3, 120.0), row(NOON, "db", 4, 60.0))

    totals = look().totals

    assert totals.bound is not None
    assert (totals.bound.hosts_needed, totals.bound.hosts_freeable) == (7, 13)
    assert totals.bound.history_seconds == 60.0
    assert totals.bound.history_longest_seconds == 120.0
    assert (totals.bound.clusters, totals.bound.clusters_short) == (2, 0)
    clock.time = NOON + 700 * SECOND
    assert look().totals.bound is None


def test_a_host_that_stopped_sending_is_overdue_then_silent_then_gone(
    look: Look, tell: Tell, clock: HandClock
) -> None:
    tell("solo", host_rows(cpu_utilisation_ratio=0.5))
    states = []
    for seconds in (0, 61, 301):
        clock.time = NOON + seconds * SECOND
        states.append(look().hosts[0].state)

    silent = look()
    clock.time = NOON + 86_401 * SECOND

    assert states == ["over", "late", "silent"]
    assert silent.totals.hosts_silent == 1
    assert silent.hosts[0].cpu_utilisation_ratio is None
    assert look().totals.hosts_present == 0


def test_a_retired_host_is_not_there_and_one_in_maintenance_says_so(
    look: Look, tell: Tell, given: Services
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.9))
    tell("beta", host_rows(cpu_utilisation_ratio=0.9))
    given.book.retire("alpha", "emptied").result(10)
    given.book.maintenance("beta", None, "new memory").result(10)

    seen = look()

    assert [(host.name, host.state) for host in seen.hosts] == [("beta", "maintenance")]
    assert seen.totals.hosts_present == 1


def test_alerts_that_fire_are_shown_and_pending_ones_are_not(
    look: Look, tell: Tell, store: DuckStore
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.7), simulated=True)
    tell("beta", host_rows(cpu_utilisation_ratio=0.7))
    statement = (
        "INSERT INTO alert_state (dedup_key, rule, host, state, started, value, ceiling, updated,"
        " labels) VALUES (?, 'HostAboveCeiling', ?, ?, ?, 0.7, 0.4, 0, '{}')"
    )

    def write(cursor, commit_id):
        cursor.execute(statement, ["1", "alpha", "clearing", NOON - 600 * SECOND])
        cursor.execute(statement, ["2", "beta", "pending", NOON])

    store.change(write).result(10)

    seen = look()

    assert [(alert.host, alert.simulated) for alert in seen.alerts] == [("alpha", True)]
    assert {host.name: host.state for host in seen.hosts} == {"alpha": "alert", "beta": "over"}
    assert seen.totals.hosts_simulated == 1


def test_of_many_hosts_the_two_hundred_busiest_are_listed(look: Look, store: DuckStore) -> None:
    told = [
        store.append(
            batch(f"host-{number:03}", rows=[host_rows(cpu_utilisation_ratio=number / 1000)])
        )
        for number in range(203)
    ]
    for future in told:
        future.result(10)

    seen = look()

    assert (len(seen.hosts), seen.hosts_left_out) == (200, 3)
    assert (seen.hosts[0].name, seen.hosts[-1].name) == ("host-202", "host-003")
    assert seen.totals.hosts_present == 203
