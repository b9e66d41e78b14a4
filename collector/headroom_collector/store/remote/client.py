"""The Prometheus HTTP API, as far as the mirror asks: range queries and instant ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from headroom_collector.store.api import StoreError
from headroom_core.secret_file import read_secret

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, its points' times in UTC nanoseconds, and their values."""

    labels: Mapping[str, str]
    times: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Engine:
    """
    An engine's API below ``url``: Prometheus, VictoriaMetrics, Mimir, Thanos.

    Raises StoreError, one line that names the engine, where it does not answer as it should.
    """

    url: str
    client: httpx.Client
    bearer_token_file: Path | None = None
    timeout_seconds: float = 60.0

    def range(self, query: str, start: int, end: int, step_seconds: int) -> Iterator[Series]:
        """Yield what a query gives from ``start`` to ``end`` (UTC nanoseconds, both included)."""
        times = {"start": f"{start / SECOND:.3f}", "end": f"{end / SECOND:.3f}"}
        for found in self._ask(
            "query_range", {"query": query, **times, "step": str(step_seconds)}
        ):
            yield _series(found["metric"], found["values"])

    def instant(self, query: str, time: int) -> Iterator[Series]:
        """Yield what a query gives at a moment."""
        for found in self._ask("query", {"query": query, "time": f"{time / SECOND:.3f}"}):
            yield _series(found["metric"], [found["value"]])

    def _ask(self, path: str, form: dict[str, str]) -> list[dict[str, Any]]:
        headers = {}
        try:
            if self.bearer_token_file is not None:
                token = read_secret(self.bearer_token_file)
                headers["Authorization"] = f"Bearer {token}"
            address = f"{self.url.rstrip('/')}/api/v1/{path}"
            # VictoriaMetrics would answer from its cache what came late since.
            data = {**form, "nocache": "1"}
            answer = self.client.post(
                address, data=data, headers=headers, timeout=self.timeout_seconds
            )
            body = answer.json()
            if answer.status_code == 200 and body["status"] == "success":
                result: list[dict[str, Any]] = body["data"]["result"]
                return result
            reason = str(body.get("error", answer.text))
        except (httpx.HTTPError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
        except (ValueError, KeyError, TypeError):
            reason = f"status {answer.status_code}, and no answer of a Prometheus API"
        raise StoreError(f"engine {self.url}: {' '.join(reason.split())[:300]}")


def _series(labels: Mapping[str, str], points: list[list[Any]]) -> Series:
    return Series(
        labels,
        [round(float(at) * 1000) * 1_000_000 for at, _ in points],
        [float(value) for _, value in points],
    )
