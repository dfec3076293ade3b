"""Trends: where a series goes, from its newest windows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import bytewax.operators as op
import numpy as np
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import pack, unpack
from config.records import NOTHING, SECOND, Column, Float, Poll, Rows, Scored, Series, Silences, StateRows, Windows
from operators.detector import Points, layout, own

log = logging.getLogger(__name__)


class Trend(NamedTuple):
    """A row of state and a compiled loop that learns each window, then says where the series goes.

    Parameters
    ----------
    name
        Its name in settings.
    row
        Shape (1,), structured: a series' state before its first window.
    params
        Number or named tuple of numbers handed to `each`; never part of the state.
    fields
        What it says, by name: fields of the measurement `trends`.
    each
        ``each(rows, points, params, out)``: `out` is (n, len(fields)), filled with NaN before; a row that stays so says nothing.
    """

    name: str
    row: StateRows
    params: Any
    fields: tuple[str, ...]
    each: Callable[[StateRows, Points, Any, Float], None]


Snapshot = tuple[str, tuple[tuple[str, str, str, bytes], ...]]


class Trends:
    """Trends of the windows of a shard, of every length.

    Examples
    --------
    >>> from operators.trend.slope import slope
    >>> run(slope(), [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0, -2.0, -3.0, -4.0], every=60.0)["sign"][-1].item()
    -1.0
    """

    def __init__(self, trends: Sequence[Trend], snapshot: Snapshot | None = None) -> None:
        self.trends = trends
        self.rows: dict[tuple[str, str], StateRows] = {}
        self.used: dict[str, int] = {}
        self.cold: list[str] = []
        rows_of = {t.name: t.row for t in trends}
        for step, name, made_as, rows in snapshot[1] if snapshot else ():
            if name in rows_of and made_as == layout(rows_of[name]):
                self.rows[step, name] = np.frombuffer(rows, rows_of[name].dtype).copy()
                self.used[step] = len(self.rows[step, name])
            elif name in rows_of:
                self.cold.append(f"{step} {name}")

    def update(self, item: Windows) -> Scored:
        """Say where each series goes after each of the windows; `fields` are those of all trends together."""
        newest = max(item.codes.max(initial=-1), item.fresh.max(initial=-1))
        self.used[item.step] = max(self.used.get(item.step, 0), int(newest) + 1)
        points = Points(own(item.codes, np.int64), own(item.time, np.int64), own(item.value, np.float64))
        fields: dict[str, Float] = {}
        for trend in self.trends:
            rows = self._rows(item.step, trend)
            rows[item.fresh] = trend.row[0]
            out = np.full((len(item), len(trend.fields)), np.nan)
            trend.each(rows, points, trend.params, out)
            fields.update(zip(trend.fields, np.ascontiguousarray(out.T), strict=True))
        return Scored.of(item, "trends", fields)

    def snapshot(self) -> Snapshot:
        """Return the used rows as bytes, by length and trend, with the layout of a row."""
        used = ((step, name, self.rows[step, name][: self.used[step]]) for step, name in self.rows)
        return "trends-1", tuple((step, name, layout(rows), rows.tobytes()) for step, name, rows in used)

    def _rows(self, step: str, trend: Trend) -> StateRows:
        rows = self.rows.get((step, trend.name), trend.row[:0])
        if self.used[step] > len(rows):
            rows = np.concatenate([rows, np.repeat(trend.row, 2 * self.used[step] - len(rows))])
        self.rows[step, trend.name] = rows
        return rows


def rows(scored: Scored, length: str) -> Rows:
    """Turn what trends say into rows of the measurement `trends`; windows of which they say nothing are left out."""
    said = np.zeros(len(scored), bool)
    for column in scored.fields.values():
        said |= ~np.isnan(column)
    if "sign" in scored.fields:
        said &= ~np.isnan(scored.fields["sign"])
    fields: dict[str, Column] = {name: column[said] for name, column in scored.fields.items()}
    if "sign" in fields:
        fields["sign"] = np.asarray(fields["sign"]).astype(np.int64)
    return Rows("trends", scored.series, scored.codes[said], scored.time[said], {"length": length}, fields)


class _Logic(StatefulBatchLogic[Windows, tuple[str, Scored], bytes]):
    def __init__(self, shard: Trends) -> None:
        self.shard = shard
        if shard.cold:
            log.warning("trends that start cold, their state has another layout: %s", ", ".join(shard.cold))

    def on_batch(self, values: list[Windows]) -> tuple[Iterable[tuple[str, Scored]], bool]:
        return [(it.step, self.shard.update(it)) for it in values], False

    def snapshot(self) -> bytes:
        return pack(self.shard.snapshot())


@dataclass(frozen=True)
class Trending:
    """What alert rules of the step ``trends`` read, and rows of the measurement `trends`."""

    scored: KeyedStream[Scored]
    rows: KeyedStream[Rows]


@operator
def trend(step_id: str, up: KeyedStream[Windows], trends: Sequence[Trend], step: str = "60s") -> Trending:
    """Say where every series goes; rows are made of every window length, rules read those of `step` alone.

    Windows of several lengths have no order between them that batches could not change, and an alert rests on one order.
    """
    said = op.stateful_batch("trends", up, lambda packed: _Logic(Trends(trends, unpack(packed))))
    scored = op.filter_map_value("scored", said, lambda it: it[1] if it[0] == step else None)
    stored = op.map_value("rows", said, lambda it: rows(it[1], it[0]))
    return Trending(scored, op.filter_value("some", stored, lambda it: len(it) > 0))


def run(trend: Trend, values: Sequence[float] | Float, every: float = 60.0) -> dict[str, Float]:
    """Follow one series from scratch, a window each `every` seconds, for examples and tests; each field is shape (n,)."""
    n = len(values)
    series, at = Series(), np.arange(n)
    codes, time = np.full(n, series.code("x y")), (at * (every * SECOND)).astype(np.int64)
    column = np.asarray(values, np.float64)
    windows = Windows("60s", Poll.of([]), series, codes, time, column, {}, at, at, at, NOTHING, Silences.none())
    return Trends([trend]).update(windows).fields
