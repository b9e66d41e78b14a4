"""
InfluxDB 2.x through its own client: line protocol, one measurement a kind.

A point's tags are the thing's labels, its fields the columns by the contract's names; the same
point written again replaces itself.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.sink_settings import InfluxDb
from headroom_collector.sinks.source import Group
from headroom_collector.sinks.target import Answer, Part
from headroom_core.secret_file import read_secret

MEASUREMENT = "headroom_"
ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\n", "\r": ""})
MILLISECOND = 1_000_000


class MissingClientError(Exception):
    """The optional library is not installed; the text says how to."""


def _tag(text: str) -> str:
    # A backslash at the end would escape the comma behind it.
    return text.translate(ESCAPES).rstrip("\\")


def lines(group: Group) -> Iterator[str]:
    """Yield one line a sample; values that are unknown are no fields."""
    tags = "".join(
        f",{_tag(name)}={_tag(value)}" for name, value in sorted(group.labels.items()) if value
    )
    head = f"{MEASUREMENT}{group.kind.name}{tags} "
    for time, values in group.samples:
        fields = ",".join(
            # Floats throughout: a field keeps the type of its first point for good.
            f"{column.field}={float(value)!r}"
            for column, value in zip(group.columns, values, strict=True)
            if value is not None and math.isfinite(value)
        )
        if fields:
            yield f"{head}{fields} {time // MILLISECOND}"


@dataclass(slots=True)
class InfluxWriter:
    """Sends to one engine."""

    settings: InfluxDb
    client: Any
    name: str = "influxdb"

    def encode(self, groups: Iterable[Group]) -> Iterator[Part]:
        """Yield what ``send`` takes."""
        for group in groups:
            for line in lines(group):
                yield Part(line.encode(), line.count("=") - line.split(" ", 1)[0].count("="))

    def send(self, parts: Sequence[Part]) -> Answer:
        """Send parts in one request; what the network does is an answer as well."""
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415 - an optional extra
        from influxdb_client.rest import ApiException  # noqa: PLC0415 - the same
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - the same

        try:
            with self.client.write_api(write_options=SYNCHRONOUS) as api:
                api.write(
                    self.settings.bucket,
                    record=b"\n".join(part.data for part in parts).decode(),
                    write_precision="ms",
                )
        except ApiException as error:
            after = error.headers.get("Retry-After", "") if error.headers else ""
            wait = float(after) if str(after).isdigit() else None
            return Answer(error.status or 0, str(error.message or error.reason)[:300], wait)
        except (HTTPError, OSError) as error:
            return Answer(0, f"{type(error).__name__}: {error}"[:300])
        return Answer(204, "")

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def connect(settings: InfluxDb) -> InfluxWriter:
    """Make a writer; raises MissingClientError, and OSError for the token's file."""
    try:
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise MissingClientError(
            "sinks.influxdb: influxdb-client is not installed: pip install 'headroom[influx]'"
        ) from None
    file = settings.token_file
    client = InfluxDBClient(
        url=settings.url,
        token=read_secret(file) if file else "",
        org=settings.org,
        timeout=round(settings.timeout_seconds * 1000),
        enable_gzip=True,
    )
    return InfluxWriter(settings, client)
