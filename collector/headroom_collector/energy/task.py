"""The collector's task that polls management controllers and stores what they say."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import httpx

from headroom_collector.energy.ipmi import ipmi_client, stays_open
from headroom_collector.energy.meter import HostMeter
from headroom_collector.energy.poller import Poller
from headroom_collector.energy.reading import Client, PowerReading
from headroom_collector.energy.redfish import RedfishClient
from headroom_collector.energy.settings import Bmc, Polling, load_polling
from headroom_collector.ingest.decode import rows
from headroom_collector.store.api import Store, StoreBatch, StoreError
from headroom_core.clock import Clock
from headroom_core.settings import SettingsError
from headroom_proto.v1 import samples_pb2, telemetry_pb2

log = logging.getLogger(__name__)

EPOCH_BYTES = 16
GAP_INTERVALS = 5
"""Intervals without a reading after which the energy in between is not made up."""

TOTALS = """
    SELECT h.name AS name, max(e.energy_microjoules_total) AS total
    FROM energy_sample e JOIN things t ON t.id = e.thing_id JOIN hosts h ON h.id = e.host_id
    WHERE json_extract_string(t.labels, '$.source') IN ('redfish', 'ipmi_lan')
      AND e.energy_microjoules_total IS NOT NULL
    GROUP BY h.name"""


def make_client(bmc: Bmc, timeout_seconds: float, threads: Executor) -> Client:
    """Return a client for a controller. Raises SettingsError where a file of it cannot be read."""
    password = bmc.password()
    if bmc.kind == "ipmi":
        return ipmi_client(bmc, password, timeout_seconds, threads)
    verify: ssl.SSLContext | bool = bmc.verify
    if bmc.verify and bmc.ca_file is not None:
        try:
            verify = ssl.create_default_context(cafile=bmc.ca_file)
        except OSError as error:
            raise SettingsError([f"{bmc.ca_file}: cannot be read: {error}"]) from None
    base = bmc.address if "://" in bmc.address else f"https://{bmc.address}"
    return RedfishClient(
        httpx.AsyncClient(
            base_url=base,
            auth=(bmc.user, password),
            verify=verify,
            timeout=timeout_seconds,
            trust_env=False,
        )
    )


def sample_of(reading: PowerReading, meter: HostMeter) -> samples_pb2.EnergySample:
    """Return a reading as a sample of the contract."""
    return samples_pb2.EnergySample(
        domain="host",
        quantity="wall",
        source=reading.source,
        kind="measured",
        basis=reading.basis,
        energy_microjoules_total=meter.total,
        power_watts=reading.watts,
        power_low_watts=reading.watts * (1 - reading.error),
        power_high_watts=reading.watts * (1 + reading.error),
        gap_seconds_total=meter.gap_seconds,
    )


class BmcTask:
    """
    Polls the controllers that a file names; does nothing without a file.

    The file is read at once: raises SettingsError. What is stored under a host's name says
    nothing of its agent: one that is lost is still missed.
    """

    def __init__(
        self, store: Store, file: Path | None, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._store, self._clock = store, clock
        self._epoch = random_bytes(EPOCH_BYTES)
        self._seq: dict[str, int] = {}
        self._meters: dict[str, HostMeter] = {}
        self.polling = load_polling(file) if file is not None else Polling()
        most = self.polling.at_once + self.polling.doubtful_at_once
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="ipmi")
        self.poller = Poller(self._clients(), self.polling, self.take)

    def _clients(self) -> Mapping[str, Client]:
        bmcs, timeout = self.polling.bmcs, self.polling.timeout_seconds
        if any(bmc.kind == "ipmi" for bmc in bmcs.values()) and not stays_open():
            log.warning("python-ipmi is not installed (pip install 'headroom[ipmi]'): ipmitool is "
                        "run for each reading, which costs a hundred times as much")  # fmt: skip
        return {host: make_client(bmc, timeout, self._threads) for host, bmc in bmcs.items()}

    async def run(self) -> None:
        """Poll for ever."""
        if not self.poller.clients:
            await asyncio.Event().wait()
        longest = GAP_INTERVALS * self.polling.interval_seconds
        totals = dict(await asyncio.to_thread(self._totals))
        for host in self.poller.clients:
            self._meters[host] = HostMeter(longest, totals.get(host, 0))
        log.info("power of %d hosts is read from their controllers", len(self.poller.clients))
        await self.poller.run()

    async def close(self) -> None:
        """Let go of every connection."""
        await self.poller.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def take(self, host: str, reading: PowerReading) -> None:
        """Store one reading."""
        now = self._clock.now()
        longest = GAP_INTERVALS * self.polling.interval_seconds
        meter = self._meters.setdefault(host, HostMeter(longest))
        meter.take(reading, now / 1e9)
        cycle = telemetry_pb2.Cycle(time_unix_nano=now, energy=[sample_of(reading, meter)])
        seq = self._seq[host] = self._seq.get(host, 0) + 1
        batch = StoreBatch(
            host=host,
            epoch=self._epoch,
            seq=seq,
            crc32=0,
            received=now,
            rows=rows(cycle),
            gap_before=True,
            aside=True,
        )
        try:
            self._store.append(batch)
        except StoreError as error:
            log.warning("power of %s could not be stored: %s", host, error)

    def _totals(self) -> list[tuple[str, int]]:
        """Return the microjoules up to which each host was counted before."""
        try:
            table = self._store.query(TOTALS)
        except StoreError as error:
            log.warning("energy of polled hosts begins at 0: %s", error)
            return []
        return list(zip(table["name"].to_pylist(), table["total"].to_pylist(), strict=True))
