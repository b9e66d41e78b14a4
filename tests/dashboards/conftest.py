"""The dashboard as Grafana would load it, and its queries."""

import json
from dataclasses import dataclass

import pytest

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import pages
from headroom_dashboards.consolidation import consolidation
from headroom_dashboards.frame import to_json

ALL = ".*"


@dataclass(frozen=True)
class Asked:
    """One query of the dashboard and where it stands."""

    panel: str
    expr: str
    instant: bool

    def substituted(self, site=ALL, cluster=ALL):
        """Return it as Grafana sends it."""
        values = {"$__rate_interval": "1m", "$site": site, "$cluster": cluster}
        values |= {"$host": ALL, "$vm": ALL, "$ceiling": "0.40", "$carbon": "0.328"}
        text = self.expr
        for variable, value in values.items():
            text = text.replace(variable, value)
        assert "$" not in text
        return text


@pytest.fixture(scope="session")
def dashboard():
    return json.loads(to_json(consolidation(Ceiling(), Rule())))


def asked_by(dashboard):
    """Return every query of a dashboard, those of its marks among them."""
    found = [
        Asked(panel["title"], target["expr"], target["instant"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    # What happens now and then has no answer most of the time.
    marks = [mark for mark in dashboard["annotations"]["list"] if mark["name"] == "Alerts"]
    return found + [Asked(f"mark {mark['name']}", mark["expr"], False) for mark in marks]


@pytest.fixture(scope="session")
def queries(dashboard):
    return asked_by(dashboard)


@pytest.fixture(scope="session")
def dashboards():
    """Every dashboard by the name of its file."""
    made = pages(Ceiling(), Rule()).items()
    return {name: json.loads(to_json(page)) for name, page in made}


@pytest.fixture(scope="session")
def every_query(dashboards):
    return [query for dashboard in dashboards.values() for query in asked_by(dashboard)]
