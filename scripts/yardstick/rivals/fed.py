"""How a detector of another library is asked: of each reading before it learns it, one at a time, missing ones passed over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from config.records import Float, Int
from operators.detector import usable
from scripts.yardstick.said import Detect, Said

Step = Callable[[float], float]


def fed(make: Callable[[], Step]) -> Detect:
    """Return what judges a series with a new step of its own: ``step(reading) -> score`` learns the reading too.

    Examples
    --------
    >>> fed(lambda: abs)(np.arange(3), np.array([-2.0, np.nan, 3.0])).score.tolist()
    [2.0, nan, 3.0]
    """

    def detect(time: Int, value: Float) -> Said:
        step, score = make(), np.full(len(value), np.nan)
        for i, y in enumerate(value.tolist()):
            if usable(y):
                score[i] = step(y)
        return Said(np.where(np.isfinite(score), score, np.nan))

    return detect
