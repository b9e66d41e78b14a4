"""Overview of the estate, built from the store, the inventory and the ceiling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headroom_collector.alert_metrics import unit_of
from headroom_collector.alerts.subjects import spoken
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.nested import hypervisors_of
from headroom_collector.store.api import HostRow, Reader
from headroom_collector.web import power, queries
from headroom_collector.web.model import (
    Alert,
    Bound,
    Cluster,
    Host,
    Overview,
    Power,
    State,
    Totals,
)
from headroom_collector.web.queries import SECOND, HeadroomNow, HostNow, moment
from headroom_core.estate import Estate, Member, Status
from headroom_core.power import Reading

SHOWN = 200
DAY = 86_400 * SECOND
BINS = 20
OVERDUE_FLOOR = 60 * SECOND
OVERDUE_INTERVALS = 3
"""A sample is overdue after so many of the host's own intervals, and never before the floor."""
COVERED = 0.8
"""Share of the window that the samples have to span before their mean is shown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A host with everything that was read about it; ratios 0..1, ``window`` in seconds."""

    row: HostRow
    member: Member
    state: State
    ceiling: float
    now: HostNow
    ratio: float | None
    window: float | None
    power: Power | None

    @property
    def name(self) -> str:
        """Its present name."""
        return self.member.host

    @property
    def place(self) -> tuple[str, str]:
        """Site and cluster; both empty where the inventory assigns none."""
        return self.member.placement.site, self.member.placement.cluster


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the overview is built on."""

    now: int
    estate: Estate
    config: CollectorConfig
    firing: frozenset[str] = frozenset()
    figures: Mapping[int, HostNow] = field(default_factory=dict)
    powers: Mapping[int, Sequence[Reading]] = field(default_factory=dict)

    def look(self, row: HostRow) -> Seen:
        member = self.estate.member(row.name)
        place = member.placement
        ceiling = self.config.ceiling.of(place.site, place.cluster, place.host_class)
        figures = self.figures.get(row.id, HostNow())
        ratio, window = _ratio(figures)
        state = self.state(row, member, ratio is not None and ratio > ceiling)
        known = power.of_host(self.powers.get(row.id, ()))
        return Seen(row, member, state, ceiling, figures, ratio, window, known)

    def state(self, row: HostRow, member: Member, over: bool) -> State:
        """Say the most pressing thing; a silent host's last figures say nothing about now."""
        if row.goodbye is not None and row.goodbye >= max(row.received, row.last_seen):
            return "stopped"
        if member.status is Status.MAINTENANCE:
            return "maintenance"
        if self.silent(row):
            return "silent"
        return self.active(row, member, over)

    def active(self, row: HostRow, member: Member, over: bool) -> State:
        if not self.firing.isdisjoint((row.name, member.host)):
            return "alert"
        if self.overdue(row):
            return "late"
        if row.id not in self.figures:
            return "waiting"
        return "over" if over else "ok"

    def silent(self, row: HostRow) -> bool:
        return self.now - row.received > queries.WINDOW

    def overdue(self, row: HostRow) -> bool:
        patience = OVERDUE_INTERVALS * (row.interval_seconds or 0) * SECOND
        return self.now - row.last_seen > max(patience, OVERDUE_FLOOR)

    def present(self, row: HostRow) -> bool:
        retired = self.estate.member(row.name).status is Status.RETIRED
        return not retired and self.now - max(row.received, row.last_seen) <= DAY


def _ratio(figures: HostNow) -> tuple[float | None, float | None]:
    """Return the mean of the window and its seconds, or the latest sample while it is short."""
    if figures.first is None or figures.last is None:
        return None, None
    if figures.last - figures.first >= COVERED * queries.WINDOW:
        return figures.mean, queries.WINDOW / SECOND
    return figures.latest, 0.0


