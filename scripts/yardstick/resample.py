"""Bootstrap intervals over series: how far a figure may move when other series of the same kind are judged.

References
----------
.. [1] Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1), doi:10.1214/aos/1176344552: percentiles.
"""

from __future__ import annotations

import numpy as np

from config.records import Float, Int

TIMES, QUICK = 500, 100
SURE = (2.5, 97.5)
SEED = 20260101


def draws(series: int, times: int) -> Int:
    """Return which series each resample holds: shape (times, series), the same for the same numbers."""
    return np.random.default_rng(SEED).integers(0, series, (times, series))


def weights(drawn: Int) -> Float:
    """Return how often each resample holds each series, same shape.

    Examples
    --------
    >>> weights(np.array([[0, 0, 2]])).tolist()
    [[2.0, 0.0, 1.0]]
    """
    return np.array([np.bincount(row, minlength=drawn.shape[1]) for row in drawn], np.float64).reshape(drawn.shape)


def mean(weight: Float, column: Float) -> Float:
    """Return the weighted mean of a column (series,) for each row of weights, series without a number left out."""
    there = np.isfinite(column)
    total = weight[..., there].sum(axis=-1)
    return np.where(total > 0, weight[..., there] @ column[there] / np.maximum(total, 1.0), np.nan)


def interval(figures: Float) -> tuple[float, float]:
    """Return the interval that holds 95 % of the resampled figures; NaN when they are too few.

    Examples
    --------
    >>> interval(np.arange(101.0)), interval(np.array([np.nan]))
    ((2.5, 97.5), (nan, nan))
    """
    known = figures[np.isfinite(figures)]
    low, high = np.percentile(known, SURE) if len(known) >= 20 else (np.nan, np.nan)
    return float(low), float(high)
