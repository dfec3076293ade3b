"""Rows of `windows` as they come back from the topic `results`: which series, which window, what value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

from config.records import Poll

_HEAD = re.compile(rb"(?:[^\\ ]|\\.)*+ ")


@dataclass(frozen=True, slots=True)
class Cell:
    """A window of a series: its mean, or of a counter the rate, and how many times it was written anew."""

    series: str
    start: int
    value: float
    revision: int
    rate: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a poll of one partition brought: windows of the wanted length in order, rows that could not be read, the silence before."""

    shard: str
    cells: list[Cell]
    skipped: int
    idle: int


class Reading:
    """Picks the windows of one length; everything else on the topic is passed over.

    A row's key is the name of its series, so tags need not be taken apart.

    Parameters
    ----------
    length
        As the tag `length` says it: ``60s``.

    Examples
    --------
    >>> row = b"windows,host=a,length=60s,metric=cpu,metric_field=idle count=6i,mean=98.5,revision=0i 1767225600000000000"
    >>> poll = Poll.of([row, b"cpu,host=a idle=3 1767225600000000000"], keys=[b"cpu,host=a idle", b"metrics-0"], topic="results")
    >>> Reading("60s").update(poll).cells
    [Cell(series='cpu,host=a idle', start=1767225600000000000, value=98.5, revision=0, rate=False)]
    """

    def __init__(self, length: str) -> None:
        self._mark = f",length={length}".encode()
        self._tag = re.compile(rb"(?<!\\)" + re.escape(self._mark) + rb"[, ]")

    def update(self, poll: Poll) -> Arrived:
        """Read one poll."""
        cells, skipped = [], 0
        for i, value in enumerate(poll.values):
            if not value.startswith(b"windows,") or self._mark not in value:
                continue
            head, key = _HEAD.match(value), poll.keys[i]
            if head is None or key is None:
                skipped += 1
            elif self._tag.search(head[0]):
                cell = _cell(key.decode("utf-8", "replace"), value[head.end() :])
                cells.append(cell) if cell else None
                skipped += cell is None
        return Arrived(poll.shard, cells, skipped, poll.idle)


def _cell(series: str, text: bytes) -> Cell | None:
    body, _, stamp = text.strip().rpartition(b" ")
    try:
        fields = dict(pair.split(b"=", 1) for pair in body.split(b","))
        value = float(fields.get(b"rate") or fields[b"mean"])
        revision = int(fields.get(b"revision", b"0i").rstrip(b"i"))
        return Cell(series, int(stamp), value, revision, b"rate" in fields) if isfinite(value) else None
    except (KeyError, ValueError):
        return None
