"""Evidence for periods: power of a spectrum at the harmonics of each, against what the noise of this series has there.

Noise is not white: wandering series have most of their power at long periods and look seasonal there.  So the spectrum is first divided by
a background that follows its colour but not its peaks.  In noise, power over background is then exponentially distributed, and the
sum over K harmonics gamma distributed, whatever the series.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from config.records import Bool, Float
from operators.season.flatten import middle

HARMONICS = (1, 2, 3, 4, 6, 8, 12, 16)  # from a sine to a spike that lasts a sixteenth of the period
FINE = 4  # points of the spectrum a Fourier frequency: between two of them a sine keeps 95 % of its power
BANDS = 32
COLOURS = np.concatenate([np.arange(0.0, 0.9, 0.05), np.arange(0.9, 1.0, 0.01)])


def spectrum(y: Float) -> Float:
    """Return the periodogram of `y` over its background, at frequencies from 0 to 1/2.

    Parameters
    ----------
    y
        Shape (n,), of mean 0, n >= 24.

    Returns
    -------
    Float
        Shape (m,), at the frequencies ``i / (2 (m - 1))``; mean 1 in noise; what lies below the Fourier frequency 1/n is no evidence: 0.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal(480)
    >>> over = spectrum(noise + np.sin(np.arange(480) * 2 * np.pi / 24))
    >>> int(over.argmax()) == round(2 * (len(over) - 1) / 24), float(np.median(over).round(1))
    (True, 0.8)
    """
    n = len(y)
    long = 1 << (FINE * n - 1).bit_length()
    power = np.abs(np.fft.rfft(y, long)) ** 2
    f = np.arange(len(power)) / long
    over: Float = power / background(np.abs(np.fft.rfft(y)) ** 2, np.maximum(f, 1.0 / n))
    over[f < 1.0 / n] = 0.0
    return over


def background(power: Float, f: Float) -> Float:
    """Return the power that noise of this colour has at `f`: the larger of two curves through medians of bands.

    Medians do not see peaks.  One curve is that of a first-order autoregression, as in [1]_, the other a parabola on doubly
    logarithmic paper, for series that wander without bound: each takes the other's mistakes for seasons where it stands alone.

    Parameters
    ----------
    power
        Shape (n // 2 + 1,): at the Fourier frequencies.
    f
        Shape (m,), above 0, up to 1/2.

    References
    ----------
    .. [1] Mann, Lees (1996), "Robust estimation of background noise and signal detection in climatic time series", Climatic
       Change 33, doi:10.1007/BF00142586, section 4.

    Examples
    --------
    >>> background(np.full(100, np.log(2.0)), np.array([0.1, 0.5])).round(2).tolist()
    [1.0, 1.0]
    """
    at, level, count = _bands(power)
    weight = np.sqrt(count)
    curves = np.log(1.0 - 2.0 * np.outer(COLOURS, np.cos(2.0 * np.pi * at)) + (COLOURS**2)[:, None]) + level
    heights = np.median(curves, axis=1)
    best = int((np.abs(curves - heights[:, None]) * weight).sum(axis=1).argmin())
    red = heights[best] - np.log(1.0 - 2.0 * COLOURS[best] * np.cos(2.0 * np.pi * f) + COLOURS[best] ** 2)
    return np.exp(np.maximum(red, _parabola(at, level, weight, f)))


def _bands(power: Float) -> tuple[Float, Float, Float]:
    m = len(power) - 1
    edges = np.unique(np.round(np.geomspace(1, m + 1, BANDS + 1)).astype(int))
    pairs = list(pairwise(edges))
    tiny = 1e-12 * power.mean() + 1e-300
    level = np.log([max(middle(power[a:b]), tiny) / np.log(2.0) for a, b in pairs])
    at = np.array([(a + b - 1) / (4.0 * m) for a, b in pairs])
    return at, level, np.diff(edges).astype(np.float64)


def _parabola(at: Float, level: Float, weight: Float, f: Float) -> Float:
    x = np.vander(np.log(at), 3)
    w = weight
    for _ in range(12):  # least absolute distances, by reweighting: bands full of peaks do not bend it
        fit = np.linalg.lstsq(x * np.sqrt(w)[:, None], level * np.sqrt(w), rcond=None)[0]
        w = weight / np.maximum(np.abs(level - x @ fit), 0.1)
    return np.vander(np.log(f), 3) @ fit


def evidence(over: Float, periods: Float) -> Float:
    """Return for each period the evidence of that number of harmonics for which it is greatest.

    Evidence is -log10 of the probability that noise has as much power at the first K harmonics; those of half a
    period are among those of the whole, but twice as many are asked for the same power, so the shorter wins.

    Parameters
    ----------
    over
        As `spectrum` returns it.
    periods
        Shape (p,), at least 2.

    Examples
    --------
    >>> over = np.ones(481)
    >>> over[40::40] = 4.0
    >>> evidence(over, np.array([23.0, 24.0, 25.0, 48.0])).round(1).tolist()
    [0.4, 9.8, 0.4, 5.3]
    """
    last, long = len(over) - 1, 2 * (len(over) - 1)
    total, best = np.zeros(len(periods)), np.zeros(len(periods))
    for k in range(1, HARMONICS[-1] + 1):
        there = 2 * k <= periods
        total += np.where(there, _between(over, np.minimum(k * long / periods, last)), 0.0)
        if k in HARMONICS:
            best = np.maximum(best, np.where(there, _tail(k, total), 0.0))
    return best


def _between(over: Float, at: Float) -> Float:
    """Return the spectrum between its points, by parabolas: two periods may have the same nearest points."""
    i = np.clip(np.round(at).astype(np.int64), 1, len(over) - 2)
    d, before, after = at - i, over[i - 1], over[i + 1]
    parabola: Float = over[i] + 0.5 * d * (after - before + d * (after - 2.0 * over[i] + before))
    return np.maximum(parabola, 0.0)


def _tail(k: int, total: Float) -> Float:
    """Return -log10 of the upper tail of a gamma distribution of whole shape `k`; does not underflow."""
    terms = np.ones_like(total)
    for j in range(k - 1, 0, -1):
        terms = 1.0 + terms * total / j
    return (total - np.log(terms)) / np.log(10.0)


def taken(over: Float, period: float, n: int) -> Bool:
    """Return which of the spectrum's frequencies a season of this period accounts for.

    Parameters
    ----------
    over
        As `spectrum` returned it for `n` values.

    Examples
    --------
    >>> np.flatnonzero(taken(np.ones(65), 4.0, 32)).tolist()
    [27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 59, 60, 61, 62, 63, 64]
    """
    f = np.arange(len(over)) / (2.0 * (len(over) - 1))
    k = np.maximum(np.round(f * period), 1.0)
    return np.abs(f - k / period) <= 1.3 / n
