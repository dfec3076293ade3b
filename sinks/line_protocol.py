"""Line protocol from columns: what InfluxDB and the topic `results` take.

Numbers are written a whole column at a time, each with the fewest digits that read back to the same float64.  A point
costs 0.2-0.3 µs, a row of `windows` about as much for each of its fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np

from config.records import Bool, Column, Float, Int, MetricBatch, Row, Rows
from config.series import Name
from sinks.series import OURS, Remembered, own_tags

Item = MetricBatch | Rows | Row

_encode = msgspec.json.encode
_SPECIAL_KEY = re.compile(r"([,= ])")
_BREAK = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Lines:
    """Rendered lines of one item.

    Parameters
    ----------
    pieces
        Bytes that, joined, are the lines; each line ends in a line feed.
    width
        How many pieces belong to one point or row.
    starts
        Shape (k,): point or row at which each line starts, counted among those rendered.
    n
        How many points or rows are rendered.
    rows
        Shape (k,): the same, counted among all of the item; rows without any field are left out.
    """

    pieces: list[bytes]
    width: int
    starts: Int
    n: int
    rows: Int

    def __len__(self) -> int:
        return len(self.starts)

    def span(self, line: int) -> tuple[int, int]:
        """Return the first point of a line, and the first behind it."""
        return int(self.starts[line]), int(self.starts[line + 1]) if line + 1 < len(self.starts) else self.n

    def body(self, first: int = 0, last: int | None = None) -> bytes:
        """Return the bytes of lines `first` up to, not including, `last`."""
        if not len(self.starts):
            return b""
        last = len(self.starts) if last is None else last
        begin, end = self.span(first)[0], self.span(last - 1)[1]
        return b"".join(self.pieces[begin * self.width : end * self.width])


class LineProtocol:
    r"""Renderer of points and rows; remembers what it knows of each series.

    Examples
    --------
    >>> render = LineProtocol()
    >>> render(MetricBatch.of([("cpu,host=a usage", 5, 0.1), ("windows x", 6, 2.0)])).body()
    b'cpu,host=a usage=0.1 5\nexported_windows x=2.0 6\n'
    >>> render(Row("events", 7, {"type": "drift"}, {"text": 'a "b"', "value": 1.5}, "cpu,host=a usage")).body()
    b'events,host=a,metric=cpu,metric_field=usage,type=drift text="a \\"b\\"",value=1.5 7\n'
    """

    def __init__(self) -> None:
        self._heads = Remembered(_point_head)
        self._next = Remembered(_point_continued)
        self._own = Remembered(lambda name: _tags(own_tags(name)))

    def __call__(self, item: Item) -> Lines:
        """Render an item."""
        if isinstance(item, MetricBatch):
            return self.points(item)
        if isinstance(item, Row):
            columns = {k: [v] if isinstance(v, str) else np.array([v]) for k, v in item.fields.items()}
            tags = {k: v for k, v in item.tags.items() if k not in own_tags(item.series)}
            return self._rows(item.measurement, tags, [item.series], np.array([item.time]), columns)
        names = list(map(item.series.names.__getitem__, item.codes.tolist()))
        return self._rows(item.measurement, item.tags, names, item.time, item.fields)

    def points(self, batch: MetricBatch, *, together: bool = True) -> Lines:
        """Render points under their own measurement and tags.

        Parameters
        ----------
        batch
            The points; values are finite.
        together
            Whether neighbours of one message that differ in their field only share a line.
        """
        n = len(batch)
        names = list(map(batch.series.names.__getitem__, batch.codes.tolist()))
        pieces = [b""] * (3 * n)
        pieces[0::3] = map(self._heads.__getitem__, names)
        pieces[1::3] = _tokens(batch.value)
        pieces[2::3] = _stamps(batch.time)
        first = np.ones(n, bool)
        if together:
            same = (batch.message[1:] == batch.message[:-1]) & (batch.time[1:] == batch.time[:-1])
            line: set[str] = set()
            for i in (np.flatnonzero(same) + 1).tolist():
                line = {names[i - 1]} if first[i - 1] else line
                key, field = self._next[names[i]]
                if key == self._next[names[i - 1]][0] and names[i] not in line:
                    pieces[3 * i], pieces[3 * i - 1], first[i] = field, b"", False
                    line.add(names[i])
        starts = np.flatnonzero(first)
        return Lines(pieces, 3, starts, n, starts)

    def _rows(
        self, measurement: str, tags: dict[str, str], names: list[str], time: Int, fields: dict[str, Column]
    ) -> Lines:
        n = len(names)
        started = np.zeros(n, bool)
        columns: list[list[bytes]] = []
        for name, values in fields.items():
            columns += _column(name, values, started)
        columns = [
            [_measurement(measurement)] * n,
            list(map(self._own.__getitem__, names)),
            [_tags(tags)] * n,
            *columns,
        ]
        columns.append(_stamps(time))
        width, keep = len(columns), np.flatnonzero(started)
        if len(keep) < n:
            columns = [[column[i] for i in keep.tolist()] for column in columns]
        pieces = [b""] * (width * len(keep))
        for k, column in enumerate(columns):
            pieces[k::width] = column
        return Lines(pieces, width, np.arange(len(keep)), len(keep), keep)


def _tokens(values: Float | Int) -> list[bytes]:
    return _encode(values.tolist())[1:-1].split(b",")[: len(values)]


def _stamps(time: Int) -> list[bytes]:
    return (b" " + _encode(time.tolist())[1:-1].replace(b",", b"\n, ") + b"\n").split(b",")[: len(time)]


def _column(name: str, column: Column, started: Bool) -> tuple[list[bytes], list[bytes]]:
    """Render a field: what stands before each value, and the values; notes in `started` which rows have a field now."""
    if isinstance(column, list):
        present = np.array([bool(text) for text in column], bool)
        values = [_quoted(text) if text else b"" for text in column]
    elif column.dtype.kind in "iub":
        present = np.ones(len(column), bool)
        values = [token + b"i" for token in _tokens(column.astype(np.int64))]
    else:
        present = np.isfinite(column)
        values = _tokens(column)
        if not present.all():
            values = [token if there else b"" for token, there in zip(values, present.tolist(), strict=True)]
    key = _key(name)
    choice = (b"", b"", b" " + key, b"," + key)
    before = list(map(choice.__getitem__, (2 * present + started).tolist()))
    started |= present
    return before, values


def _point_head(name: str) -> bytes:
    # A line that starts with # is a comment, and lost.
    before = "exported_" if Name.of(name).metric in OURS else "\\" if name.startswith("#") else ""
    return _bytes(f"{before}{_BREAK.sub(' ', name)}=")


def _point_continued(name: str) -> tuple[str, bytes]:
    key, _, field = name.rpartition(" ")
    # InfluxDB drops a field named time in silence, but refuses a line that has nothing else.
    return (name if field == "time" or key.endswith("\\") else key), _bytes(f",{_BREAK.sub(' ', field)}=")


def _tags(tags: dict[str, str]) -> bytes:
    return b"".join(b"," + _key(k) + _escaped(v) for k, v in sorted(tags.items()) if v != "")


def _key(name: str) -> bytes:
    return _escaped(name) + b"="


def _escaped(text: str) -> bytes:
    # A line cannot hold a line break outside quotes, nor a tag that ends in a backslash (it would escape what follows).
    text = _SPECIAL_KEY.sub(r"\\\1", _BREAK.sub(" ", text))
    return _bytes(text + " " if text.endswith("\\") else text)


_measurement = partial(_escaped)


def _quoted(text: str) -> bytes:
    return b'"' + _bytes(text.replace("\\", "\\\\").replace('"', '\\"')) + b'"'


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
