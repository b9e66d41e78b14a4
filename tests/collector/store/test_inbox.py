"""The queue before the store's writer: everything that was put in is handed out, once, in order."""

import pytest

from headroom_collector.store.inbox import MOST, Inbox, Task
from headroom_core.clock import SystemClock


@pytest.mark.parametrize("count", [1, MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1])
def test_a_burst_is_handed_out_whole_in_groups_of_a_bounded_size(count):
    inbox = Inbox(SystemClock(), 5.0)
    tasks = [Task(lambda _cursor, _commit: None) for _ in range(count)]
    for task in tasks:
        inbox.put(task)
    inbox.close()
    got, last = [], False
    while not last:
        items, last = inbox.gather()
        assert len(items) <= MOST
        got += items
    assert [id(item) for item in got] == [id(task) for task in tasks]
