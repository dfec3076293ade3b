"""What of a series its own past does not tell: only that can be shared with another series by more than chance.

Two series that wander, climb or follow the same season are alike in all windows at once, and that is as good as one coincidence.  So
each series is whitened alone: what an autoregression predicts is taken out (Burg's recursion, as many readings as Bayes' criterion wants;
where nearly all of a level stays it is taken for a walk), then a bent line, then spectral lines that stand above the noise.  Between two
white series that have nothing to do with each other the correlation at every lag has the variance 1 / n, whatever the series were [1]_.

Innovations are handled as normal scores, so that one far reading in each of two series is no correlation and the law of chance
is the same for every series.

References
----------
.. [1] Haugh (1976), "Checking the independence of two covariance-stationary time series: a univariate residual cross-correlation approach",
   Journal of the American Statistical Association 71(354), doi:10.1080/01621459.1976.10480353.
.. [2] Waerden (1952), "Order tests for the two-sample problem and their power", Indagationes Mathematicae 14: normal scores.
"""

from __future__ import annotations

from math import isnan, log, nan

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from config.records import Bool, Float
from operators.kernel import kernel
from operators.trend.select import middle
from operators.trend.whiten import FAR, MOST, remember, unbend, wander

LEAST = 40  # windows of a series: fewer tell its memory too badly
HEAVIEST = 4.0  # kurtosis of scores; of normal ones it is 3
MOVES = (
    0.25  # share of windows that differ from the one before: a series that hardly ever changes tells coincidences only
)
LINE = 0.01  # share of white series of which a line is taken out by chance


@kernel
def bridge(y: Float, n: int, full: Float) -> None:
    """Write the readings with straight lines across what is missing."""
    last = -1
    for i in range(n):
        if isnan(y[i]):
            continue
        full[i] = y[i]
        for j in range(last + 1, i):
            full[j] = y[i] if last < 0 else y[last] + (y[i] - y[last]) * (j - last) / (i - last)
        last = i
    for j in range(last + 1, n):
        full[j] = y[last]


@kernel
def straighten(e: Float, x: Float, n: int, scratch: Float) -> None:
    """Take a parabola in x out of numbers, the far ones being cut while it is found."""
    m1 = m2 = m3 = norm = level = line = bend = 0.0
    for i in range(n):
        m1, m2 = m1 + x[i] / n, m2 + x[i] * x[i] / n
    for i in range(n):
        m3 += (x[i] - m1) * (x[i] * x[i] - m2) / n
    tilt = m3 / (m2 - m1 * m1)
    center = middle(e, n)
    for i in range(n):
        scratch[i] = abs(e[i] - center)
    far = FAR * 1.4826 * middle(scratch, n)
    for i in range(n):
        r, bent = min(max(e[i] - center, -far), far), x[i] * x[i] - m2 - tilt * (x[i] - m1)
        level, line = level + r / n, line + r * (x[i] - m1) / (n * (m2 - m1 * m1))
        bend, norm = bend + r * bent, norm + bent * bent
    for i in range(n):
        e[i] -= center + level + line * (x[i] - m1) + bend / norm * (x[i] * x[i] - m2 - tilt * (x[i] - m1))


@kernel
def predict(y: Float, n: int, out: Float, work: Float) -> None:
    """Write what the bent line and the readings before do not tell of each; NaN where that is not known."""
    x, rest, full, weight = work[2], work[3], work[4], np.empty(MOST)
    bridge(y, n, full)
    for i in range(n):
        x[i] = 2.0 * i / (n - 1) - 1.0
    unbend(full, x, n, rest, work[0])
    order = remember(rest, n, work, weight)
    wander(weight, order, n)
    for i in range(order, n):
        rest[i] = full[i]  # uncut: a stretch that is cut would be told of itself
        for j in range(order):
            rest[i] -= weight[j] * full[i - 1 - j]
    straighten(rest[order:], x[order:], n - order, work[0])
    for i in range(order, n):
        out[i] = rest[i] if not (isnan(y[i]) or (i > 0 and isnan(y[i - 1]))) else nan


