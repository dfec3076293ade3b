"""Drift: a stream of errors or readings is no longer what it was.

A drift is a compiled row of state and loop, as a trend is, or an object of River's that takes a number at a time.  `Watch` follows
one stream with either, and goes on after a restart exactly where it was.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from config.records import SECOND, Float, Int
from operators.detector import Points, layout, usable
from operators.trend.trend import Trend


class Foreign(NamedTuple):
    """A detector of another library, that takes one number at a time.

    Parameters
    ----------
    name
        Its name in settings.
    make
        Returns it as it is before the first number: `update` learns one, `drift_detected` says whether that shows a drift.
    """

    name: str
    make: Callable[[], Any]


Drift = Trend | Foreign
Snapshot = tuple[str, str, bytes]


class Watch:
    """One stream, watched for drift.

    Parameters
    ----------
    drift
        What to watch it with.
    snapshot
        What `snapshot` returned, of the same drift; of another one, or another layout of its state, the watch starts cold.

    Examples
    --------
    >>> from operators.drift.shiryaev import shiryaev
    >>> noise = np.random.default_rng(1).normal(size=900)
    >>> watch = Watch(shiryaev())
    >>> watch.update(noise[:500]).tolist()
    []
    >>> watch = Watch(shiryaev(), watch.snapshot())
    >>> watch.update(noise[500:] + 3.0).tolist()
    [5]
    """

    def __init__(self, drift: Drift, snapshot: Snapshot | None = None) -> None:
        self.drift = drift
        self.cold = False
        self.state: Any = drift.row.copy() if isinstance(drift, Trend) else drift.make()
        self.seen = 0
        if snapshot is not None:
            self._restore(snapshot)

    def update(self, values: Float | Sequence[float], every: float = 1.0) -> Int:
        """Learn readings, `every` so many seconds; return the places of those that show a drift.  NaN is no reading."""
        return np.flatnonzero(self.said(values, every)[:, 0] >= 1.0)

    def said(self, values: Float | Sequence[float], every: float = 1.0) -> Float:
        """Learn readings; return the fields of what watches, shape (n, fields), of which 1 or more in the first is a drift."""
        column = np.array(values, np.float64)
        if isinstance(self.drift, Trend):
            found = self._compiled(self.drift, column, every)
        else:
            found = np.array(
                [[usable(x) and bool(self.state.update(x) or self.state.drift_detected)] for x in column], np.float64
            ).reshape(-1, 1)
        self.seen += len(column)
        return found

    def snapshot(self) -> Snapshot:
        """Return the state as bytes, with its name and layout."""
        state = self.state.tobytes() if isinstance(self.drift, Trend) else pickle.dumps(self.state)
        return self._made_as(), str(self.seen), state

    def _compiled(self, trend: Trend, values: Float, every: float) -> Float:
        n = len(values)
        time = ((self.seen + np.arange(n)) * (every * SECOND)).astype(np.int64)
        out = np.full((n, len(trend.fields)), np.nan)
        trend.each(self.state, Points(np.zeros(n, np.int64), time, values), trend.params, out)
        return out

    def _restore(self, snapshot: Snapshot) -> None:
        made_as, seen, state = snapshot
        self.cold = made_as != self._made_as()
        if not self.cold:
            self.seen = int(seen)
            compiled = isinstance(self.drift, Trend)
            self.state = np.frombuffer(state, self.state.dtype).copy() if compiled else pickle.loads(state)

    def _made_as(self) -> str:
        return f"{self.drift.name} {layout(self.drift.row) if isinstance(self.drift, Trend) else ''}"


def alarms(drift: Drift, values: Float | Sequence[float]) -> Int:
    """Return the places of the alarms of one stream, watched from its first reading on; shape (alarms,).

    Examples
    --------
    >>> from operators.drift.adwin import adwin
    >>> alarms(adwin(), [0.0, 1.0] * 100 + [5.0, 6.0] * 100).tolist()
    [223]
    """
    return Watch(drift).update(values)
