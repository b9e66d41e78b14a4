"""Queries in PromQL over the catalogue's metrics, and over nothing else."""

import difflib
from dataclasses import dataclass

from headroom_proto.catalogue import catalogue

HERE = 'site=~"$site",cluster=~"$cluster"'
"""Selects what the dashboard's variables select."""


class UnknownMetricError(ValueError):
    """A panel asks for a metric that nobody makes."""


def metric(name: str, *matchers: str) -> str:
    """Return a selector of that metric; raises UnknownMetricError unless the catalogue has it."""
    names = catalogue().names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownMetricError(f"metric {name} is not in the catalogue{hint}")
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def here(name: str, *matchers: str) -> str:
    """Return a selector of that metric in the chosen sites and clusters; UnknownMetricError."""
    return metric(name, HERE, *matchers)


READING = ("host", "domain", "quantity", "kind", "source")
"""What makes a reading of power one of its own, whoever hands it on."""
SHARE = ("host", "part", "uuid", "vm", "quantity", "share")
"""What makes a share of a host's power one of its own."""


def once(expr: str, *by: str) -> str:
    """
    Return a series for each value of these labels, the largest: what sums must be made of.

    A host is there twice where its agent and the collector are both scraped, and for as long as
    PromQL looks back where its power comes from another source now.
    """
    return f"max by ({', '.join(by)}) ({expr})"


@dataclass(frozen=True, slots=True)
class Query:
    """
    One query of a panel, in PromQL; every other language is translated from it.

    ``instant``: the value now, not over time; ``table``: labels become columns. ``influx`` stands
    in for ``expr`` where InfluxQL cannot say the same: PromQL again, that it can say. ``raw`` is
    InfluxQL itself, where no PromQL can be translated to it.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False
    influx: str = ""
    raw: str = ""
    note: str = ""
    """What the reader of the InfluxQL flavour has to know of the difference."""