@kernel
def predicted(values: Float, out: Float) -> None:
    """Write the innovations of each row from its first reading on; rows of fewer than `LEAST` readings stay as they are."""
    m, n = values.shape
    work = np.empty((5, n))
    for s in range(m):
        first, count = -1, 0
        for i in range(n):
            if not isnan(values[s, i]):
                first = i if first < 0 else first
                count += 1
        if count >= LEAST:
            predict(values[s, first:], n - first, out[s, first:], work)


def innovations(values: Float) -> Float:
    """Return what each series' own past does not tell of it.

    Parameters
    ----------
    values
        Shape (series, windows), NaN where a window is missing.

    Returns
    -------
    Float
        The same shape; mean 0 and deviation 1 by row; NaN where not known, all of the row where a series is too short or
        hardly ever changes.

    Examples
    --------
    >>> walk = np.random.default_rng(1).normal(size=120).cumsum()
    >>> e = innovations(np.array([walk, 3 * walk + 7, np.ones(120)]))
    >>> bool(np.nanmax(abs(e[0] - e[1])) < 1e-9), bool(np.isnan(e[2]).all())
    (True, True)
    """
    out = np.full(values.shape, np.nan)
    steps = np.diff(values, axis=1)
    moves = (np.nan_to_num(steps) != 0).sum(1) >= MOVES * (~np.isnan(steps)).sum(1)
    predicted(np.where(moves[:, None], values, np.nan), out)
    return standard(unlined(standard(out)))


def unlined(e: Float) -> Float:
    """Return rows without the spectral lines that stand out of their noise: what is left of a season."""
    known = ~np.isnan(e)
    spectrum = np.fft.rfft(np.where(known, e, 0.0), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    level = np.median(power[:, 1:], axis=1, keepdims=True) / log(2.0)
    line = power > level * log(power.shape[1] / LINE)
    spectrum *= np.where(line, np.sqrt(level / np.where(line, power, 1.0)), 1.0)
    return np.where(known, np.fft.irfft(spectrum, e.shape[1], axis=1), np.nan)


def standard(e: Float) -> Float:
    """Return rows with mean 0 and deviation 1; rows that do not vary, or of fewer than half of `LEAST` numbers, are all NaN."""
    known = ~np.isnan(e)
    n = np.maximum(known.sum(1, keepdims=True), 1)
    e = e - np.where(known, e, 0.0).sum(1, keepdims=True) / n
    deviation = np.sqrt((np.where(known, e, 0.0) ** 2).sum(1, keepdims=True) / n)
    return np.where((deviation > 1e-9) & (n >= LEAST // 2), e / np.where(deviation > 0, deviation, 1.0), np.nan)


def ranked(e: Float) -> Float:
    """Return the ranks of each row, standardised; of equal numbers the mean of theirs."""
    return standard(np.where(np.isnan(e), np.nan, rankdata(np.where(np.isnan(e), np.inf, e), axis=1)))


def scored(e: Float) -> Float:
    """Return normal scores of each row, standardised; NaN in rows where so many are equal that they are not nearly normal.

    Examples
    --------
    >>> scored(np.random.default_rng(1).normal(size=(1, 60)).cumsum(1) ** 3).max().round(1)
    np.float64(2.4)
    """
    known = ~np.isnan(e)
    ranks = rankdata(np.where(known, e, np.inf), axis=1)
    share = (np.where(known, ranks, 0.5) - 0.5) / np.maximum(known.sum(1, keepdims=True), 1)
    z = standard(np.where(known, ndtri(np.where(known, share, 0.5)), np.nan))
    heavy: Bool = (np.where(known, z, 0.0) ** 4).sum(1) > HEAVIEST * known.sum(1)
    z[heavy] = np.nan
    return z
