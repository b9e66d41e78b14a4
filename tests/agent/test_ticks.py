"""When the cycles come, and how long a failing connection is waited for."""

from itertools import pairwise

import grpc
import pytest

from headroom_agent.agent import Sending, Ticks
from headroom_agent.backoff import Backoff
from headroom_agent.logs import quote
from headroom_agent.wire.grpcio import SLEEP_SECONDS, settle_down


def test_the_second_cycle_comes_early_and_the_rest_on_a_grid() -> None:
    ticks = Ticks(start=100.0, interval=10.0)
    assert ticks.after(100.0) == 101.0
    assert ticks.after(101.0) == 110.0
    assert ticks.after(110.0) == 120.0


def test_cycles_that_were_missed_are_left_out() -> None:
    assert Ticks(start=100.0, interval=10.0).after(147.2) == 150.0


@pytest.mark.parametrize("interval", [0.1, 0.2, 0.3, 7.7])
def test_a_grid_never_stands_still(interval: float) -> None:
    ticks, now = Ticks(100.0, interval), 100.0
    times = [now := ticks.after(now) for _ in range(500)]
    steps = [after - before for before, after in pairwise(times[1:])]
    assert min(steps) > interval / 2
    assert max(steps) < 1.5 * interval


def test_waits_double_up_to_a_bound_and_are_spread() -> None:
    longest = Backoff(first=1, most=8, chance=lambda: 1.0)
    assert [longest.next() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    shortest = Backoff(first=1, most=8, chance=lambda: 0.0)
    assert [shortest.next() for _ in range(4)] == [0.5, 1, 2, 4]
    shortest.reset()
    assert shortest.next() == 0.5


def test_a_line_of_the_log_stays_one_line() -> None:
    assert quote('a "b"\nc\\') == '"a \\"b\\"\\nc\\\\"'


def sent(freshness: float, interval: float, cycles: int) -> list[int]:
    """Return the cycles after which something is sent, by number."""
    sending = Sending(freshness, interval)
    return [n for n in range(cycles) if sending.due(100.0 + n * interval)]


def test_each_cycle_is_sent_at_once_unless_told_otherwise() -> None:
    assert sent(0.0, 1.0, 3) == [0, 1, 2]


def test_no_cycle_waits_longer_than_its_freshness() -> None:
    assert sent(5.0, 1.0, 12) == [5, 11]  # the oldest of six waits 5 s
    assert sent(4.5, 1.0, 10) == [4, 9]


def test_where_the_next_cycle_comes_too_late_none_waits() -> None:
    assert sent(5.0, 10.0, 3) == [0, 1, 2]


def test_waiting_for_grpc_does_not_wake_ten_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    common = vars(grpc)["_common"]
    assert common.MAXIMUM_WAIT_TIMEOUT == 0.1  # another gRPC may need another way
    monkeypatch.setattr(common, "MAXIMUM_WAIT_TIMEOUT", common.MAXIMUM_WAIT_TIMEOUT)
    settle_down()
    woken: list[float] = []

    def sleep(timeout: float) -> bool:
        woken.append(timeout)
        return True

    common.wait(sleep, lambda: bool(woken))
    assert woken == [SLEEP_SECONDS]
