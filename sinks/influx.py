"""InfluxDB: points and rows as line protocol, written until they are stored or refused for good.

What is away is waited for (`sinks.database`), what is refused is found and set aside (`sinks.refusal`).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from config.records import MetricBatch, Reject
from config.settings import Influx, Settings
from config.telemetry import REJECTS
from sinks.database import Database, GaveUpError, LinesRefusedError, TooLargeError
from sinks.delay import observe
from sinks.line_protocol import Item, LineProtocol, Lines
from sinks.refusal import Piece, rejects, suspects
from sinks.writer import Sink, Threaded

CHUNK = 5_000


class Refused(Protocol):
    """Where refused lines go."""

    def put(self, items: list[Reject]) -> None:
        """Take them."""

    def flushed(self, seconds: float) -> bool:
        """Wait up to `seconds`; return whether all that was taken is safe."""


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
        except GaveUpError as error:
            aside += [(piece, str(error)) for piece in chunk]
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
