"""Tail of a series of surprises: how rare one of them is, by the largest of those before it.

The past is kept as a histogram of logarithmic bins whose counts fade, so a tail costs `BINS` numbers however long its memory is.
Beyond a high quantile the excesses are taken to follow a generalised Pareto distribution, fitted by its first two moments [1]_ [2]_.

References
----------
.. [1] Hosking, Wallis (1987), "Parameter and quantile estimation for the generalized Pareto distribution", Technometrics 29(3),
   doi:10.1080/00401706.1987.10488243.
.. [2] Siffer et al. (2017), "Anomaly detection in streams with extreme value theory", KDD, doi:10.1145/3097983.3098144: peaks over a
   threshold on streams; here on surprises rather than readings, with a past that fades.
"""

from __future__ import annotations

from math import exp, floor, inf, log, log2
from typing import Any

import numpy as np

from operators.kernel import kernel

BINS = 64
UNSET = -(2**31)  # base of a past without any surprise
OCTAVE = 4  # bins in a doubling: edges lie 19 % apart
EDGES = 2.0 ** (np.arange(BINS + 1) / OCTAVE)
MEMORY = 4000.0  # readings after which a count has faded to 1 / e
SHARE = 0.1  # of the past lies above the threshold, while it is long
EXCESSES = 400.0  # above the threshold while it is short, but never more than half
HEAVIEST = 0.45  # shape at which the fourth moment is about to be lost
FEW = 100.0  # excesses of a far tail
USUAL, KNOWN, LIGHTEST = 0.1, 50.0, -0.1  # its shape, before any; as many excesses as that is worth; the least
CAUTION = 0.05  # of the threshold, and of its distance from the median, is added to a scale
ROOM = 20  # bins left free above the first surprise


@kernel
def shift(counts: Any, by: int) -> None:
    """Make room for larger surprises: what falls off the lower end is counted in the lowest bin."""
    for k in range(1, min(by, BINS - 1) + 1):
        counts[0] += counts[k]
    for k in range(1, BINS):
        counts[k] = counts[k + by] if k + by < BINS else np.float32(0.0)


@kernel
def count(counts: Any, bases: Any, c: int, a: float) -> None:
    """Count surprise `a` of channel `c`; the lowest bin takes 0 and all that is too small."""
    for k in range(BINS):
        counts[c, k] *= np.float32(1.0 - 1.0 / MEMORY)
    if a <= 1e-100:
        counts[c, 0] += 1.0
        return
    bin = np.int64(floor(log2(a) * OCTAVE))
    if bases[c] == UNSET:
        bases[c] = bin - BINS + ROOM
    if bin - bases[c] >= BINS:
        by = bin - bases[c] - BINS + 1 + OCTAVE
        shift(counts[c], by)
        bases[c] += by
    counts[c, max(bin - bases[c], 0)] += 1.0


@kernel
def moments(counts: Any, base: int, total: float, excesses: float) -> tuple[float, float, float, float, float]:
    """Return what a tail is fitted to: threshold, mean and variance of the excesses over it, their number, the median of all.

    Above the threshold lies a tenth of the `total`, or `excesses` of it while that is more, but never more than half.
    """
    wanted = total * min(max(excesses / total, SHARE), 0.5)
    above = sum = square = 0.0
    unit = exp(log(2.0) * base / OCTAVE)
    k = BINS - 1
    while k > 0 and above + counts[k] < wanted:
        above += counts[k]
        k -= 1
    u = unit * EDGES[k + 1] if k > 0 else 0.0
    for j in range(k + 1, BINS):
        e = 0.5 * unit * (EDGES[j] + EDGES[j + 1]) - u
        sum += counts[j] * e
        square += counts[j] * e * e
    middle, seen = k, above
    while middle > 0 and seen + counts[middle] < 0.5 * total:
        seen += counts[middle]
        middle -= 1
    mean = sum / above if above > 0.0 else 0.0
    var = square / above - mean * mean if above > 0.0 else 0.0
    return u, mean, var, above, unit * EDGES[middle] if middle > 0 else 0.0


@kernel
def fit(counts: Any, base: int, total: float) -> tuple[float, float, float]:
    """Return threshold, scale and shape of the tail of a histogram, `total` being the sum of its counts."""
    u, mean, var, _, median = moments(counts, base, total, EXCESSES)
    shape = min(max(0.5 * (1.0 - mean * mean / var), 0.0), HEAVIEST) if var > 0.0 else 0.0
    return u, max((mean + CAUTION * (max(u - median, 0.0) + u)) * (1.0 - shape), 1e-100), shape


@kernel
def far(counts: Any, base: int, total: float, least: float) -> tuple[float, float, float, float]:
    """Return threshold, scale and shape of the far tail, and the share of the past beyond the threshold.

    Fitted to few excesses, since what the body of a past is like says little of its outliers; the shape is drawn to `USUAL` as if by
    `KNOWN` more of them, and may be that of a tail which ends, as those of Gaussian noise seem to.  The scale is never below `least`.
    """
    u, mean, var, above, median = moments(counts, base, total, FEW)
    shape = 0.5 * (1.0 - mean * mean / var) if var > 0.0 else 0.0
    shape = min(max((above * shape + KNOWN * USUAL) / (above + KNOWN), LIGHTEST), HEAVIEST)
    scale = (mean + CAUTION * (max(u - median, 0.0) + u)) * (1.0 - shape)
    return u, max(scale, least, 1e-100), shape, max(above, 1.0) / total


@kernel
def rarity(a: float, tail: tuple[float, float, float]) -> float:
    """Return minus the decimal logarithm of the share of excesses that lie beyond `a`; 0 below the threshold, infinite beyond an end."""
    u, scale, shape = tail
    if a <= u:
        return 0.0
    far = (a - u) / scale
    if shape * far <= -1.0:
        return inf
    return (far if abs(shape) < 0.01 else log(1.0 + shape * far) / shape) / log(10.0)


@kernel
def reach(rare: float, tail: tuple[float, float, float]) -> float:
    """Return the surprise that has a rarity: the inverse of `rarity`."""
    u, scale, shape = tail
    far = rare * log(10.0)
    return u + scale * (far if shape < 0.01 else (exp(shape * far) - 1.0) / shape)
