"""Evidence for a period again, written for reading: sums over the values themselves, SciPy's distributions."""

from __future__ import annotations

import numpy as np
from scipy.stats import gamma

HARMONICS = (1, 2, 3, 4, 6, 8, 12, 16)


def power(y, f):
    """Power of a sine of frequency `f` in `y`, by its definition."""
    t = np.arange(len(y))
    return abs(np.sum(y * np.exp(-2j * np.pi * f * t))) ** 2


def white(y, period):
    """Evidence for a period of `y` over a flat background of known height 1 a value."""
    best = 0.0
    for k in HARMONICS:
        if k <= period / 2:
            total = sum(power(y, i / period) for i in range(1, k + 1)) / len(y)
            best = max(best, -gamma.logsf(total, k) / np.log(10))
    return best


def autocorrelation(y, lag):
    n = len(y)
    return np.mean(y[lag:] * y[: n - lag]) / np.mean(y * y)


def explained(y, period):
    """Share of variance between the phases of a whole period, by an analysis of variance."""
    groups = [y[i::period] for i in range(period)]
    within = sum(np.sum((g - g.mean()) ** 2) for g in groups) / (len(y) - period)
    return 1 - within / y.var(ddof=1)
