"""Which pairs of series move together beyond chance, and which of the two first.

All pairs at a lag are one matrix product.  Of each pair the lag with the greatest correlation stands, its chance multiplied by the number
of lags (Bonferroni); then of all pairs as many are taken as keep the expected share of false ones below `FALSE` [1]_.  A pair must also
stand out of its own correlations at shifts far beyond the lags: what seasons and remaining memory bring about is about as high there, and
their scatter is the pair's own measure of chance.  And it must be found all along the windows: that two series stepped once at the same
time is one coincidence.

References
----------
.. [1] Benjamini, Hochberg (1995), "Controlling the false discovery rate: a practical and powerful approach to multiple testing", Journal of
   the Royal Statistical Society B 57(1), doi:10.1111/j.2517-6161.1995.tb02031.x.
.. [2] Fisher (1915), "Frequency distribution of the values of the correlation coefficient in samples from an indefinitely large
   population", Biometrika 10(4), doi:10.2307/2331838: the chance of a correlation among n readings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betainc, ndtri

from config.records import Bool, Float, Int
from operators.correlate.innovations import innovations, ranked, scored, standard

FALSE = 0.01  # expected share of false pairs among those told
FAR = 0.5  # a pair's correlation at far shifts, of that at its lag, from which it is no news
BLOCKS = 8  # of windows: what all but the two that say most say must lie `REST` deviations from 0
REST = 2.5
OVERLAP = 20  # windows that two series must have in common
HUGE = 1e100  # of numbers up to it sums of squares are numbers
CHUNK = 10_000  # pairs looked at together


class Pairs(NamedTuple):
    """Pairs of rows, columns of k, the surest first.

    `second` follows `first` by `lag` windows (0: both at once).  `pearson` and `spearman` are the correlations of what their pasts do not
    tell, of its values and of its ranks, `raw` that of the plain values.  `p` is the chance that their normal scores correlate so highly
    at any of the lags; `n` windows were compared.
    """

    first: Int
    second: Int
    lag: Int
    pearson: Float
    spearman: Float
    raw: Float
    p: Float
    n: Int


def pairs(values: Float, lags: int, top: int = 5) -> Pairs:
    """Find the pairs that move together.

    Parameters
    ----------
    values
        Shape (series, windows), NaN where there is none.
    lags
        The largest lag looked at, in windows.  A pair is told only where there are shifts farther than twice as much in either direction
        around all windows, that is more than four times as many windows; forty more make chance known to about a ninth.
    top
        A pair is told where it is among so many surest of one of its series.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=(30, 123))
    >>> x[7, 3:] = x[4, :-3] + 0.5 * x[7, 3:]
    >>> found = pairs(x.cumsum(1)[:, 3:], lags=10)
    >>> found.first.tolist(), found.second.tolist(), found.lag.tolist()
    ([4], [7], [3])
    """
    values = within(values)
    e = innovations(values)
    z = scored(e)
    used = np.flatnonzero(~np.isnan(z).all(1))
    first, second, lag = _sieve(z[used], lags)
    parts = [slice(k, k + CHUNK) for k in range(0, len(first), CHUNK)]
    chances = [_chance(z[used], first[k], second[k], lag[k], lags) for k in parts]
    p, r = (np.concatenate([np.empty(0), *(c[i] for c in chances)]) for i in (0, 1))
    keep = np.flatnonzero(p <= threshold(p, len(used) * (len(used) - 1) // 2))
    keep = keep[np.lexsort((second[keep], first[keep], -abs(r[keep]), p[keep]))]
    keep = keep[foremost(first[keep], second[keep], top)]
    first, second, lag = used[first[keep]], used[second[keep]], lag[keep]
    pearson, n = along(e, first, second, lag)
    spearman, _ = along(ranked(e), first, second, lag)
    return Pairs(first, second, lag, pearson, spearman, plain(values, first, second, lag), p[keep], n)


def within(values: Float) -> Float:
    """Return rows that reach beyond `HUGE` divided by a power of two: squares of them do not overflow, and no correlation differs.

    Examples
    --------
    >>> within(np.array([[1.0, -2.0, np.nan], [3e300, np.nan, -1e308]])).round(2).tolist()
    [[1.0, -2.0, nan], [0.0, nan, -0.56]]
    """
    peak = np.where(np.isnan(values), 0.0, abs(values)).max(1, keepdims=True)
    return np.asarray(np.ldexp(values, np.where(peak > HUGE, -np.frexp(peak)[1], 0)))


def threshold(p: Float, tests: int) -> float:
    """Return the greatest chance that may be told (Benjamini–Hochberg); `p` are the least of `tests` chances.

    Examples
    --------
    >>> threshold(np.array([1e-9, 0.0001, 0.004]), 200), threshold(np.array([0.004]), 200)
    (0.0001, -1.0)
    """
    in_order = np.sort(p)
    passing = np.flatnonzero(in_order <= FALSE * np.arange(1, len(p) + 1) / max(tests, 1))
    return float(in_order[passing[-1]]) if len(passing) else -1.0


def foremost(first: Int, second: Int, top: int) -> Bool:
    """Say which pairs, in this order, are among the first `top` of one of their rows.

    Examples
    --------
    >>> foremost(np.array([0, 0, 0, 1]), np.array([1, 2, 3, 2]), 1).tolist()
    [True, True, True, False]
    """
    ends = np.stack([first, second], 1).ravel()
    order = np.argsort(ends, kind="stable")
    begins = np.searchsorted(ends[order], ends[order])
    before = np.empty(len(ends), np.int64)
    before[order] = np.arange(len(ends)) - begins
    return np.asarray((before.reshape(-1, 2) < top).any(1))


def side_by_side(x: Float, first: Int, second: Int, lag: Int) -> tuple[Float, Float]:
    """Return the rows of each pair, the second shifted back by its lag, NaN beyond its end; shape (pairs, windows) each."""
    windows = x.shape[1]
    at = np.arange(windows) + lag[:, None]
    return x[first], np.where(at < windows, x[second[:, None], np.minimum(at, windows - 1)], np.nan)


def along(x: Float, first: Int, second: Int, lag: Int) -> tuple[Float, Int]:
    """Return the mean product of each pair of standardised rows, and of how many windows."""
    a, b = side_by_side(x, first, second, lag)
    n = (~np.isnan(a * b)).sum(1)
    return np.clip(np.nansum(a * b, 1) / np.maximum(n, 1), -1.0, 1.0), n


def plain(values: Float, first: Int, second: Int, lag: Int) -> Float:
    """Return the correlation of the values themselves."""
    a, b = side_by_side(values, first, second, lag)
    both = ~np.isnan(a * b)
    a, b = (standard(np.where(both, x, np.nan)) for x in (a, b))
    return np.clip(np.nansum(a * b, 1) / np.maximum(both.sum(1), 1), -1.0, 1.0)


def _sieve(z: Float, lags: int) -> tuple[Int, Int, Int]:
    """Return all pairs that may have a chance below `FALSE`, the one that leads first, with the lag of their greatest correlation."""
    known = ~np.isnan(z)
    u, seen, n = np.where(known, z, 0.0), known.astype(np.float64), z.shape[1]
    best, at = np.zeros((len(z), len(z))), np.zeros((len(z), len(z)), np.int64)
    for lag in range(lags + 1):
        count = seen[:, : n - lag] @ seen[:, lag:].T
        square = np.minimum((u[:, : n - lag] @ u[:, lag:].T / np.maximum(count, 1.0)) ** 2, 1.0 - 1e-12)
        sure = np.where(count >= OVERLAP, square * (count - 2.0) / (1.0 - square), 0.0)
        better = sure > best
        best[better], at[better] = sure[better], lag
    np.fill_diagonal(best, 0.0)
    leads = (best > best.T) | ((best == best.T) & np.tri(len(z), k=-1, dtype=bool).T)
    first, second = np.nonzero(leads & (best > ndtri(FALSE / (2 * lags + 1) / 2.0) ** 2))
    return first, second, at[first, second]


def _chance(z: Float, first: Int, second: Int, lag: Int, lags: int) -> tuple[Float, Float]:
    """Return how probable each pair's correlation is by chance at any of the lags, 1 where it does not stand out; and the correlation."""
    a, b = side_by_side(z, first, second, lag)
    product, windows = np.nan_to_num(a * b), z.shape[1]
    n = (~np.isnan(a * b)).sum(1)
    r = product.sum(1) / n
    spectrum = np.fft.rfft(np.nan_to_num(z), axis=1)
    shifted = np.fft.irfft(np.conj(spectrum[first]) * spectrum[second], windows, axis=1)
    far = shifted[:, 2 * lags + 1 : max(windows - 2 * lags, 0)] / n[:, None]
    blocks = np.add.reduceat(product * np.sign(r)[:, None], np.arange(BLOCKS) * windows // BLOCKS, axis=1)
    rest = np.sort(blocks, axis=1)[:, :-2].sum(1)
    scatter = np.maximum(np.sqrt((far**2).sum(1) / max(far.shape[1], 1) * n), 1.0)
    p = betainc((n - 2.0) / 2.0, 0.5, 1.0 - np.minimum((r / scatter) ** 2, 1.0))
    highest = abs(far).max(1, initial=0.0) if far.shape[1] else np.inf
    stands_out = (highest <= FAR * abs(r)) & (rest >= REST * np.sqrt(n * (BLOCKS - 2) / BLOCKS))
    return np.where(stands_out, np.minimum(p * (2 * lags + 1), 1.0), 1.0), r
