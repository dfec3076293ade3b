"""Recurring shapes of many series, a row of state each: see `operators.motif.shape`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.packing import SnapshotError
from config.records import Float, StateRows
from operators.motif.shape import ROW, START, each


class Met(NamedTuple):
    """A shape met again: which, how often by now, when it began, how long after the time before, every how long on average (readings)."""

    row: int
    template: int
    times: int
    begin: int
    since: int
    every: float
    similarity: float


class Motifs:
    """Recurring shapes of a counted number of series.

    Parameters
    ----------
    series
        How many.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=900)
    >>> for begin in (200, 440, 680): x[begin : begin + 24] += 9 * np.sin(np.arange(24) * np.pi / 8)
    >>> for met in run(x): print(met.template, met.times, met.since)
    1 2 240
    1 3 240
    """

    VERSION = "motifs-1"

    def __init__(self, series: int) -> None:
        self.rows: StateRows = np.repeat(START, series)

    def update(self, values: Float, fresh: Sequence[int] = ()) -> list[Met]:
        """Take in the next reading of each series, shape (series,), NaN where there is none; `fresh` rows begin anew."""
        self.rows[list(fresh)] = START[0]
        out = np.full((len(values), 6), np.nan)
        each(self.rows, values, out)
        return [
            Met(k, int(out[k, 0]), int(out[k, 1]), int(out[k, 2]), int(out[k, 3]), float(out[k, 4]), float(out[k, 5]))
            for k in np.flatnonzero(~np.isnan(out[:, 0])).tolist()
        ]

    def snapshot(self) -> tuple[str, bytes]:
        """Return all rows as bytes."""
        return self.VERSION, self.rows.tobytes()

    def restore(self, snapshot: tuple[str, bytes]) -> None:
        """Go on from what was saved.

        Raises
        ------
        SnapshotError
            It is of another version.
        """
        if snapshot[0] != self.VERSION:
            raise SnapshotError(f"snapshot {snapshot[0]} is not {self.VERSION}: start with an empty recovery store")
        self.rows = np.frombuffer(snapshot[1], ROW.dtype).copy()


def run(values: Sequence[float] | Float) -> list[Met]:
    """Follow one series from scratch, for examples and tests."""
    motifs = Motifs(1)
    return [met for x in values for met in motifs.update(np.array([x], np.float64))]