def _utilisation(hosts: Iterable[Seen]) -> float | None:
    """Return the busy share of all these hosts' CPUs together."""
    known = [
        (seen.ratio, seen.now.cpus) for seen in hosts if seen.ratio is not None and seen.now.cpus
    ]
    cpus = sum(count for _, count in known)
    return sum(ratio * count for ratio, count in known) / cpus if cpus else None


def _needed(rows: Sequence[HeadroomNow]) -> int:
    """Add up what clusters need; one that is short needs all it has, and more from nowhere else."""
    if len(rows) == 1:
        return rows[0].needed
    return sum(min(row.needed, row.present) for row in rows)


def _bound(rows: Sequence[HeadroomNow]) -> Bound | None:
    if not rows:
        return None
    histories = [row.history for row in rows if row.history is not None]
    return Bound(
        hosts_present=sum(row.present for row in rows),
        hosts_needed=_needed(rows),
        hosts_freeable=sum(row.freeable for row in rows),
        history_seconds=min(histories) if len(histories) == len(rows) else None,
        history_longest_seconds=max(histories, default=None),
        clusters=len(rows),
        clusters_short=sum(row.needed > row.present for row in rows),
        cpu_demand_ratio=rows[0].demand if len(rows) == 1 else None,
        at=moment(min(row.at for row in rows)),
    )


def _group(hosts: Sequence[Seen], bounds: Sequence[HeadroomNow]) -> dict[str, object]:
    vms = [seen.now.vms for seen in hosts if seen.now.vms is not None]
    return {
        "hosts_present": len(hosts),
        "hosts_simulated": sum(seen.row.simulated for seen in hosts),
        "hosts_silent": sum(seen.state == "silent" for seen in hosts),
        "cpu_utilisation_ratio": _utilisation(hosts),
        "vms_running": sum(vms) if vms else None,
        "hypervisors": len(vms),
        "vms_per_host": sum(vms) / len(vms) if vms else None,
        "power": power.of_hosts(seen.power for seen in hosts),
        "bound": _bound(bounds),
    }


def _histogram(hosts: Iterable[Seen]) -> list[int]:
    bins = [0] * BINS
    for seen in hosts:
        if seen.ratio is not None:
            bins[min(int(max(seen.ratio, 0.0) * BINS), BINS - 1)] += 1
    return bins


def _totals(
    hosts: Sequence[Seen], bounds: Sequence[HeadroomNow], alerts: int, config: CollectorConfig
) -> Totals:
    ceilings = [seen.ceiling for seen in hosts] or [config.ceiling.ratio]
    first = min((seen.row.first_seen for seen in hosts), default=None)
    return Totals.model_validate(
        _group(hosts, bounds)
        | {
            "ceiling_low_ratio": min(ceilings),
            "ceiling_high_ratio": max(ceilings),
            "hosts_over_ceiling": sum(
                seen.ratio is not None and seen.ratio > seen.ceiling for seen in hosts
            ),
            "hosts_unassigned": sum(not seen.member.placement.assigned for seen in hosts),
            "alerts_firing": alerts,
            "alert_hold_seconds": config.alerts.rule.hold_seconds,
            "measuring_since": None if first is None else moment(first),
            "utilisation_histogram": _histogram(hosts),
        }
    )


def _clusters(
    hosts: Sequence[Seen], bounds: Sequence[HeadroomNow], config: CollectorConfig
) -> list[Cluster]:
    places = sorted({seen.place for seen in hosts})
    return [
        Cluster.model_validate(
            _group(
                [seen for seen in hosts if seen.place == (site, cluster)],
                [row for row in bounds if (row.site, row.cluster) == (site, cluster)],
            )
            | {
                "site": site,
                "cluster": cluster,
                "ceiling_ratio": config.ceiling.of(site, cluster),
            }
        )
        for site, cluster in places
    ]


