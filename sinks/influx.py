"""InfluxDB: points and rows as line protocol, written until they are stored or refused for good.

What is away is waited for, what is refused is set aside.  InfluxDB says neither plainly: a 400 may have stored all lines but one,
and a 500 may mean a policy that does not exist.  See `Database.write` and `Refusals`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlparse

import cramjam
import msgspec
import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from config.records import MetricBatch, Reject
from config.settings import Influx, Settings
from config.telemetry import READY, REJECTS
from sinks.delay import observe
from sinks.line_protocol import Item, LineProtocol, Lines
from sinks.refusal import Piece, rejects, suspects
from sinks.writer import Backoff, Sink, Threaded

LOG = logging.getLogger(__name__)
CHUNK = 5_000
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Refused(Protocol):
    """Where refused lines go."""

    def put(self, items: list[Reject]) -> None:
        """Take them."""

    def flushed(self, seconds: float) -> bool:
        """Wait up to `seconds`; return whether all that was taken is safe."""


class LinesRefusedError(Exception):
    """InfluxDB refuses some of these lines, and will for ever."""


class TooLargeError(Exception):
    """InfluxDB, or what stands in front of it, refuses a request of this size."""


class Database:
    """Writes bytes and tells three ends apart: written, refused, too large.

    Everything else is waited out: no answer, 429 and what configuration causes (401, 403, 404, a wrong port) for ever, an
    answer of 5xx for `give_up` seconds.  What it waits for stands on ``/readyz``.

    Parameters
    ----------
    settings
        The section `influx`.
    backoff
        Makes the pauses of one write.
    """

    def __init__(self, settings: Influx, backoff: Callable[[], Backoff] = lambda: Backoff("influx")) -> None:
        self._settings, self._backoff = settings, backoff
        self._client: Any = InfluxDBClient(
            url=settings.url, token=settings.token, org=settings.org, timeout=int(settings.timeout * 1000)
        )
        self._service: Any = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]
        # Over loopback compression costs more than it saves.
        self._gzip = urlparse(settings.url).hostname not in LOOPBACK

    def write(self, bucket: str, body: bytes) -> None:
        """Write lines.

        Raises
        ------
        LinesRefusedError
            Some or all lines are refused; the others are stored, or will be when written again without these.
        TooLargeError
            None is stored.
        """
        backoff, began = self._backoff(), time.monotonic()
        while True:
            try:
                self._post(bucket, body)
            except (HTTPError, OSError) as error:
                self._wait(backoff, f"no answer from {self._settings.url}: {error}")
            except ApiException as error:
                self._judge(error, bucket, backoff, time.monotonic() - began)
            else:
                READY.clear("influx")
                return

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, bucket: str, body: bytes) -> None:
        coding = {"content_encoding": "gzip"} if self._gzip else {}
        body = bytes(cramjam.gzip.compress(body, level=1)) if self._gzip else body
        self._service.post_write(self._settings.org, bucket, body, precision="ns", **coding)

    def _judge(self, error: ApiException, bucket: str, backoff: Backoff, seconds: float) -> None:
        status, text, from_influx = error.status or 0, *_message(error)
        if status in (400, 422) and from_influx:
            READY.clear("influx")
            raise LinesRefusedError(text)
        if status == 413:
            raise TooLargeError(text)
        if status >= 500 and seconds >= self._settings.give_up:
            raise LinesRefusedError(f"{status} for {seconds:.0f} s: {text}")
        hint = HINTS.get(status, "").format(bucket=bucket, org=self._settings.org)
        answer = f"{self._settings.url} answers {status}" if status else f"no answer from {self._settings.url}"
        self._wait(backoff, f"{answer}: {text}{hint}", _retry_after(error))

    def _wait(self, backoff: Backoff, reason: str, at_least: float = 0.0) -> None:
        if READY.reasons().get("influx") != reason:
            LOG.warning("InfluxDB: %s; trying again until it takes the points", reason)
        READY.set("influx", reason)
        backoff.pause(at_least)


HINTS = {
    401: " - influx.token is wrong or empty",
    403: " - influx.token may not write to influx.bucket {bucket!r}",
    404: " - influx.bucket {bucket!r} or influx.org {org!r} does not exist",
}


class InfluxWriter:
    """Writes points and rows to their buckets; what InfluxDB refuses becomes rejects.

    Parameters
    ----------
    settings
        The section `influx`.
    refused
        Where refused lines go.
    """

    name = "influx"

    def __init__(self, settings: Influx, refused: Refused, database: Database | None = None) -> None:
        self._database, self._refused = database or Database(settings), refused
        self._bucket = {kind: settings.buckets.get(kind, settings.bucket) for kind in ("points", "windows", "results")}
        self._render = LineProtocol()

    def write(self, items: list[Item]) -> None:
        """Write all of it, a few thousand lines at a time."""
        by_bucket: dict[str, list[tuple[Item, Lines]]] = {}
        for item in items:
            by_bucket.setdefault(self._bucket[_kind(item)], []).append((item, self._render(item)))
        aside: list[tuple[Piece, str]] = []
        for bucket, rendered in by_bucket.items():
            for chunk in _chunks(rendered):
                self._write(bucket, chunk, aside)
        if aside:
            found = rejects(aside)
            REJECTS.labels("store-refused").inc(sum(reject.points for reject in found))
            self._refused.put(found)
        observe(items)

    def flushed(self, seconds: float) -> bool:
        """Wait for the rejects that were made on the way."""
        return self._refused.flushed(seconds)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def _write(self, bucket: str, chunk: list[Piece], aside: list[tuple[Piece, str]]) -> None:
        try:
            self._database.write(bucket, b"".join(piece.body() for piece in chunk))
        except (LinesRefusedError, TooLargeError) as error:
            groups = suspects(chunk, str(error))
            if not groups:
                aside += [(piece, str(error)) for piece in chunk]
            for group in groups:
                self._write(bucket, group, aside)


def influx(settings: Settings, refused: Refused) -> Sink:
    """Return the sink for InfluxDB; it takes `MetricBatch`, `Rows` and `Row`.

    Parameters
    ----------
    settings
        `influx` is read.
    refused
        Where refused lines go, as rejects with code ``store-refused``.
    """
    return Sink(lambda: Threaded(InfluxWriter(settings.influx, refused)))


def _kind(item: Item) -> str:
    if isinstance(item, MetricBatch):
        return "points"
    return "windows" if item.measurement == "windows" else "results"


def _chunks(rendered: list[tuple[Item, Lines]]) -> list[list[Piece]]:
    chunks: list[list[Piece]] = [[]]
    room = CHUNK
    for item, lines in rendered:
        first = 0
        while first < len(lines):
            last = min(len(lines), first + room)
            chunks[-1].append(Piece(item, lines, np.arange(first, last)))
            room -= last - first
            first = last
            if room == 0:
                chunks.append([])
                room = CHUNK
    return [chunk for chunk in chunks if chunk]


def _message(error: ApiException) -> tuple[str, bool]:
    """Return the error's text, and whether it has InfluxDB's form (not that of a proxy or another server)."""
    body = error.body or b""
    try:
        answer: Any = msgspec.json.decode(body)
        text = answer.get("error") or answer.get("message")
    except (msgspec.DecodeError, AttributeError):
        text = None
    if text:
        return str(text), True
    plain = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return (plain.strip() or str(error.reason))[:500], False


def _retry_after(error: ApiException) -> float:
    headers: Any = error.headers or {}
    try:
        return min(float(headers.get("Retry-After", 0)), 300.0)
    except ValueError:
        return 0.0
