"""A store that an earlier version wrote: its alerts go on, and each is told of once more."""

import asyncio

from rigs.samples import QUICK

from headroom_collector.alert_settings import Alerts, Groups, Webhook
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.outbox import read_waiting
from headroom_collector.alerts.record import dedup_key
from headroom_collector.alerts.state import MIGRATIONS, read_alerts
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling


def test_open_alerts_of_an_earlier_version_are_kept_and_told_of_in_groups(tmp_path, clock, estate):
    key = dedup_key("HostAboveCeiling", "a")

    def write(cursor, commit_id):
        cursor.execute(
            "INSERT INTO alert_state VALUES"
            " (?, 'HostAboveCeiling', 'a', 'firing', ?, ?, 0.5, 0.4, ?, NULL, ?, ?)",
            [key, clock.time, clock.time, clock.time, clock.time, '{"host": "a"}'],
        )
        cursor.execute(
            "INSERT INTO outbox VALUES ('old', ?, ?, 'firing', '{}', 1, 0, 1, NULL, NULL, '')",
            [commit_id, key],
        )

    old = open_store(tmp_path / "store", QUICK, MIGRATIONS[:1], clock)
    old.change(write).result(20)
    old.close()
    store = open_store(tmp_path / "store", QUICK, MIGRATIONS, clock)
    config = Alerts(webhook=Webhook("http://127.0.0.1:1/"), groups=Groups(wait_seconds=0.0))
    asyncio.run(Evaluator(store, estate, Ceiling(), config, clock).look())
    (alert,) = read_alerts(store).values()
    (letter,) = read_waiting(store)
    store.close()
    assert (alert.host, alert.state.phase.value, alert.told) == ("a", "firing", clock.time)
    assert letter.receiver == "headroom"
    assert letter.id != "old"
