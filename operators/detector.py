"""Detectors say how odd a reading is, given the series so far.

A detector is a structured row of state and three scalar rules over it.  A `Bank` keeps one row a series for several detectors and
runs their compiled loops; `operators.detect` runs banks over points and over windows.  To add a detector read
``docs/adding-a-detector.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from config.records import NOTHING, SECOND, Float, Int, Scores, StateRows
from operators.kernel import kernel

LARGEST = 1e36  # a reading beyond it does not fit single precision: it is neither scored nor learnt


class Points(NamedTuple):
    """What a compiled loop reads; all shape (n,): row of each point, its stamp in ns, its reading."""

    codes: Int
    time: Int
    value: Float


class Out(NamedTuple):
    """What a compiled loop writes; all shape (n,), filled with NaN before.

    `rank` is for detectors that hold back what is no news: how odd each point is nonetheless.  `all`: say what was expected of every point.
    """

    score: Float
    rank: Float
    yhat: Float
    lower: Float
    upper: Float
    all: bool


class Gate(NamedTuple):
    """Which deviations are worth telling; where one is not, the published score is 0.  What is learnt does not depend on it.

    Parameters
    ----------
    shut
        Whether there is anything to check.
    high, low
        Whether readings above and below the expected value are told.
    deviation, relative
        Least distance from the expected value, in the series' unit and as a share of the expected value.
    """

    shut: bool = False
    high: bool = True
    low: bool = True
    deviation: float = 0.0
    relative: float = 0.0


OPEN = Gate()


class Detector(NamedTuple):
    """Three rules, the row of state they share, and the compiled loop over points.

    Parameters
    ----------
    name
        Tag under which the scores are stored.
    row
        Shape (1,), structured: a series' state before its first reading.
    params
        Named tuple of numbers handed to the rules; never part of the state.
    score
        ``score(s, x, t, p) -> float``: how odd `x` at `t` (ns) is, 1 being the line, NaN before the detector is warm; never writes.
    expect
        ``expect(s, t, p) -> (yhat, lower, upper)``: what was expected at `t`, in the series' unit.
    learn
        ``learn(s, x, t, odd, p)``: updates `s` in place; `odd` is this detector's own raw score of `x`.
    each
        ``each(rows, points, p, gate, out)``: score, publish, then learn, point by point.
    gate
        Which deviations are told.
    """

    name: str
    row: StateRows
    params: Any
    score: Callable[[Any, float, int, Any], float]
    expect: Callable[[Any, int, Any], tuple[float, float, float]]
    learn: Callable[[Any, float, int, float, Any], None]
    each: Callable[[StateRows, Points, Any, Gate, Out], None]
    gate: Gate = OPEN


@kernel
def usable(x: float) -> bool:
    """Whether a reading can be scored at all: a number, and not beyond `LARGEST`."""
    return abs(x) <= LARGEST


@kernel
def publish(out: Out, i: int, odd: float, x: float, band: tuple[float, float, float], gate: Gate) -> None:
    """Write the score of point `i` as the gate lets it through, and the band where it is asked for."""
    if np.isnan(odd):
        return
    distance = abs(x - band[0])
    if gate.shut and not (
        (gate.high if x > band[0] else gate.low)
        and distance >= gate.deviation
        and distance >= gate.relative * abs(band[0])
    ):
        odd = 0.0
        out.rank[i] = 0.0 if not np.isnan(out.rank[i]) else out.rank[i]
    out.score[i] = odd
    if out.all or odd >= 1.0:
        out.yhat[i], out.lower[i], out.upper[i] = band


Snapshot = tuple[str, int, tuple[tuple[str, str, bytes], ...]]


class Bank:
    """State of several detectors for every series of a shard: a row a series.

    Parameters
    ----------
    detectors
        What to run, in order; names differ.
    snapshot
        What `snapshot` returned.  A detector it does not know, or whose row has changed since, starts cold (see `cold`).

    Examples
    --------
    >>> from operators.anomaly.zscore import zscore
    >>> bank = Bank([zscore(warmup=2)])
    >>> slots, time = np.zeros(4, np.int64), np.arange(4)
    >>> bank.update(slots, time, np.array([1.0, 3.0, 2.0, 9.0]), NOTHING)["zscore"].score.tolist()
    [nan, nan, 0.0, 0.1837]
    """

    def __init__(self, detectors: Sequence[Detector], snapshot: Snapshot | None = None) -> None:
        self.detectors = detectors
        self.used = 0
        self.rows = {d.name: d.row[:0] for d in detectors}
        self.cold: list[str] = []
        if snapshot is not None:
            self._restore(snapshot)

    def update(
        self, codes: Int, time: Int, value: Float, fresh: Int, want_all: bool = False, calendar: Int | None = None
    ) -> dict[str, Scores]:
        """Score then learn points, with each detector in turn.

        Parameters
        ----------
        codes, time, value
            Shape (n,): row of each point, ns, reading; NaN is neither scored nor learnt.
        fresh
            Rows that start afresh before the first of these points.
        want_all
            Tell what was expected of every point, not only of odd ones.
        calendar
            Shape (n,): number of the calendar of each point's series, for detectors with the parameter `calendar`; all 0 if none.
        """
        self._grow(max(codes.max(initial=-1), fresh.max(initial=-1)) + 1)
        points = Points(own(codes, np.int64), own(time, np.int64), own(value, np.float64))
        return {d.name: self._run(d, points, fresh, want_all, calendar) for d in self.detectors}

    def snapshot(self) -> Snapshot:
        """Return the used rows as bytes, by detector, with the layout of a row."""
        states = ((d.name, layout(d.row), self.rows[d.name][: self.used].tobytes()) for d in self.detectors)
        return "bank-1", self.used, tuple(states)

    def piece(self, row: int) -> bytes:
        """Return one row of every detector, as bytes."""
        return b"".join(self.rows[d.name][row].tobytes() for d in self.detectors)

    def lay(self, row: int, piece: bytes) -> None:
        """Put back what `piece` returned."""
        self._grow(row + 1)
        at = 0
        for d in self.detectors:
            self.rows[d.name][row] = np.frombuffer(piece, d.row.dtype, 1, at)[0]
            at += d.row.itemsize

    def _run(self, d: Detector, points: Points, fresh: Int, want_all: bool, calendar: Int | None) -> Scores:
        rows = self.rows[d.name]
        rows[fresh] = d.row[0]
        if calendar is not None and calendar.any() and "calendar" in d.params._fields:
            return self._by_calendar(d, points, want_all, calendar)
        return _each(d, rows, points, d.params, want_all)

    def _by_calendar(self, d: Detector, points: Points, want_all: bool, calendar: Int) -> Scores:
        """Run a detector over the points of each calendar in turn: series do not mix, so their order does not matter."""
        columns = np.full((5, len(points.codes)), np.nan)
        for number in np.unique(calendar).tolist():
            mine = calendar == number
            some = Points(*(column[mine] for column in points))
            it = _each(d, self.rows[d.name], some, d.params._replace(calendar=number), want_all)
            columns[:, mine] = it.score, it.yhat, it.lower, it.upper, it.rank
        return Scores(*columns)

    def _grow(self, used: int) -> None:
        self.used = max(self.used, int(used))
        for d in self.detectors:
            rows = self.rows[d.name]
            if self.used > len(rows):
                self.rows[d.name] = np.concatenate([rows, np.repeat(d.row, 2 * self.used - len(rows))])

    def _restore(self, snapshot: Snapshot) -> None:
        _, used, states = snapshot
        kept = {name: (made_as, rows) for name, made_as, rows in states}
        for d in self.detectors:
            made_as, saved = kept.get(d.name, ("", b""))
            if made_as == layout(d.row):
                self.rows[d.name] = np.frombuffer(saved, d.row.dtype).copy()
            else:
                self.cold.append(d.name)
        self._grow(used)


def _each(d: Detector, rows: StateRows, points: Points, params: Any, want_all: bool) -> Scores:
    score, rank, yhat, lower, upper = np.full((5, len(points.codes)), np.nan)
    d.each(rows, points, params, d.gate, Out(score, rank, yhat, lower, upper, want_all))
    return Scores(score, yhat, lower, upper, rank)


def layout(row: StateRows) -> str:
    """Name the layout of a row: state of another one is of no use."""
    return f"{row.dtype.descr} {row.dtype.itemsize}"


def own(column: Any, dtype: Any) -> Any:
    """Return a column in the one layout that loops are compiled for: any other is compiled anew."""
    return np.require(column, dtype, ["C", "W", "A"])


def run(detector: Detector, values: Sequence[float] | Float, every: float = 1.0, start: int = 0) -> Float:
    """Score one series from scratch, for examples and tests.

    Parameters
    ----------
    values
        Readings, `every` so many seconds, the first at `start` (ns).

    Returns
    -------
    Float
        Shape (len(values),).
    """
    n = len(values)
    time = start + (np.arange(n) * (every * SECOND)).astype(np.int64)
    return (
        Bank([detector])
        .update(np.zeros(n, np.int64), time, np.asarray(values, np.float64), NOTHING)[detector.name]
        .score
    )
