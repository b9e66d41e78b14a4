"""Charts of a host or a virtual machine: points for the script, and a drawing where there is none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.estate import find, standings
from headroom_collector.api.series import Span, columns_of, read_series
from headroom_collector.web.asked import Asked
from headroom_collector.web.draw import Axes, nice
from headroom_collector.web.queries import SECOND, vm_series

Points = Sequence[tuple[float, float | None]]
"""(seconds since 1970, value), a gap as None."""
HOUR = 3_600
RANGES: Mapping[str, tuple[int, int]] = {
    "1h": (HOUR, 30),
    "6h": (6 * HOUR, 120),
    "24h": (24 * HOUR, 300),
    "7d": (7 * 24 * HOUR, 1_800),
    "30d": (30 * 24 * HOUR, 7_200),
}
"""Seconds shown, and seconds a point."""
HOST: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "cpu": ("ratio", {"line_cpu": "headroom_host_cpu_utilisation_ratio"}),
    "memory": ("bytes", {"line_memory": "headroom_host_memory_used_bytes"}),
    "power": (
        "watts",
        {
            "line_power": "headroom_energy_power_watts",
            "line_low": "headroom_energy_power_low_watts",
            "line_high": "headroom_energy_power_high_watts",
        },
    ),
    "vms": ("count", {"line_vms": "headroom_host_domains"}),
}
"""Charts of a host: unit, and metrics by the text of their line."""
VM: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "cpu": ("ratio", {"line_cpu": "cpu_utilisation_ratio"}),
    "memory": ("bytes", {"line_resident": "memory_resident_bytes"}),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one stretch of time; values in ``unit``, ``level`` a line across or None."""

    what: str
    unit: str
    start: float
    end: float
    lines: Mapping[str, Points]
    level: float | None
    source: str
    """Address of its points."""

    @property
    def empty(self) -> bool:
        """Whether there is not one value."""
        return all(value is None for points in self.lines.values() for _, value in points)

    @property
    def high(self) -> float:
        """The upper end of its scale."""
        known = [v for points in self.lines.values() for _, v in points if v is not None]
        if self.unit == "ratio":
            return 1.0 if max(known, default=0.0) > 0.5 else max(0.5, self.level or 0.0)
        return nice(max([*known, self.level or 0.0], default=1.0))

    def axes(self) -> Axes:
        """Return its area."""
        return Axes(self.start, self.end, 0.0, self.high)


def range_of(query: Mapping[str, str]) -> str:
    """Return the range asked for; a day where it is none."""
    text = query.get("range", "24h")
    return text if text in RANGES else "24h"


def _filled(points: Mapping[int, float], span: Span) -> Points:
    steps = range(span.start, span.end, span.step)
    return [(at / SECOND, points.get(at)) for at in steps]


def span_of(now: int, name: str) -> Span:
    """Return the stretch of time until now, its steps at whole multiples."""
    seconds, step = RANGES[name]
    end = now - now % (step * SECOND) + step * SECOND
    return Span(end - seconds * SECOND, end, step * SECOND)


def _best(lines: Sequence[Any]) -> Mapping[int, float]:
    """Return the points of the one series that stands for a host: its whole, wall before parts."""

    def rank(line: Any) -> tuple[bool, bool, int]:
        labels = line.labels
        return (
            labels.get("domain", "host") != "host",
            labels.get("quantity", "wall") != "wall",
            -len(line.points),
        )

    running = [line for line in lines if line.labels.get("state", "running") == "running"]
    return dict(min(running, key=rank).points) if running else {}


def host_chart(asked: Asked, name: str, what: str, range_: str) -> Chart:
    """Return a chart of a host; raises NotFoundError, StoreError."""
    unit, metrics = HOST[what]
    standing = find(name, standings(asked.given), asked.given)
    ids, span = [row.id for row in standing.rows], span_of(asked.now, range_)
    lines = {
        text: _filled(_best(read_series(asked.given.store, columns_of(metric), ids, span)), span)
        for text, metric in metrics.items()
    }
    place = standing.member.placement
    ceiling = asked.given.config.ceiling.of(place.site, place.cluster, place.host_class)
    source = asked.site.link("/chart.json", host=standing.name, what=what, range=range_)
    return _chart(what, unit, span, lines, ceiling if what == "cpu" else None, source)


def vm_chart(asked: Asked, uuid: str, what: str, range_: str) -> Chart:
    """Return a chart of a virtual machine, whatever hosts it was on; raises StoreError."""
    unit, fields = VM[what]
    span = span_of(asked.now, range_)
    lines = {
        text: _filled(
            vm_series(asked.given.store, uuid, field, (span.start, span.end, span.step)), span
        )
        for text, field in fields.items()
    }
    source = asked.site.link("/chart.json", vm=uuid, what=what, range=range_)
    return _chart(what, unit, span, lines, None, source)


def _chart(
    what: str, unit: str, span: Span, lines: Mapping[str, Points], level: float | None, source: str
) -> Chart:
    known = {
        text: points
        for text, points in lines.items()
        if any(value is not None for _, value in points) or len(lines) == 1
    }
    return Chart(what, unit, span.start / SECOND, span.end / SECOND, known, level, source)


def points(asked: Asked) -> bytes:
    """Return the points of the chart asked for, as the script takes them."""
    query = asked.site.query
    what, range_ = query.get("what", ""), range_of(query)
    if "vm" in query and what in VM:
        chart = vm_chart(asked, query["vm"], what, range_)
    elif "host" in query and what in HOST:
        chart = host_chart(asked, query["host"], what, range_)
    elif {"vm", "host"} & set(query):
        raise HTTPException(404, f"what = {what!r}: expected one of {', '.join(HOST)}")
    else:
        raise NotFoundError("a chart is of a host or of a vm: name one")
    return json.dumps(document(asked, chart), separators=(",", ":")).encode()


def document(asked: Asked, chart: Chart) -> dict[str, Any]:
    """Return a chart as the script takes it."""
    say = asked.site.tongue.say
    times = [time for time, _ in next(iter(chart.lines.values()), [])]
    return {
        "unit": chart.unit,
        "high": chart.high,
        "level": chart.level,
        "level_name": say("ceiling"),
        "times": times,
        "lines": [
            {"name": say(text), "kind": text, "values": [value for _, value in line]}
            for text, line in chart.lines.items()
        ],
    }
