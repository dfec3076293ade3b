"""Forecasters: what the next windows of a series will be."""

from __future__ import annotations

from math import nan
from statistics import linear_regression, mean
from typing import Annotated, Any

from pydantic import Field
from river import time_series

from operators.learn.family import Features, Residual

START = 10
Weight = Annotated[float, Field(gt=0, lt=1)]


class Ahead(Residual):
    """A River forecaster, asked for the next window and for those up to the horizon.

    River starts level and trend from two values, and an additive season from quotients; here a line through the first values starts
    it; with a season, their mean, and what they differ from it is the first season.
    """

    def __init__(self, model: Any, horizon: int) -> None:
        self.model, self.horizon = model, horizon
        self.first: list[float] = []
        self.coming: list[float] = []

    def expect(self, x: Features) -> float:
        """Return the forecast of the next window."""
        return self.coming[0] if self.coming else nan

    def learn(self, y: float, taught: float, x: Features) -> None:
        """Learn the next value."""
        if self.coming:
            self.model.learn_one(taught)
        else:
            self.first.append(taught)
            if len(self.first) < max(START, self.model.seasonality):
                return
            self._start()
        self.coming = self.model.forecast(self.horizon)

    def _start(self) -> None:
        n = len(self.first)
        slope, level = (
            (0.0, mean(self.first)) if self.model.season is not None else linear_regression(range(n), self.first)
        )
        for i in range(n - max(2, self.model.seasonality), n):
            self.model.learn_one(level + slope * i)
        self.model.level.append(level + slope * (n - 1))
        if self.model.season is not None:
            self.model.season.clear()
            self.model.season.extend(y - level - slope * i for i, y in enumerate(self.first))
        self.first = []

    def ahead(self) -> list[float]:
        """Return the forecasts of the next `horizon` windows."""
        return self.coming


def holt_winters(
    seed: int = 0,
    *,
    alpha: Weight = 0.2,
    beta: Weight = 0.02,
    gamma: Weight = 0.1,
    season: Annotated[int, Field(ge=0, le=2048)] = 0,
    horizon: Annotated[int, Field(ge=1, le=1440)] = 15,
) -> Ahead:
    """Forecast a level that moves, with a trend and, if asked for, a season.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    alpha, beta, gamma
        How fast level, trend and season follow, in (0, 1).
    season
        Windows in a period; 0: none.  So many windows are seen before the first forecast, and each costs 8 bytes of state.
    horizon
        How many windows ahead the stored forecast reaches.

    References
    ----------
    .. [1] Holt (2004), "Forecasting seasonals and trends by exponentially weighted moving averages", International Journal of
       Forecasting 20(1), doi:10.1016/j.ijforecast.2003.09.015.

    Examples
    --------
    >>> model = holt_winters(alpha=0.5, beta=0.5, horizon=3)
    >>> for y in range(100):
    ...     model.learn(y, y, {})
    >>> model.ahead()
    [100.0, 101.0, 102.0]
    """
    model: Any = time_series.HoltWinters(alpha, beta, gamma if season else None, season)  # type: ignore[no-untyped-call]
    return Ahead(model, horizon)
