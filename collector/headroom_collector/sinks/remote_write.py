"""
Prometheus remote write 1.0: samples as a snappy-compressed WriteRequest.

The message is written by hand: a label is (1: name, 2: value), a sample (1: double, 2: int64 ms),
a series (1: labels, 2: samples), a request (1: series), as prometheus/prometheus' prompb has it.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow as pa

from headroom_collector.sink_settings import RemoteWrite
from headroom_collector.sinks.source import Group
from headroom_collector.sinks.target import Answer, Part
from headroom_core.secret_file import read_secret

MILLISECOND = 1_000_000
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def varint(number: int) -> bytes:
    """Encode an unsigned or negative 64-bit number."""
    number &= (1 << 64) - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def encoded_field(number: int, content: bytes) -> bytes:
    """Encode a field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def encoded_labels(labels: Mapping[str, str]) -> bytes:
    """Encode labels, sorted by name as the protocol wants; empty ones are none."""
    return b"".join(
        encoded_field(1, encoded_field(1, name.encode()) + encoded_field(2, value.encode()))
        for name, value in sorted(labels.items())
        if value
    )


def encoded_sample(time: int, value: float) -> bytes:
    """Encode a sample at ``time``, UTC nanoseconds."""
    return encoded_field(
        2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time // MILLISECOND)
    )


def encode(group: Group) -> Iterator[Part]:
    """Yield one series a column that is known."""
    for place, column in enumerate(group.columns):
        samples = [
            encoded_sample(time, values[place] * column.scale)  # type: ignore[operator]  # not None, see below
            for time, values in group.samples
            if values[place] is not None
        ]
        if samples:
            labels = {**group.labels, **dict(column.labels), "__name__": str(column.metric)}
            yield Part(encoded_field(1, encoded_labels(labels) + b"".join(samples)), len(samples))


@dataclass(slots=True)
class RemoteWriter:
    """Sends to one engine."""

    settings: RemoteWrite
    client: httpx.Client
    name: str = "remote_write"

    def encode(self, groups: Iterable[Group]) -> Iterator[Part]:
        """Yield what ``send`` takes."""
        for group in groups:
            yield from encode(group)

    def send(self, parts: Sequence[Part]) -> Answer:
        """Send parts in one request; what the network does is an answer as well."""
        body = pa.Codec("snappy").compress(b"".join(part.data for part in parts), asbytes=True)
        try:
            answer = self.client.post(
                self.settings.url,
                content=body,
                headers=HEADERS | bearer(self.settings.bearer_token_file),
                timeout=self.settings.timeout_seconds,
            )
        except (httpx.HTTPError, OSError) as error:
            return Answer(0, f"{type(error).__name__}: {error}")
        return Answer(answer.status_code, answer.text[:300], retry_after(answer))

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


def bearer(file: Path | None) -> dict[str, str]:
    """Return the header for the token in a file; raises OSError."""
    if file is None:
        return {}
    return {"Authorization": f"Bearer {read_secret(file)}"}


def retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that the engine asks for; None where it does not say."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
