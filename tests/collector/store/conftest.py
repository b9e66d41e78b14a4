from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.samples import QUICK

from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock

Opener = Callable[..., DuckStore]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens the store in the test's folder, as often as it is asked; all are closed at the end."""
    stores: list[DuckStore] = []

    def open_(folder: Path = tmp_path, **arguments: Any) -> DuckStore:
        given: dict[str, Any] = {
            "settings": QUICK,
            "migrations": (),
            "clock": SystemClock(),
        }
        stores.append(open_store(folder, **given | arguments))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> DuckStore:
    return opened()
