"""Where a model's own line between ordinary and odd lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

WARM = 30
SETTLED = 90
TAIL = 0.01
RISE = 0.05
MARGIN = 1.5


@dataclass(slots=True)
class Line:
    """A running quantile of a model's raw measure, and the line a half above it.

    After `WARM` measures the quantile starts at the second largest, after `SETTLED` more it starts there once more, because a model's first
    errors are those of a beginner.  It follows the ``1 - TAIL`` quantile by a Robbins–Monro
    step [1]_ on a logarithmic scale.  It rises at the first of a run of odd windows only: a run is an incident or a new normal, which
    the line does not swallow.

    Parameters
    ----------
    first
        Measures of the present start; none once it is settled.
    starts
        How many starts there were, up to two.
    quantile
        The estimate; NaN before.
    run
        How long the present run of odd windows is; an ordinary one takes two away.

    References
    ----------
    .. [1] Robbins, Monro (1951), "A stochastic approximation method", Annals of Mathematical Statistics 22(3),
       doi:10.1214/aoms/1177729586.

    Examples
    --------
    >>> line = Line()
    >>> for i in range(WARM):
    ...     line.learn(i % 3, 0.0)
    >>> line.width(), line.width(at_least=5.0)
    (3.0, 5.0)
    """

    first: list[float] = field(default_factory=list)
    quantile: float = nan
    run: int = 0
    starts: int = 0

    def width(self, at_least: float = 0.0) -> float:
        """Return the measure at which a window is odd; NaN before the line is warm."""
        return nan if self.quantile != self.quantile else max(MARGIN * self.quantile, at_least)

    def learn(self, raw: float, score: float) -> None:
        """Follow one more measure and its score; a measure that is NaN says nothing."""
        if raw != raw:
            return
        if self.starts < 2 and not score >= 1.0:
            self._start(raw)
        if score != score:
            return
        if raw <= self.quantile:
            self.quantile *= 1.0 - RISE * TAIL
        elif self.run == 0:
            self.quantile *= 1.0 + RISE
        self.run = self.run + 1 if score >= 1.0 else max(0, self.run - 2)

    def _start(self, raw: float) -> None:
        self.first.append(raw)
        if len(self.first) == (WARM, SETTLED)[self.starts]:
            self.quantile = sorted(self.first)[-2]
            self.first, self.starts = [], self.starts + 1
