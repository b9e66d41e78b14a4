"""A management controller that speaks IPMI over LAN, where its programs are installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headroom_collector.bench import controllers
from headroom_collector.bench.controllers import PACKAGES, PASSWORD, USER, Controller
from rigs.need import engine

__all__ = ["PASSWORD", "USER", "Controller", "controller"]


@contextmanager
def controller(folder: Path, *, dcmi: bool, port: int = 0) -> Iterator[Controller]:
    """Run one on loopback, with or without DCMI."""
    for name in PACKAGES:
        engine(name)
    with controllers.controller(folder, dcmi=dcmi, port=port) as made:
        yield made
