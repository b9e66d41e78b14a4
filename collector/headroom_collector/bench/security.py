"""Security: wrong credentials, rotations under load, mutated batches, odd requests."""

from collections.abc import Callable, Iterator, Mapping

from headroom_collector.bench import (
    security_api,
    security_credentials,
    security_fuzz,
    security_rotation,
)
from headroom_collector.bench.report import Figure

CASES: Mapping[str, Callable[..., Iterator[Figure]]] = {
    "credentials": security_credentials.figures,
    "rotation": security_rotation.figures,
    "fuzz": security_fuzz.figures,
    "api": security_api.figures,
}


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Run every case, or one."""
    for name, measure in CASES.items():
        if case in {None, name}:
            yield from measure(short=short)