def host_out(seen: Seen, hour: list[float | None]) -> Host:
    """Return a host as the page shows it; ``hour`` is its busy share a minute of the last hour."""
    now, place = seen.now, seen.member.placement
    return Host(
        name=seen.member.host,
        site=place.site,
        cluster=place.cluster,
        assigned=place.assigned,
        simulated=seen.row.simulated,
        state=seen.state,
        cpu_utilisation_ratio=seen.ratio,
        cpu_window_seconds=seen.window,
        ceiling_ratio=seen.ceiling,
        cpus=now.cpus,
        last_hour=hour,
        vms_running=now.vms,
        vcpus_running=now.vcpus,
        memory_used_bytes=now.memory_used,
        memory_total_bytes=now.memory_total,
        power=seen.power,
        last_seen=moment(seen.row.last_seen),
    )


def _alerts(
    rows: Sequence[queries.AlertNow], hosts: Iterable[HostRow], config: CollectorConfig
) -> list[Alert]:
    ratios = {rule.name for rule in config.alerts.every_rule() if unit_of(rule) == "ratio"}
    simulated = {row.name for row in hosts if row.simulated}
    return [
        Alert(
            rule=row.rule,
            host=spoken(row.host),
            simulated=row.host in simulated,
            since=None if row.started is None else moment(row.started),
            value=row.value if row.rule in ratios else None,
            ceiling_ratio=row.ceiling if row.rule in ratios else None,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Survey:
    """Every host that is present, the busiest first, and the alerts that fire, at ``now``."""

    now: int
    hosts: Sequence[Seen]
    firing: Sequence[queries.AlertNow]
    rows: Sequence[HostRow]

    def named(self, name: str) -> Seen | None:
        """Return a host by its present name."""
        return next((seen for seen in self.hosts if seen.name == name), None)


def survey(reader: Reader, estate: Estate, config: CollectorConfig, now: int) -> Survey:
    """
    Look at every host at ``now`` (UTC nanoseconds); raises StoreError.

    Hosts that the inventory retired are left out, hosts silent for a day, and guests of a host that
    is here itself: what they use is in its figures.
    """
    rows = reader.hosts()
    inside = hypervisors_of(reader, rows, now)
    firing = queries.alerts_now(reader)
    ground = _Ground(
        now=now,
        estate=estate,
        config=config,
        firing=frozenset(row.host for row in firing),
        figures=queries.hosts_now(reader, now),
        powers=queries.power_now(reader, now),
    )
    there = {row.id: row for row in rows if ground.present(row)}
    outer = [row for row in there.values() if not inside.get(row.id, frozenset()) & there.keys()]
    hosts = [ground.look(row) for row in outer]
    hosts.sort(key=lambda seen: (-(-1.0 if seen.ratio is None else seen.ratio), seen.name))
    return Survey(now, hosts, firing, rows)


def build(
    reader: Reader,
    config: CollectorConfig,
    found: Survey,
    version: str,
    currency: str = "",
) -> Overview:
    """Build the overview of a survey: ratios 0..1, watts, bytes, seconds; raises StoreError."""
    now, hosts = found.now, found.hosts
    shown = hosts[:SHOWN]
    hours = queries.last_hour(reader, now, [seen.row.id for seen in shown])
    bounds = queries.headroom_now(reader, now)
    newest = max((seen.row.last_seen for seen in hosts), default=None)
    totals = _totals(hosts, bounds, len(found.firing), config)
    cost = queries.waste_cost_now(reader, now)
    return Overview(
        at=moment(now),
        version=version,
        grpc=config.listen.grpc,
        totals=totals.model_copy(update={"waste_cost_per_year": cost, "currency": currency}),
        alerts=_alerts(found.firing, found.rows, config),
        clusters=_clusters(hosts, bounds, config),
        hosts=[host_out(seen, hours.get(seen.row.id, [])) for seen in shown],
        hosts_left_out=len(hosts) - len(shown),
        newest_sample=None if newest is None else moment(newest),
    )
