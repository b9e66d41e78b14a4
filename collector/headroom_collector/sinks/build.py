"""The sinks that the configuration names."""

from collections.abc import Sequence

import httpx

from headroom_collector.sink_settings import Sinks
from headroom_collector.sinks import influxdb
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.source import Place
from headroom_collector.sinks.target import Target
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.api import Store, StoreError
from headroom_core.clock import Clock
from headroom_proto.catalogue import catalogue


def build(settings: Sinks, store: Store, place: Place, clock: Clock) -> Sequence[SinkTask]:
    """Return a task a sink; raises StoreError in one line where one cannot be used."""
    targets: list[Target] = []
    if settings.remote_write.url:
        targets.append(RemoteWriter(settings.remote_write, httpx.Client()))
    if settings.influxdb.url:
        try:
            targets.append(influxdb.connect(settings.influxdb))
        except influxdb.MissingClientError as error:
            raise StoreError(str(error)) from None
        except OSError as error:
            raise StoreError(f"sinks.influxdb.token_file: {error}") from None
    return [SinkTask(store, target, catalogue().kinds, place, clock) for target in targets]
