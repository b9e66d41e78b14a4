from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.samples import QUICK

from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    made = open_store(tmp_path / "store", QUICK, (), SystemClock())
    yield made
    made.close()
