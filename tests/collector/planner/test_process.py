"""A plan in a process of its own: progress, a stop that keeps the best plan, a memory limit."""

from functools import partial

import numpy as np
import pytest

from headroom_collector.consolidation.planner.course import Progress
from headroom_collector.consolidation.planner.folder import read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.process import plan_in_child
from headroom_collector.consolidation.planner.report import as_object


@pytest.fixture
def estate_folder(make_estate, tmp_path):
    """Return a folder whose best plan is above the bound, so that the search goes on; its facts."""
    estate = make_estate(np.random.default_rng(5), 20, 120)
    return estate.write(tmp_path), estate.facts


def test_a_child_reports_and_stops_when_asked(estate_folder, checker):
    folder, facts = estate_folder
    heard: list[Progress] = []
    found = plan_in_child(
        partial(read_folder, folder),
        Options(time_limit=3600),
        as_object,
        heard.append,
        stopped=lambda: any(one.hosts for one in heard),
    )
    assert checker.faults(facts, found) == []
    assert found["lower_bound"] < len(found["hosts_kept"]), "a proof would have ended the search"
    assert heard[-1].stage == "done"


def test_a_refusal_comes_back_as_one_line(tmp_path):
    with pytest.raises(PlanError, match="no such folder"):
        plan_in_child(partial(read_folder, tmp_path / "none"), Options(), as_object)


def test_too_little_memory_is_said_so(estate_folder):
    with pytest.raises(PlanError, match=r"more memory than|ended without a plan"):
        plan_in_child(
            partial(read_folder, estate_folder[0]), Options(), as_object, memory_bytes=2**28
        )
