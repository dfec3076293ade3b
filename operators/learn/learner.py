"""One model of one series: its answer, its line, and what it learns of a window."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

from operators.learn.distance import Accuracy, Distance, Forecast
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


class Learner:
    """A model with its line, its drift tests and its older forecasts.

    Parameters
    ----------
    family
        The model.
    ahead
        How many windows ahead it is asked, as far as it reaches; its own horizon is always one of them.

    Examples
    --------
    >>> from operators.learn.forecast import holt_winters
    >>> learner = Learner(holt_winters())
    >>> for i in range(60):
    ...     _ = learner.learn(float(i % 3), {}, learner.judge(float(i % 3), {}))
    >>> learner.judge(1.0, {}).score < 1 < learner.judge(9.0, {}).score
    True
    """

    def __init__(self, family: Family, ahead: Sequence[int] = (1,)) -> None:
        self.family, self.line, self.drift = family, Line(), Drift()
        asked = {n for n in (*ahead, family.horizon) if 0 < n <= family.horizon}
        self.distances = [Distance(n) for n in sorted(asked)]

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
        return self.drift.update(verdict.score)

    def sane(self) -> bool:
        """Whether the model still answers with numbers."""
        coming = self.family.ahead()
        return not coming or abs(coming[-1]) < LARGEST

    def forecasts(self, number: int, y: float) -> list[Forecast]:
        """Return what is expected after window `number`, of value `y`; nothing before the line is warm."""
        coming, width = self.family.ahead(), self.line.width()
        if not coming or width != width:
            return []
        return [it.tell(number, y, coming[it.ahead - 1], self.family.bands(it.ahead)) for it in self.distances]

    def accuracy(self, number: int, y: float) -> list[Accuracy]:
        """Judge what was forecast of window `number`; see `Distance`."""
        return [found for it in self.distances if (found := it.judge(number, y))]


def _taught(y: float, verdict: Verdict) -> float:
    if not verdict.score >= 1.0:
        return y
    if verdict.yhat != verdict.yhat:
        return nan  # no band to cut it to
    return min(max(y, verdict.lower), verdict.upper) if verdict.score < 2.0 else verdict.yhat
