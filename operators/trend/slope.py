"""Slope: how fast a series climbs or falls, and whether that is more than chance."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from config.records import SECOND, Float, StateRows
from operators.detector import Points, usable
from operators.kernel import kernel
from operators.trend.trend import Trend

RING = 30
PAIRS = RING * (RING - 1) // 2
FEWEST = 10
ROW = np.zeros(1, [("y", "f8", (RING,)), ("at", "u4", (RING,)), ("n", "i4"), ("next", "i4")])


@kernel
def select(a: Float, size: int, k: int) -> float:
    """Return the k-th smallest of the first `size` numbers, reordering them (Hoare 1961)."""
    left, right = 0, size - 1
    while left < right:
        pivot, i, j = a[k], left, right
        while i <= j:
            while a[i] < pivot:
                i += 1
            while pivot < a[j]:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if j < k:
            left = i
        if k < i:
            right = j
    return a[k]


@kernel
def slopes(s: Any, into: Float) -> tuple[int, int, int]:
    """Write the slopes of all pairs; return how many, risings less fallings (Kendall's S), and pairs of equal readings."""
    n, m, up, equal = s["n"], 0, 0, 0
    for i in range(1, n):
        for j in range(i):
            dt = np.float64(s["at"][i]) - np.float64(s["at"][j])
            dy = s["y"][i] - s["y"][j]
            if dt < 0.0:
                dt, dy = -dt, -dy
            if dt > 0.0:
                into[m] = dy / dt
                m += 1
            up += int(dy > 0.0) - int(dy < 0.0)
            equal += int(dy == 0.0)
    return m, up, equal


@kernel
def ties(s: Any) -> float:
    """Return the sum of ``u (u - 1) (2u + 5)`` over groups of u equal readings."""
    n, total = s["n"], 0.0
    for i in range(n):
        u = 0
        for j in range(n):
            u += int(s["y"][i] == s["y"][j])
        total += (u - 1) * (2 * u + 5)  # each group is met u times
    return total


@kernel
def inflation(s: Any, slope: float) -> float:
    """Return by how much the variance of S grows as neighbouring rests resemble each other."""
    n, first = s["n"], s["next"] if s["n"] == RING else 0
    mean = 0.0
    for i in range(n):
        mean += (s["y"][i] - slope * (s["at"][i] - np.float64(s["at"][first]))) / n
    square = lagged = last = size = 0.0
    for i in range(n):
        k = (first + i) % RING
        rest = s["y"][k] - slope * (s["at"][k] - np.float64(s["at"][first])) - mean
        square += rest * rest
        lagged += rest * last
        size += s["y"][k] * s["y"][k]
        last = rest
    r = lagged / square if square > 1e-18 * size else 0.0  # else the rests are rounding
    r = min(max((r * n + 1.0) / (n - 3.0), 0.0), 0.9)  # what detrending took from r is given back
    return (1.0 + r) / (1.0 - r)


@kernel
def judge(s: Any, z: float, scratch: Float, out: Float) -> None:
    """Write slope, low, high, sign and strength."""
    n = s["n"]
    m, up, equal = slopes(s, scratch)
    if m < 1:
        return
    slope = select(scratch, m, m // 2)
    if m % 2 == 0:
        slope = 0.5 * (slope + select(scratch, m, m // 2 - 1))
    variance = (n * (n - 1) * (2 * n + 5) - ties(s)) / 18.0
    half = z * sqrt(max(variance, 0.0) * inflation(s, slope))
    low = select(scratch, m, max(0, int(np.floor((m - half) / 2.0))))
    high = select(scratch, m, min(m - 1, int(np.ceil((m + half) / 2.0))))
    sure = abs(up) - 1 > half and (low > 0.0 or high < 0.0)
    pairs = n * (n - 1) / 2.0
    out[0], out[1], out[2] = slope, low, high
    out[3] = np.sign(slope) if sure else 0.0
    out[4] = abs(up) / sqrt(pairs * (pairs - equal)) if equal < pairs else 0.0


@kernel
def each(rows: StateRows, points: Points, z: float, out: Float) -> None:
    scratch = np.empty(PAIRS)
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s = rows[points.codes[i]]
            s["y"][s["next"]] = x
            s["at"][s["next"]] = points.time[i] // SECOND
            s["next"] = (s["next"] + 1) % RING
            s["n"] = min(s["n"] + 1, RING)
            if s["n"] >= FEWEST:
                judge(s, z, scratch, out[i])


def slope(confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99) -> Trend:
    """Median slope of all pairs of the newest `RING` windows, with an interval; a sign only when it is sure.

    A few far windows move neither slope nor interval.  The interval is widened by the likeness of neighbouring windows that is left
    when the slope is taken out: series that wander look like trends otherwise.  `strength` is Kendall's tau-b, 1 when
    every window is further along than the one before.

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

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> found = run(slope(), [5.0, 5.5, 6.0, 6.5, 99.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0], every=60.0)
    >>> [float(found[name][-1]) for name in ("slope", "sign", "strength")], int(np.isnan(found["slope"]).sum())
    ([0.0083, 1.0, 0.7818], 9)
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    return Trend("slope", ROW, float(z), ("slope", "low", "high", "sign", "strength"), each)
