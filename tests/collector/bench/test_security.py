"""The security benchmark in its short form: nothing refused gets in, nothing is lost or breaks."""

from collections.abc import Iterator

import pytest

from headroom_collector.bench import (
    security_api,
    security_credentials,
    security_fuzz,
    security_rotation,
)
from headroom_collector.bench.report import Figure


def values(figures: Iterator[Figure]) -> dict[str, float]:
    found = list(figures)
    assert not any(figure.skipped for figure in found), found[0].skipped
    return {figure.metric: figure.value for figure in found}


@pytest.mark.timeout(400)
def test_every_credential_fault_is_refused_noted_and_diagnosed() -> None:
    found = values(security_credentials.figures(short=True))
    assert found == {"tried": 20, "refused": 20, "audited": 20, "diagnosed": 20}


@pytest.mark.timeout(400)
def test_rotations_under_load_lose_no_batch() -> None:
    found = values(security_rotation.figures(short=True))
    assert (found["tried"], found["rotated"], found["failed_batches"]) == (20, 20, 0)
    assert found["batches"] >= 20


@pytest.mark.timeout(400)
def test_mutated_batches_break_nothing_and_reach_no_other_host() -> None:
    found = values(security_fuzz.figures(short=True))
    assert (found["crashes"], found["wrong_host_values"]) == (0, 0)
    assert found["rss_growth_bytes"] < 64 << 20
    assert 0 < found["stored"] < found["tried"] + security_fuzz.WARM


@pytest.mark.timeout(400)
def test_cases_out_of_the_apis_own_description_break_nothing() -> None:
    found = values(security_api.figures(short=True))
    assert found["tried"] >= 200
    assert found["crashes"] == 0
