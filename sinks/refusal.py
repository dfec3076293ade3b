"""Which lines did InfluxDB refuse?  Its error names the first, sometimes; the others must be found.

References
----------
InfluxDB API, "Troubleshoot issues writing data", partial writes:
https://docs.influxdata.com/influxdb/v2/write-data/troubleshoot/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from config.records import Bool, Int, MetricBatch, Poll, Reject, Row, Rows
from config.series import Name
from sinks.line_protocol import Item, LineProtocol, Lines
from sinks.series import Remembered

_CONFLICT = re.compile(r'input field "(?P<field>.*?)" on measurement "(?P<measurement>.*?)" is type')
_DROPPED = re.compile(r"dropped=(\d+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of one item.

    Parameters
    ----------
    item
        What was rendered.
    lines
        What it became.
    numbers
        Shape (k,): which of the lines.
    """

    item: Item
    lines: Lines
    numbers: Int

    def __len__(self) -> int:
        return len(self.numbers)

    def body(self) -> bytes:
        """Return the bytes."""
        first, last = int(self.numbers[0]), int(self.numbers[-1]) + 1
        if last - first == len(self.numbers):
            return self.lines.body(first, last)
        return b"".join(self.lines.body(k, k + 1) for k in self.numbers.tolist())

    def points(self) -> Int:
        """Return the points or rows that the lines hold."""
        spans = [self.lines.span(k) for k in self.numbers.tolist()]
        return np.concatenate([np.arange(*span) for span in spans])


def suspects(chunk: list[Piece], error: str) -> list[list[Piece]]:
    """Divide refused lines into groups to be tried apart; into none when all of them are refused for good.

    Where the error names a field, its lines are one group; where it counts lines beyond the retention policy, the oldest are;
    else each half is.  Lines of several fields are divided into these before they are given up.

    Parameters
    ----------
    chunk
        Lines that were refused together, or some of them.
    error
        InfluxDB's words.
    """
    n = sum(map(len, chunk))
    dropped = int(found[1]) if (found := _DROPPED.search(error)) else 0
    expired = "retention policy" in error
    if n == 1 or dropped >= n:
        divisible = any(len(piece.points()) > len(piece) for piece in chunk) and not expired
        return [[_apart(piece) for piece in chunk]] if divisible else []
    mask = _named(chunk, error) if not expired else _oldest(chunk, dropped)
    if mask.all() or not mask.any():
        mask = np.arange(n) < n // 2
    return [_pick(chunk, mask), _pick(chunk, ~mask)]


def rejects(aside: list[tuple[Piece, str]]) -> list[Reject]:
    """Return what the refused lines mean for people: a reject a message, and a reject for each row of our own.

    Parameters
    ----------
    aside
        Refused lines of one write, and InfluxDB's words on each.
    """
    found: list[Reject] = []
    of_message: dict[tuple[int, int], tuple[MetricBatch, str, list[str]]] = {}
    for piece, error in aside:
        if not isinstance(piece.item, MetricBatch):
            found += [_of_row(piece, line, error) for line in piece.numbers.tolist()]
            continue
        batch = piece.item
        for point in piece.points().tolist():
            key = id(batch), int(batch.message[point])
            name = batch.series.names[batch.codes[point]]
            of_message.setdefault(key, (batch, error, []))[2].append(name)
    for (_, message), (batch, error, names) in of_message.items():
        series = tuple(dict.fromkeys(names))[:20]
        found.append(Reject(batch.poll, message, "store-refused", error, "store", len(names), series))
    return found


def _of_row(piece: Piece, line: int, error: str) -> Reject:
    item, row = piece.item, int(piece.lines.rows[line])
    if isinstance(item, Row):
        name, time = item.series, item.time
    else:
        assert isinstance(item, Rows)
        name, time = item.series.names[item.codes[row]], int(item.time[row])
    value = piece.lines.body(line, line + 1).rstrip(b"\n")
    poll = Poll.of([value], topic="", partition=-1, offset=-1, stamp=time)
    return Reject(poll, 0, "store-refused", error, "store", 1, (name,) if name else ())


def _apart(piece: Piece) -> Piece:
    """Return the same points, a line each."""
    if not isinstance(piece.item, MetricBatch):
        return piece
    return Piece(piece.item, LineProtocol().points(piece.item, together=False), piece.points())


def _named(chunk: list[Piece], error: str) -> Bool:
    """Return which lines hold the field that the error names; none when it names none."""
    found, mask = _CONFLICT.search(error), []
    known = Remembered(_measurement_and_field)
    for piece in chunk:
        for line in piece.numbers.tolist():
            here = found is not None and _holds(piece, line, found["measurement"], found["field"], known)
            mask.append(here)
    return np.array(mask, bool)


def _measurement_and_field(name: str) -> tuple[str, str]:
    taken = Name.of(name)
    return taken.metric, taken.field


def _holds(piece: Piece, line: int, measurement: str, field: str, known: Remembered[tuple[str, str]]) -> bool:
    item = piece.item
    if not isinstance(item, MetricBatch):
        return item.measurement == measurement and field in item.fields
    names = map(item.series.names.__getitem__, item.codes[slice(*piece.lines.span(line))].tolist())
    return (measurement.removeprefix("exported_"), field) in map(known.__getitem__, names)


def _oldest(chunk: list[Piece], k: int) -> Bool:
    """Return which lines are the `k` oldest."""
    times = [[piece.item.time] if isinstance(piece.item, Row) else piece.item.time for piece in chunk]
    stamps = [
        int(time[int(piece.lines.rows[line])])
        for piece, time in zip(chunk, times, strict=True)
        for line in piece.numbers.tolist()
    ]
    mask = np.zeros(len(stamps), bool)
    mask[np.argsort(np.array(stamps), kind="stable")[:k]] = True
    return mask


def _pick(chunk: list[Piece], mask: Bool) -> list[Piece]:
    ends = np.cumsum([len(piece) for piece in chunk])[:-1]
    picked = [
        replace(piece, numbers=piece.numbers[here]) for piece, here in zip(chunk, np.split(mask, ends), strict=True)
    ]
    return [piece for piece in picked if len(piece)]
