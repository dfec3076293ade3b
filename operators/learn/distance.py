"""One distance ahead of one model: its bands, and how its forecasts turned out."""

from __future__ import annotations

from math import exp, nan
from typing import NamedTuple

from operators.forecast.interval import ENOUGH, FIRST, LEVELS, LONG
from operators.learn.family import Bands

JUDGED = 60  # forecasts in a row of `forecast_errors`
RATE = 0.02  # per forecast: eight times that of `interval`, which judges eight at a time


class Forecast(NamedTuple):
    """What a model expects `ahead` windows on, and between what 80 and 95 of 100 values lie; NaN where that is not known."""

    ahead: int
    yhat: float
    low: float
    high: float
    lower: float
    upper: float


class Accuracy(NamedTuple):
    """How `JUDGED` forecasts turned out.

    Parameters
    ----------
    ahead
        Windows from the newest known to the one foretold.
    error
        Mean distance from what came, in the series' unit.
    scaled
        The same over that of the last value known, which is what no skill foretells; NaN where the series stood still.
    coverage_80, coverage_95
        Shares within those bands; NaN where none was told.
    """

    ahead: int
    error: float
    scaled: float
    coverage_80: float
    coverage_95: float


class Distance:
    """Forecasts of one model, so many windows ahead.

    A band that the model does not bring itself is conformal: `width` mean distances, where the width grows whenever a value falls
    outside and shrinks when one falls inside, so that the asked share lies inside (see `operators.forecast.interval`).

    Parameters
    ----------
    ahead
        In windows.

    Examples
    --------
    >>> it = Distance(1)
    >>> for i in range(JUDGED):
    ...     _ = it.judge(i, float(i % 2)), it.tell(i, float(i % 2), 0.5, None)
    >>> it.judge(JUDGED, 0.0)
    Accuracy(ahead=1, error=0.5, scaled=0.5, coverage_80=1.0, coverage_95=1.0)
    """

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        self.under_way: dict[
            int, tuple[float, Forecast]
        ] = {}  # by the window's number: the value then, and the forecast
        self.mean, self.known = 0.0, 0
        self.width = list(FIRST)
        self._begin()

    def tell(self, number: int, y: float, yhat: float, bands: Bands | None) -> Forecast:
        """Say what is expected after window `number`, of value `y`, and remember it until it can be judged."""
        if bands is None:
            half = [w * self.mean if self.known >= ENOUGH else nan for w in self.width]
            bands = yhat - half[0], yhat + half[0], yhat - half[1], yhat + half[1]
        it = Forecast(self.ahead, yhat, *bands)
        self.under_way[number + self.ahead] = y, it
        return it

    def judge(self, number: int, y: float) -> Accuracy | None:
        """Compare window `number` with what was said of it; of every `JUDGED`, how they turned out.

        Windows that never came are passed over: nothing was right or wrong about them.
        """
        while self.under_way and (due := next(iter(self.under_way))) < number:
            del self.under_way[due]
        if number not in self.under_way:
            return None
        before, told = self.under_way.pop(number)
        self._learn(abs(y - told.yhat), y, told)
        self.naive += abs(y - before)
        self.count += 1
        if self.count < JUDGED:
            return None
        found = [inside / n if n else nan for inside, n in zip(self.inside, self.told, strict=True)]
        scaled = self.error / self.naive if self.naive > 0.0 else nan
        out = Accuracy(self.ahead, self.error / self.count, scaled, *found)
        self._begin()
        return out

    def _learn(self, error: float, y: float, told: Forecast) -> None:
        self.known += 1
        self.mean += max(1.0 / self.known, 1.0 / LONG) * (error - self.mean)
        self.error += error
        for k, (low, high) in enumerate(((told.low, told.high), (told.lower, told.upper))):
            if low <= high:
                inside = low <= y <= high
                self.told[k] += 1
                self.inside[k] += inside
                self.width[k] *= exp(RATE * ((not inside) - (1.0 - LEVELS[k])))

    def _begin(self) -> None:
        self.count, self.error, self.naive = 0, 0.0, 0.0
        self.inside, self.told = [0, 0], [0, 0]
