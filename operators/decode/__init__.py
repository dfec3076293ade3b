"""Decode: messages of any known format to points in columns.

Formats, by the names that a topic's setting `format` takes: ``json`` (Telegraf's shape), ``influx`` (line protocol).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import NOTHING, Decoded, Int, MetricBatch, Poll, Reject
from operators.decode import json
from operators.decode.errors import Refused
from operators.decode.message import decode_message
from operators.decode.names import Names
from operators.decode.points import Points

__all__ = ["Decoder", "Names", "Points", "decode_message"]

SCHEMA = "decode-1"
BLOCK = 64  # messages read by one call; a broken one sends only its block the slow way
Snapshot = tuple[Any, ...]


class Decoder:
    """Decodes the polls of one shard.

    Parameters
    ----------
    names
        Numbers of series, shared by the decoders of a process.
    format
        The topic's fixed format, or ``""``: told by each message.
    limit
        Largest message, bytes.
    snapshot
        What `snapshot` returned, to go on from there.

    Examples
    --------
    >>> decoded = Decoder(Names()).update(Poll.of([b"cpu,host=a idle=98.2 1767225600", b"{"]))
    >>> decoded.points.value.tolist(), [r.code for r in decoded.rejects]
    ([98.2], ['undecodable'])
    """

    def __init__(self, names: Names, format: str = "", limit: int = 1 << 20, snapshot: Snapshot | None = None) -> None:
        self.names, self.format, self.limit = names, format, limit
        self.producers: list[str] = []
        self._number: dict[str, int] = {}

    def update(self, poll: Poll) -> Decoded:
        """Decode a poll; a message that cannot be read rejects itself only."""
        self.names.renew()
        run = _Run(self, poll)
        step = BLOCK if self.format in ("", "json") else max(1, len(poll))
        for first in range(0, len(poll), step):
            run.block(first, min(first + step, len(poll)))
        return run.decoded()

    def snapshot(self) -> Snapshot:
        """Return the state, immutable."""
        return (SCHEMA,)

    def producer(self, name: str) -> int:
        """Return a producer's number."""
        number = self._number.get(name)
        if number is None:
            number = self._number[name] = len(self.producers)
            self.producers.append(name)
        return number


class _Run:
    """One poll being decoded."""

    def __init__(self, decoder: Decoder, poll: Poll) -> None:
        self.decoder, self.poll = decoder, poll
        self.out = Points(decoder.names, decoder.limit)
        self.stamps: list[int] = poll.stamps.tolist()
        self.counts: list[int] = []
        self.ends: list[int] = []
        self.rejects: list[Reject] = []
        self.producer: Int = np.full(len(poll), -1)
        self.seq: Int = np.full(len(poll), -1)

    def block(self, first: int, last: int) -> None:
        """Decode some messages, by one call where they are all metrics in Telegraf's shape."""
        bodies = list(self.poll.values[first:last])
        together = self.decoder.format in ("", "json") and len(bodies) > 1 and max(map(len, bodies)) <= self.out.limit
        metrics = json.lines(bodies) if together else None
        for i in range(first, last):
            mark = self.out.mark()
            try:
                if metrics is None:
                    decode_message(bodies[i - first], self.out, self.stamps[i], self.decoder.format)
                else:
                    json.take_alone(metrics[i - first], self.out, self.stamps[i])
            except Refused as error:
                self.out.back(mark)
                self.rejects.append(Reject(self.poll, i, error.code, str(error), "decode"))
            self._count(i, mark)

    def _count(self, i: int, mark: tuple[int, int, int]) -> None:
        self.counts.append(len(self.out) - mark[0])
        self.ends.append(len(self.out.ended) - mark[1])
        if self.out.producer:
            self.producer[i] = self.decoder.producer(self.out.producer)
        if self.out.seq >= 0:
            self.seq[i] = self.out.seq

    def decoded(self) -> Decoded:
        """Return the columns."""
        out, messages = self.out, np.arange(len(self.poll))
        points = MetricBatch(
            self.poll,
            self.decoder.names.series,
            np.array(out.codes, np.int64),
            np.array(out.time, np.int64),
            np.array(out.value, np.float64),
            messages.repeat(self.counts),
        )
        ended = np.stack([np.array(out.ended, np.int64), messages.repeat(self.ends)], 1) if out.ended else NOTHING
        return Decoded(
            points, self.rejects, out.skipped, ended.reshape(-1, 2), self.decoder.producers, self.producer, self.seq
        )
