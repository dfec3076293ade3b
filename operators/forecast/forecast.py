"""Forecast: the next values of one series, learnt value by value, with intervals from its own past errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.records import Float
from operators.detector import LARGEST, layout
from operators.forecast.interval import FIRST, LEVELS
from operators.forecast.members import each, expect
from operators.forecast.plan import plan, row, state

MOST = 512  # values ahead: forecasts under way are kept whole


class Ahead(NamedTuple):
    """What comes, shape (horizon,) each; of a series of which nothing is known, NaN.

    Parameters
    ----------
    yhat
        Expected values.
    bands
        By the share of values that is to lie inside (0.8, 0.95): lower and upper end.
    """

    yhat: Float
    bands: dict[float, tuple[Float, Float]]


class Forecast:
    """Forecaster of one series: several cheap members, weighed by their latest errors, see `members`.

    A value costs 7 µs among others and 15 µs alone, a question 40 µs; the state of a season of 24 and a horizon of 48 is 60 kB, of
    none and 24 it is 15 kB: for a counted number of series.  For days ahead feed longer windows.

    Parameters
    ----------
    season
        Values in a season, 2 to 2048; None: there is none.
    horizon
        How many values ahead, 1 to 512.
    snapshot
        What `snapshot` returned; of another layout, it starts cold.

    Raises
    ------
    ValueError
        When season or horizon is out of range.

    References
    ----------
    .. [1] Winters (1960), "Forecasting sales by exponentially weighted moving averages", Management Science 6(3),
       doi:10.1287/mnsc.6.3.324; damped as in Gardner, McKenzie (1985), doi:10.1287/mnsc.31.10.1237.
    .. [2] Bates, Granger (1969), "The combination of forecasts", Journal of the Operational Research Society 20(4),
       doi:10.1057/jors.1969.103: weights by inverse errors; ours are of the mean absolute error, to the fourth power.
    .. [3] Makridakis, Spiliotis, Assimakopoulos (2020), "The M4 competition", International Journal of Forecasting 36(1),
       doi:10.1016/j.ijforecast.2019.04.014: combinations of simple forecasters.

    Examples
    --------
    >>> f = Forecast(season=4, horizon=6)
    >>> f.update([10.0, 20.0, 30.0, 40.0] * 30)
    >>> f.ahead().yhat.round(2).tolist()
    [10.0, 20.0, 30.0, 40.0, 10.0, 20.0]
    """

    def __init__(self, season: int | None, horizon: int, snapshot: tuple[str, bytes] | None = None) -> None:
        if season is not None and not 2 <= season <= 2048:
            raise ValueError(f"a season of {season} values: it has 2 to 2048, or is None")
        if not 1 <= horizon <= MOST:
            raise ValueError(f"a horizon of {horizon} values: 1 to {MOST}")
        self.plan = plan(season, horizon)
        self.row = row(self.plan)
        self.row["width"], self.row["uneven"] = FIRST, 1.0
        if snapshot is not None and snapshot[0] == layout(self.row):
            self.row = np.frombuffer(snapshot[1], self.row.dtype).copy()
        self.state = state(self.row[0])

    def update(self, values: Sequence[float] | Float) -> None:
        """Take the next values in turn; NaN, and what lies beyond 1e36, is missing."""
        x = np.array(values, np.float64)
        x[~(np.abs(x) <= LARGEST)] = np.nan
        each(self.state, self.plan, x)

    def ahead(self) -> Ahead:
        """Return what comes after the newest value; changes nothing."""
        s, h = self.state, self.plan.horizon
        if s.n[0] < self.plan.period:
            nothing = np.full(h, np.nan)
            return Ahead(nothing, dict.fromkeys(LEVELS, (nothing, nothing)))
        yhat = self.members()[-1]
        uneven = s.uneven[(s.n[0] + np.arange(h)) % self.plan.period]
        half = np.where(s.spread[1] > 0.0, s.spread[0] * uneven, np.nan)
        bands = {level: (yhat - w * half, yhat + w * half) for level, w in zip(LEVELS, s.width, strict=True)}
        return Ahead(yhat, bands)

    def members(self) -> Float:
        """Return what each of ``plan.names`` expects and, last, all together, shape (members + 1, horizon); changes nothing."""
        s = self.state
        out = np.empty((self.plan.members + 1, self.plan.horizon))
        expect(s, self.plan, np.zeros_like(s.coefficient), out)
        return out + s.centre[0]

    def snapshot(self) -> tuple[str, bytes]:
        """Return the row as bytes, with its layout."""
        return layout(self.row), self.row.tobytes()


def forecast(
    train: Sequence[float] | Float, horizon: int, season: int | None
) -> tuple[Float, dict[float, tuple[Float, Float]]]:
    """Return what `Forecast`, having seen `train` value by value, expects next, and its bands.

    Examples
    --------
    >>> yhat, bands = forecast(np.arange(200.0), 3, None)
    >>> yhat.round(1).tolist(), sorted(bands)
    ([200.0, 201.0, 202.0], [0.8, 0.95])
    """
    it = Forecast(season, horizon)
    it.update(train)
    return it.ahead()
