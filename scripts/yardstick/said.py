"""What is asked of an operator that is judged, by kind.  Every one of them is strictly online inside: what it says rests on the past alone.

nab
    ``(time, value) -> Said``: stamps in ns and readings, NaN where one is missing; a score for each.
trend
    ``(values) -> -1, 0 or 1``: where the series goes, after its last value; 0: not surely anywhere.
period
    ``(values) -> period``: the season's length in values, after the last; None: none.
drift
    ``(values) -> indices``: where it gave an alarm.
changepoint
    ``(values) -> indices``: the first value of each new regime, as it was told when the change was noticed.
forecast
    ``(train, horizon, season) -> Forecast``: of the next `horizon` values; `season` is the usual period of such series.
fleet
    ``(messages) -> alerts``: what the live flow raised of messages, each with its time in ns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from config.records import Float, Int


class Said(NamedTuple):
    """What a detector said of each reading; all shape (n,), NaN where it said nothing.

    Parameters
    ----------
    score
        1 is its line.
    yhat, lower, upper
        What it expected, for pictures.
    rank
        How odd, where `score` is gated (one alarm an incident): what orders readings; where it is NaN, or there is none, `score` does.
    """

    score: Float
    yhat: Float | None = None
    lower: Float | None = None
    upper: Float | None = None
    rank: Float | None = None

    @property
    def order(self) -> Float:
        """What orders readings: shape (n,), 0 where nothing was said.

        Examples
        --------
        >>> Said(np.array([np.nan, 2.0, 0.0]), rank=np.array([np.nan, np.nan, 1.5])).order
        array([0. , 2. , 1.5])
        """
        score = np.nan_to_num(self.score, nan=0.0)
        return score if self.rank is None else np.where(np.isnan(self.rank), score, self.rank)


class Forecast(NamedTuple):
    """The next values, and by level (0.8, 0.95) the bounds that should hold so many of them; shape (horizon,) each."""

    yhat: Float
    bounds: dict[float, tuple[Float, Float]]


class Fired(NamedTuple):
    """An alert that was raised: of which rule, for which host, since when (s)."""

    name: str
    host: str
    starts: int


Detect = Callable[[Int, Float], Said]
Trend = Callable[[Float], int]
Period = Callable[[Float], float | None]
Alarms = Callable[[Float], Sequence[int]]
Ahead = Callable[[Float, int, int], Forecast]
Flow = Callable[[Iterable[tuple[int, bytes]]], list[Fired]]
