"""Correlated pairs again, a pair and a lag at a time."""

import numpy as np
from scipy.stats import norm, pearsonr, rankdata
from scipy.stats import t as student

from operators.correlate.innovations import LEAST, LINE
from operators.correlate.pairs import BLOCKS, FALSE, FAR, OVERLAP, REST
from operators.trend.whiten import FAR as CUT
from operators.trend.whiten import NEAR
from tests.naive_trend import middle, remember, unbend


def innovations(y):
    """Return what a series' own past does not tell, NaN where not known; None of a series that is too short."""
    given = ~np.isnan(y)
    begin = int(np.argmax(given))
    if given.sum() < LEAST:
        return None
    y, given, t = y[begin:], given[begin:], np.arange(len(y) - begin)
    full, n, x = np.interp(t, t[given], y[given]), len(t), np.linspace(-1, 1, len(t))
    weight = remember(unbend(full, x))
    if (total := weight.sum()) > 0:
        stays = 1.0 if 1 - total < NEAR / n + 1 / np.sqrt(n) else total + (2 + 4 * total) / n
        weight = weight * stays / total
    order = len(weight)
    e, bent = np.convolve(full, np.append(1.0, -weight), "valid"), np.vander(x[order:], 3)
    rest = e - middle(e)
    far = CUT * 1.4826 * middle(abs(rest))
    e = rest - bent @ np.linalg.lstsq(bent, np.clip(rest, -far, far), rcond=None)[0]
    known = given & np.append(True, given[:-1])
    out = np.full(begin + n, np.nan)
    out[begin + order :][known[order:]] = e[known[order:]]
    return standard(unlined(standard(out)))


def standard(e):
    return (e - np.nanmean(e)) / np.nanstd(e)


def unlined(e):
    spectrum = np.fft.rfft(np.nan_to_num(e))
    power = abs(spectrum) ** 2
    level = np.median(power[1:]) / np.log(2)
    for k in np.flatnonzero(power > level * np.log(len(power) / LINE)):
        spectrum[k] *= np.sqrt(level / power[k])
    return np.where(np.isnan(e), np.nan, np.fft.irfft(spectrum, len(e)))


def scored(e):
    known, z = ~np.isnan(e), np.full(len(e), np.nan)
    z[known] = norm.ppf((rankdata(e[known]) - 0.5) / known.sum())
    return standard(z)


def overlap(a, b, lag):
    """Return what stands side by side when b is shifted back by a lag."""
    a, b = a[: len(a) - lag], b[lag:]
    both = ~np.isnan(a + b)
    return a[both], b[both]


def chance(a, b, lag, lags):
    """Return how probable the correlation of two rows of scores is, 1 where it does not stand out."""
    u, v = overlap(a, b, lag)
    n, r = len(u), np.mean(u * v)
    u, v, windows = np.nan_to_num(a), np.nan_to_num(b), len(a)
    far = np.array([u @ np.roll(v, -k) / n for k in range(2 * lags + 1, windows - 2 * lags)])
    product = np.append(u[: windows - lag] * v[lag:], np.zeros(lag))
    cuts = [k * windows // BLOCKS for k in range(1, BLOCKS)]
    blocks = sorted(part.sum() * np.sign(r) for part in np.split(product, cuts))
    if max(abs(far)) > FAR * abs(r) or sum(blocks[:-2]) < REST * np.sqrt(n * (BLOCKS - 2) / BLOCKS):
        return 1.0
    r /= max(np.sqrt(np.mean(far**2) * n), 1)
    return min(1, 2 * student.sf(abs(r) * np.sqrt((n - 2) / (1 - r * r)), n - 2) * (2 * lags + 1))


def pairs(values, lags):
    """Return {(first, second): (lag, pearson, spearman, raw, p, n)}."""
    e = {k: x for k, y in enumerate(values) if (x := innovations(y)) is not None}
    z = {k: scored(x) for k, x in e.items()}
    found = {}
    for i in z:
        for j in (k for k in z if k > i):
            ways = [(a, b, lag) for a, b in ((i, j), (j, i)) for lag in range(lags + 1) if (a, lag) != (j, 0)]

            def sure(way):
                u, v = overlap(z[way[0]], z[way[1]], way[2])
                r2 = np.mean(u * v) ** 2
                return r2 * (len(u) - 2) / (1 - r2) if len(u) >= OVERLAP else 0

            a, b, lag = max(ways, key=sure)
            found[a, b] = lag, chance(z[a], z[b], lag, lags)
    in_order = sorted(found.items(), key=lambda it: it[1][1])
    last = max((k for k, (_, (_, p)) in enumerate(in_order, 1) if p <= FALSE * k / len(in_order)), default=0)
    return {pair: said(values, e, pair, *of) for pair, of in in_order[:last]}


def said(values, e, pair, lag, p):
    i, j = pair
    ranks = [standard(np.where(np.isnan(e[k]), np.nan, rankdata(e[k], nan_policy="omit"))) for k in pair]
    (u, v), (ru, rv) = overlap(e[i], e[j], lag), overlap(*ranks, lag)
    return lag, np.mean(u * v), np.mean(ru * rv), pearsonr(*overlap(values[i], values[j], lag))[0], p, len(u)
