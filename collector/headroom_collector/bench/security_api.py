"""Cases for the HTTP API, made by schemathesis out of the API's own description."""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headroom_collector.bench.report import Figure

SHORT, LONG = 400, 100_000


def application(folder: Path) -> tuple[Any, Any]:
    """Return the application with every route, and its store."""
    from headroom_collector.alerts.state import MIGRATIONS as ALERTS  # noqa: PLC0415 - for one case
    from headroom_collector.api.app import make_app  # noqa: PLC0415 - the same
    from headroom_collector.api.services import Services  # noqa: PLC0415 - the same
    from headroom_collector.config import CollectorConfig, StoreSettings  # noqa: PLC0415 - the same
    from headroom_collector.inventory.book import MIGRATIONS, Book  # noqa: PLC0415 - the same
    from headroom_collector.security.audit import Audit  # noqa: PLC0415 - the same
    from headroom_collector.security.identity import Identity  # noqa: PLC0415 - the same
    from headroom_collector.security.issuer import Issuer  # noqa: PLC0415 - the same
    from headroom_collector.security.tables import MIGRATIONS as SECURITY  # noqa: PLC0415 - the same
    from headroom_collector.store.engine import open_store  # noqa: PLC0415 - the same
    from headroom_collector.tls import Authority  # noqa: PLC0415 - the same
    from headroom_core.clock import SystemClock  # noqa: PLC0415 - the same

    clock = SystemClock()
    store = open_store(folder / "store", StoreSettings(), [*MIGRATIONS, *ALERTS, *SECURITY], clock)
    issuer = Issuer(Authority.open(folder / "tls", clock))
    services = Services(
        store=store,
        book=Book(store, None, clock),
        config=CollectorConfig(data=folder),
        clock=clock,
        version="bench",
        identity=Identity.open(store, Audit(clock), clock, issuer),
    )
    return make_app(services, admin=True), store


def figures(*, short: bool, cases: int | None = None) -> Iterator[Figure]:
    """Ask every route with what its description allows, and with what it does not."""
    if find_spec("schemathesis") is None:
        why = {"schemathesis": "is not installed: make dev brings it"}
        yield Figure("security", "api", "tried", 0, "count", skipped=why)
        return
    wanted = cases or (SHORT if short else LONG)
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        app, store = application(Path(folder))
        try:
            tried, crashes = _ask(app, wanted)
        finally:
            store.close()
    why = {"crashes": "; ".join(crashes[:5])} if crashes else {}
    for metric, value, unit in (
        ("tried", float(tried), "count"),
        ("crashes", float(len(crashes)), "count"),
        ("seconds", time.monotonic() - began, "seconds"),
    ):
        yield Figure("security", "api", metric, value, unit, skipped=why)


def _ask(app: Any, wanted: int) -> tuple[int, list[str]]:
    import schemathesis  # noqa: PLC0415 - of the development tools
    from hypothesis import HealthCheck, Phase, given, settings  # noqa: PLC0415 - the same

    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    found: Any = schema.get_all_operations()
    operations = [one.ok() for one in found]
    each = max(1, -(-wanted // (2 * len(operations))))
    tried, crashes = 0, []
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=each,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal tried
                tried += 1
                try:
                    status = case.call().status_code
                except Exception as error:  # noqa: BLE001 - what must not be is what is looked for
                    crashes.append(
                        f"{case.method} {case.path}: {type(error).__name__}: {error}"[:300]
                    )
                    return
                if status >= 500 and status != 503:
                    crashes.append(f"{case.method} {case.path}: {status}"[:300])

            try:
                ask()
            except Exception as error:  # noqa: BLE001 - a route that cannot be asked in this way
                if "Unsatisfiable" not in type(error).__name__:
                    crashes.append(f"{operation.label}: {type(error).__name__}: {error}"[:300])
    return tried, crashes
