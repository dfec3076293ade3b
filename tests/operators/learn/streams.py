"""Windows by hand: several series, a window a minute each, cut into items of any size."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from config.records import SECOND, Event, Float, Poll, Rows, Scored, Series, Silences, Windows
from operators.learn import Budget, Learn, kept
from operators.learn.shard import Learnt

MINUTE = 60 * SECOND
Told = list[tuple[object, ...]]


def windows(names: Sequence[str], values: Float, start: int = 0) -> Windows:
    """Make windows of all series, minute by minute; `values` (minutes, series), NaN: none that minute."""
    series = Series()
    codes = np.array([series.code(name) for name in names], np.int64)
    minutes, n = values.shape
    at = np.arange(minutes * n)
    return Windows(
        step="60s",
        poll=Poll.of([b""] * (minutes * n)),
        series=series,
        codes=np.tile(codes, minutes),
        time=np.repeat(np.arange(start, start + minutes), n) * MINUTE,
        value=values.astype(np.float64).ravel(),
        fields={},
        position=at,
        first=at + start * n,
        last=at + start * n,
        fresh=codes if start == 0 else codes[:0],
        silences=Silences.none(),
    )


def cut(item: Windows, ends: Iterable[int]) -> list[Windows]:
    """Cut an item before each of these rows; positions count from each part's start."""
    parts, bounds = [], [0, *sorted(ends), len(item)]
    for a, b in pairwise(bounds):
        if a == b:
            continue
        c = slice(a, b)
        parts.append(
            Windows(
                item.step,
                item.poll,
                item.series,
                item.codes[c],
                item.time[c],
                item.value[c],
                {},
                item.position[c] - item.position[a],
                item.first[c],
                item.last[c],
                item.fresh if a == 0 else item.fresh[:0],
                item.silences,
            )
        )
    return parts


def told(records: Iterable[Learnt]) -> Told:
    """Put records into comparable rows, sorted: the order of rows of different series does not matter to a store."""
    rows: Told = []
    for it in records:
        if isinstance(it, Event):
            rows.append(("event", it.type, it.series, it.time, it.text, repr(it.value)))
        elif isinstance(it, Rows):
            columns = [np.asarray(c).tolist() for c in it.fields.values()]
            for row in zip(it.codes.tolist(), it.time.tolist(), *columns, strict=True):
                rows.append(("row", *it.tags.values(), *map(repr, row)))
        else:
            rows += _scores(it)
    return sorted(rows, key=repr)


def _scores(it: Scored) -> Told:
    rows: Told = []
    for name, s in it.scores.items():
        columns = (it.codes, it.time, it.value, it.first, it.last, s.score, s.yhat, s.lower, s.upper)
        for row in zip(*(c.tolist() for c in columns), strict=True):
            rows.append(("score", name, *map(repr, row)))
    for name, column in it.fields.items():
        triples = zip(it.codes.tolist(), it.time.tolist(), column.tolist(), strict=True)
        rows += [("field", name, *map(repr, row)) for row in triples]
    return rows


def feed(learn: Learn, items: Iterable[Windows]) -> list[Learnt]:
    """Run items through; return all records."""
    return [record for item in items for record in learn.update(item)]


def restarted(plan: Any, item: Windows, kills: Iterable[int], due: int) -> list[Any]:
    """Learn the parts of an item, killed and restored after each; models are pickled anew every `due` windows."""
    running, records = Learn(plan, Budget(1)), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "DUE", due)
        for part in cut(item, kills):
            records += running.update(part)
            running = Learn(plan, Budget(1), pickle.loads(pickle.dumps(running.snapshot())))
    return records
