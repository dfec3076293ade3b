"""Slope: how fast a series climbs or falls, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from config.records import SECOND, Float, StateRows
from operators.detector import LARGEST, Points, usable
from operators.kernel import kernel
from operators.trend.select import select
from operators.trend.trend import Trend
from operators.trend.whiten import whitened

RING = 30
PAIRS = RING * (RING - 1) // 2
FEWEST = 10
FEW = 60
ROW = np.zeros(1, [("y", "f8", (RING,)), ("at", "u4", (RING,)), ("n", "i8"), ("next", "i8")])


@kernel
def unroll(s: Any, y: Float, at: Float) -> int:
    """Copy the ring in order, oldest first, stamps counted from the oldest; return how many."""
    n = s["n"]
    first = s["next"] if n == RING else 0
    for i in range(n):
        k = (first + i) % RING
        y[i], at[i] = s["y"][k], np.float64(s["at"][k]) - np.float64(s["at"][first])
    return n


@kernel
def slopes(y: Float, at: Float, n: int, into: Float) -> tuple[int, int, int]:
    """Write the slopes of all pairs; return how many, risings less fallings (Kendall's S), and pairs of equal readings."""
    m = up = equal = 0
    for i in range(1, n):
        for j in range(i):
            into[m + j] = (y[i] - y[j]) / (at[i] - at[j])
        m += i
    for k in range(m):
        up += int(into[k] > 0.0) - int(into[k] < 0.0)
        equal += int(into[k] == 0.0)
    return m, up, equal


@kernel
def ties(y: Float, n: int) -> float:
    """Return the sum of ``u (u - 1) (2u + 5)`` over groups of u equal readings."""
    total = 0.0
    for i in range(n):
        u = 0
        for j in range(n):
            u += int(y[i] == y[j])
        total += (u - 1) * (2 * u + 5)  # each group is met u times
    return total


@kernel
def inflation(y: Float, at: Float, n: int, slope: float) -> float:
    """Return by how much the variance of S grows as neighbouring rests resemble each other."""
    mean = 0.0
    for i in range(n):
        mean += (y[i] - slope * at[i]) / n
    square = lagged = last = size = 0.0
    for i in range(n):
        rest = y[i] - slope * at[i] - mean
        square += rest * rest
        lagged += rest * last
        size += y[i] * y[i]
        last = rest
    r = lagged / square if square > 1e-18 * size else 0.0  # else the rests are rounding
    r = min(max((r * n + 2.0) / (n - 4.0), 0.0), 0.95)  # detrending takes (2 + 4 r) / n from r [3]
    return (1.0 + r) / (1.0 - r)


@kernel
def reaches(z: float, free: float) -> float:
    """Return how many errors Student's interval spans to either side where the normal one spans z (Cornish and Fisher)."""
    return z + (z**3 + z) / (4.0 * free) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * free * free)


@kernel
def judge(y: Float, at: Float, n: int, z: float, scratch: Float, notes: Float, out: Float) -> None:
    """Write slope, low, high, sign and strength."""
    m, up, equal = slopes(y, at, n, scratch)
    least, most = scratch[:m].min(), scratch[:m].max()
    slope = select(scratch, m, m // 2, least, most)
    if m % 2 == 0:
        slope = 0.5 * slope + 0.5 * select(scratch, m, m // 2 - 1, least, slope)
    variance = (n * (n - 1) * (2 * n + 5) - (ties(y, n) if equal else 0.0)) / 18.0
    half = z * sqrt(max(variance, 0.0) * inflation(y, at, n, slope))
    low = select(scratch, m, max(0, int(np.floor((m - half) / 2.0))), least, slope)
    high = select(scratch, m, min(m - 1, int(np.ceil((m + half) / 2.0))), slope, most)
    sure = abs(up) - 1 > half and (low > 0.0 or high < 0.0)
    order, center, error, free = whitened(y, at, n, slope, notes)
    if order > 0:
        far = reaches(z, free) * error
        if n < FEW:  # too few to tell how much is remembered: both must be sure
            low, high, sure = min(low, center - far), max(high, center + far), sure and abs(center) > far
        else:
            low, high, sure = min(slope, center - far), max(slope, center + far), abs(center) > far
        sure = sure and slope * center > 0.0
    out[0], out[1], out[2] = slope, low, high
    out[3] = np.sign(slope) if sure else 0.0
    out[4] = min(1.0, abs(up) / sqrt(m * float(m - equal))) if equal < m else 0.0


@kernel
def each(rows: StateRows, points: Points, z: float, out: Float) -> None:
    scratch, notes, y, at = np.empty(PAIRS), np.empty((6, RING)), np.empty(RING), np.empty(RING)
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s = rows[points.codes[i]]
            s["y"][s["next"]] = x
            s["at"][s["next"]] = points.time[i] // SECOND  # windows of a length never begin in the same second
            s["next"] = (s["next"] + 1) % RING
            s["n"] = min(s["n"] + 1, RING)
            if s["n"] >= FEWEST:
                judge(y, at, unroll(s, y, at), z, scratch, notes, out[i])


def slope(confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99) -> Trend:
    """Median slope of all pairs of the newest `RING` windows, with an interval; a sign only when it is sure.

    A few far windows move neither slope nor interval.  The interval is widened by the likeness of neighbouring windows that
    is left when the slope is taken out, and holds that of a regression of whitened windows (`whitened`) where these remember
    each other; with less than `FEW` of them both must be sure: series that wander look like trends otherwise.  `strength` is
    Kendall's tau-b, 1 when every window is further along than the one before.

    Parameters
    ----------
    confidence
        How sure the interval holds the slope; `sign` is not 0 only when all of it lies on one side of 0.

    References
    ----------
    .. [1] Sen (1968), "Estimates of the regression coefficient based on Kendall's tau", Journal of the American Statistical
       Association 63(324), doi:10.1080/01621459.1968.10480934.
    .. [2] Hamed, Rao (1998), "A modified Mann-Kendall trend test for autocorrelated data", Journal of Hydrology 204,
       doi:10.1016/S0022-1694(97)00125-X; we take the first lag alone, as of an AR(1) process.
    .. [3] Marriott, Pope (1954), "Bias in the estimation of autocorrelations", Biometrika 41(3/4), doi:10.2307/2332719, here for rests
       of a line.

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> found = run(slope(), [5.0, 5.5, 6.0, 6.5, 99.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0], every=60.0)
    >>> [float(found[name][-1]) for name in ("slope", "sign", "strength")], int(np.isnan(found["slope"]).sum())
    ([0.0083, 1.0, 0.7818], 9)
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    return Trend("slope", ROW, float(z), ("slope", "low", "high", "sign", "strength"), each)


def direction(values: Float | Sequence[float], confidence: float = 0.99) -> int:
    """Return 1 where a whole series rises, -1 where it falls, 0 where neither is sure: what `slope` would say if its ring held all of it.

    Parameters
    ----------
    values
        Shape (n,), evenly spaced; NaN are left out.
    confidence
        As of `slope`.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> direction(noise), direction(noise + np.arange(300) / 100), direction(noise - np.arange(300) / 100)
    (0, 1, -1)
    """
    column = np.array(values, np.float64)
    at = np.flatnonzero(abs(column) <= LARGEST)
    n, out = len(at), np.zeros(5)
    if n >= FEWEST:
        z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
        judge(column[at], at.astype(np.float64), n, float(z), np.empty(n * (n - 1) // 2), np.empty((6, n)), out)
    return int(out[3])
