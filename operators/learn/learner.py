"""One model of one series: its answer, its line, and what it learns of a window."""

from __future__ import annotations

from collections import deque
from math import nan
from typing import NamedTuple

from operators.learn.drift import Drift
from operators.learn.family import Family, Features
from operators.learn.line import Line

LARGEST = 1e100  # beyond it squares and their sums are no numbers any more
GREATEST_SCORE = 1000.0
GRAIN = 1e-9  # a residual below this share of the value is rounding


class Verdict(NamedTuple):
    """What a model says of a window: its raw measure, the score (1 = its line), and the band; NaN where it has none."""

    raw: float
    score: float
    yhat: float
    lower: float
    upper: float


class Forecast(NamedTuple):
    """What a model expects `horizon` windows on, with the band that its own errors at that distance give."""

    horizon: int
    yhat: float
    lower: float
    upper: float


class Learner:
    """A model with its line, its drift tests and its older forecasts.

    Parameters
    ----------
    family
        The model.

    Examples
    --------
    >>> from operators.learn.forecast import holt_winters
    >>> learner = Learner(holt_winters())
    >>> for i in range(60):
    ...     _ = learner.learn(float(i % 3), {}, learner.judge(float(i % 3), {}))
    >>> learner.judge(1.0, {}).score < 1 < learner.judge(9.0, {}).score
    True
    """

    def __init__(self, family: Family) -> None:
        self.family, self.line, self.drift = family, Line(), Drift()
        self.far, self.made = Line(), deque[float](maxlen=max(1, family.horizon))

    def judge(self, y: float, x: Features) -> Verdict:
        """Score a window before learning it.

        Parameters
        ----------
        y
            The window's value, finite.
        x
            Values of the series beside it in the same window.
        """
        yhat = self.family.expect(x)
        raw = self.family.odd(y, x, yhat)
        width = self.line.width(GRAIN * max(abs(y), abs(yhat)) if yhat == yhat else 0.0)
        if width != width or raw != raw:
            return Verdict(raw, nan, yhat, nan, nan)
        score = min(raw / width, GREATEST_SCORE) if width > 0.0 else float(raw > 0.0)
        return Verdict(raw, score, yhat, yhat - width, yhat + width)

    def learn(self, y: float, x: Features, verdict: Verdict) -> tuple[str, ...]:
        """Learn a window as far as its score allows; return the tests that see the error rise.

        Below 1 all of the value is learnt, below 2 the value cut to the band, above it what was expected, so that the model's
        time goes on; a model without a band learns nothing from 1 on.
        """
        self.family.learn(y, _taught(y, verdict), x)
        self.line.learn(verdict.raw, verdict.score)
        self._compare(y)
        return self.drift.update(verdict.score)

    def sane(self) -> bool:
        """Whether the model still answers with numbers."""
        return not self.made or abs(self.made[-1]) < LARGEST

    def forecasts(self) -> list[Forecast]:
        """Return what is expected of the next window and of the last one within the horizon; nothing before the line is warm."""
        width = self.line.width()
        if not self.made or width != width:
            return []
        one = self._banded(1, self.near, width)
        far = self._banded(self.family.horizon, self.made[-1], self.far.width())
        return [one] if self.family.horizon == 1 else [one, far]

    def _banded(self, horizon: int, yhat: float, width: float) -> Forecast:
        low, high = self.family.bounds(horizon) or (yhat - width, yhat + width)
        return Forecast(horizon, yhat, low, high)

    def _compare(self, y: float) -> None:
        """Measure the forecast that was made for this window, and make one more."""
        if len(self.made) == self.made.maxlen:
            error = abs(y - self.made[0])
            width = self.far.width()
            self.far.learn(error, error / width if width > 0.0 else nan)
        if ahead := self.family.ahead():
            self.near = ahead[0]
            self.made.append(ahead[-1])


def _taught(y: float, verdict: Verdict) -> float:
    if not verdict.score >= 1.0:
        return y
    if verdict.yhat != verdict.yhat:
        return nan  # no band to cut it to
    return min(max(y, verdict.lower), verdict.upper) if verdict.score < 2.0 else verdict.yhat
