"""Combination: our forecasters of a series, weighed by their latest errors, with the season found while it runs."""

from __future__ import annotations

from math import nan
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from operators.forecast.forecast import MOST, Forecast
from operators.forecast.interval import LEVELS
from operators.learn.family import Bands, Features, Residual
from operators.season.season import Season, unroll

LONGEST = 2048  # windows in a season that a forecaster can hold


class Combination(Residual):
    """A `Forecast` whose season is that of a `Season` beside it: when that changes its mind, the kept past is learnt anew with it."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.season = Season()
        self.period: int | None = None
        self.forecast = Forecast(None, horizon)
        self._look()

    def expect(self, x: Features) -> float:
        """Return the forecast of the next window."""
        return self.coming[0] if self.coming else nan

    def learn(self, y: float, taught: float, x: Features) -> None:
        """Learn the next value."""
        self.season.update(taught)
        period = next((p for p, _ in self.season.periods if p <= LONGEST), None)
        if period == self.period:
            self.forecast.update([taught])
        else:
            self.period, self.forecast = period, Forecast(period, self.horizon)
            row = self.season.row[0]
            self.forecast.update(unroll(row["ring"], int(row["n"])))
        self._look()

    def ahead(self) -> list[float]:
        """Return the forecasts of the next `horizon` windows."""
        return self.coming

    def bands(self, ahead: int) -> Bands | None:
        """Return what 80 and 95 of 100 values lie between, so many windows on; NaN before there is an error to judge by."""
        low, high, lower, upper = (float(end[ahead - 1]) for level in LEVELS for end in self.said.bands[level])
        return low, high, lower, upper

    def _look(self) -> None:
        self.said = self.forecast.ahead()
        yhat = self.said.yhat
        self.coming: list[float] = [] if np.isnan(yhat[0]) else yhat.tolist()

    def __getstate__(self) -> dict[str, Any]:
        return {"horizon": self.horizon, "period": self.period} | {
            "season": self.season.snapshot(),
            "forecast": self.forecast.snapshot(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.horizon, self.period = state["horizon"], state["period"]
        self.season = Season(state["season"])
        self.forecast = Forecast(self.period, self.horizon, state["forecast"])
        self._look()


def combination(seed: int = 0, *, horizon: Annotated[int, Field(ge=1, le=MOST)] = 60) -> Combination:
    """Forecast by several cheap forecasters at once, none of River's: naive, theta, damped Holt-Winters, regressions on lags.

    Its bands are conformal: of what lay beyond the last ones, too much widens them, too little narrows them.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    horizon
        How many windows ahead the stored forecast reaches; days ahead are named in `learn.horizons`, which learns them on longer windows.

    References
    ----------
    See `operators.forecast.forecast` and `operators.season.season`.

    Examples
    --------
    >>> model = combination(horizon=4)
    >>> for y in [1.0, 1.0, 5.0, 1.0] * 60:
    ...     model.learn(y, y, {})
    >>> model.period, [round(y, 2) for y in model.ahead()]
    (4, [1.0, 1.0, 5.0, 1.0])
    """
    return Combination(horizon)
