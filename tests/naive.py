"""Each detector and trend again, written for reading: whole history where that defines it, no speed, nothing ever odd.

`x` are readings of which none repeats, `t` stamps in seconds.  Scores of readings before the warm-up ends are NaN.
"""

from __future__ import annotations

import datetime
from itertools import combinations, groupby
from math import log

import numpy as np

SHARE, PEAK = 0.02, 0.2102  # of readings begin a run; mean of log(1 + e / -log(SHARE)) of exponential e


class Peaks:
    """Peaks over a threshold, with the list of all of them."""

    def __init__(self, chance=4e-4):
        self.high, self.logs, self.rare, self.common = 0.0, [PEAK] * 8, -log(chance), -log(SHARE)

    @property
    def threshold(self):
        return max(self.high, (self.common / self.rare) ** 0.5)

    @property
    def power(self):
        return min(max(PEAK / np.sum(weights(len(self.logs), 1 / 50) * self.logs), 0.2), 2.0)

    @property
    def step(self):
        return max(1 / len(self.logs), 1 / 50) / 5

    def score(self, y, n):
        """Return how odd a deviation of `y` limits is after n readings."""
        ratio = y / self.threshold
        return self.common / self.rare * n / (n + 30) * (ratio if ratio <= 1 else ratio**self.power)

    def sink(self):
        self.high = self.threshold * (1 - SHARE * self.step)

    def rise(self):
        self.high = self.threshold * (1 + self.step)


def calibrated(deviations):
    """Turn deviations in limits, NaN before the warm-up, into scores."""
    peaks, out, peak, hold, run = Peaks(), [], 0.0, 0, 0
    for n, y in enumerate(deviations):
        odd = peaks.score(y, n)
        out.append(odd)
        if np.isnan(odd):
            continue
        run = run + 1 if odd >= 1 else max(0, run - 2)
        if run == 0:
            peaks.sink()
        beyond = min(odd * (n + 30) / n, 1.5) * peaks.rare / peaks.common
        if beyond > 1:
            peak = max(peak, log(beyond) / peaks.power)
            if hold == 0:
                peaks.rise()
                hold = 10
        if hold > 0 and run == 0:
            hold -= 1
            if hold == 0:
                peaks.logs.append(peak)
                peak = 0.0
    return out


def weights(n, weight):
    """Weights of n readings, the oldest first: the first 1 / weight alike, older ones fading."""
    w = np.zeros(0)
    for k in range(1, n + 1):
        a = max(weight, 1 / k)
        w = np.append(w * (1 - a), a)
    return w


def moments(x, weight):
    w = weights(len(x), weight)
    mean = np.sum(w * x)
    return mean, np.sqrt(np.sum(w * (x - mean) ** 2))


def ewma(t, x, limit, weight=0.01, warmup=30):
    past = [moments(x[:i], weight) if i >= warmup else (np.nan, np.nan) for i in range(len(x))]
    return [abs(x[i] - mean) / sd / limit for i, (mean, sd) in enumerate(past)]


def zscore(t, x, limit, warmup=30):
    return ewma(t, x, limit, 0.0, warmup)


def cusum(t, x, limit, weight=0.01, slack=0.5, warmup=30):
    out, up, down, last = [], 0.0, 0.0, 0.0
    mean, var, cov, drift, rest = x[0], 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        stays = min(max(cov / var, 0), 0.99) if var > 0 else 0.0
        expected = mean + (stays * last + drift if var > 0 else 0.0)
        d, e = x[i] - mean, x[i] - expected
        if i >= warmup:
            z = np.clip(e / max(np.sqrt(rest), 0.05 * np.sqrt(var)), -limit, limit)
            up, down = max(0, up + z - slack), max(0, down - z - slack)
            out.append(max(up, down) / limit)
        else:
            out.append(np.nan)
        a = max(weight, 1 / (i + 1))
        if i > 0:
            cov += a * (d * last - cov)
            drift, rest = drift + a * e, (1 - a) * (rest + a * e * e)
            mean, var = mean + a * d, (1 - a) * (var + a * d * d)
        last = x[i] - mean
    return out


def flatline(t, x, limit):
    """Return scores, not deviations."""
    out, peaks = [], Peaks()
    for i in range(len(x)):
        runs, values = [len(list(run)) for _, run in groupby(x[:i])], set(x[: i + 1])
        ended, now = runs[:-1], runs[-1] if runs else 0
        if i < 10 or (len(ended) < 10 and len(values) > 2):
            out.append(np.nan)
        else:
            out.append(peaks.score((now + 1) / limit, i) if len(values) > 2 and x[i] == x[i - 1] else 0.0)
        peaks.sink()
        if i > 0 and x[i] != x[i - 1] and now > limit * peaks.threshold:
            peak = log(now / limit / peaks.threshold)
            peaks.rise()
            peaks.logs.append(peak)
    return out


def rate(t, x, limit, weight=0.01, warmup=30):
    return [np.nan, *ewma(t[1:], np.diff(x) / np.diff(t), limit, weight, warmup - 1)]


def quantile_step(estimate, x, q, step):
    return min(x, estimate + step * q) if x > estimate else max(x, estimate - step * (1 - q))


def mad(t, x, limit, weight=0.01, warmup=30):
    out, median, mad, spread = [], x[0], 0.0, 0.0
    for i in range(len(x)):
        far, a = abs(x[i] - median), max(weight, 1 / (i + 1))
        out.append(np.nan if i < warmup else far / max(1.4826 * mad, spread) / limit)
        spread += a * (far - spread)
        median = quantile_step(median, x[i], 0.5, 4 * a * spread)
        mad = quantile_step(mad, far, 0.5, 4 * a * spread)
    return out


def iqr(t, x, limit, weight=0.01, warmup=30):
    out, q1, median, q3, spread = [], x[0], x[0], x[0], 0.0
    for i in range(len(x)):
        a = max(weight, 1 / (i + 1))
        width = max(2 * (q3 - median if x[i] > median else median - q1), spread)
        out.append(np.nan if i < warmup else abs(x[i] - median) / (width / 2 + limit * width))
        spread += a * (abs(x[i] - median) - spread)
        median = quantile_step(median, x[i], 0.5, 4 * a * spread)
        q1 = min(median, quantile_step(q1, x[i], 0.25, 4 * a * spread))
        q3 = max(median, quantile_step(q3, x[i], 0.75, 4 * a * spread))
    return out


def half_hour(seconds):
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.weekday() >= 5, at.hour * 2 + at.minute // 30


def profile(t, x, limit, weight=0.1, warmup=30):
    out, days, spreads, visit, level, var = [], {}, {}, [], x[0], 0.0
    cells = [half_hour(s) for s in t]

    def fold(means):
        value = 0.0
        for k, mean in enumerate(means):
            value += (mean - value) / min(k + 1, 6)
        return value

    for i, (weekend, bucket) in enumerate(cells):
        if i > 0 and cells[i] != cells[i - 1]:
            days.setdefault(cells[i - 1], []).append(np.mean([v for v, _ in visit]))
            spreads.setdefault(cells[i - 1][1], []).append(np.mean([abs(r) for _, r in visit]))
            visit = []
        own, other = days.get((weekend, bucket), []), days.get((not weekend, bucket), [])
        n, lent = min(len(own), 6), 0.5 * min(len(other), 1)
        usual = (n * fold(own) + lent * fold(other)) / (n + lent) if own or other else 0.0
        yhat = ((n + lent) * usual + 0.5 * level) / (n + lent + 0.5)
        both = n + min(len(other), 6)
        doubt = 0.0 if own else lent * 0.5 / (lent + 0.5) ** 2 * (usual - level) ** 2
        sd = np.sqrt((both * (1.25 * fold(spreads.get(bucket, []))) ** 2 + 2 * var) / (both + 2) + doubt)
        out.append(np.nan if i < warmup else abs(x[i] - yhat) / sd / limit)
        rest, k = x[i] - yhat if i > 0 else 0.0, i + 1
        visit.append((x[i], rest))
        level += max(weight, 1 / k) * (x[i] - level)
        var += max(0.1 * weight, 1 / k) * (rest**2 - var)
    return out


def holt_winters(t, x, limit, trend=0.02, season=0.3, period=86400, warmup=60):
    out, seasons, visit, level, slope, var, every = [], {}, [], x[0], 0.0, 0.0, 0.0
    cells = [int(s % period * 96 // period) for s in t]
    for i, cell in enumerate(cells):
        ahead = min((t[i] - t[i - 1]) / every, 3) if every > 0 else 0.0
        e = x[i] - (level + slope * ahead + seasons.get(cell, 0.0))
        out.append(np.nan if i < warmup else abs(e) / np.sqrt(var) / limit)
        if i > 0:
            every += max(0.02, 1 / i) * (t[i] - t[i - 1] - every)
            ahead = min((t[i] - t[i - 1]) / every, 3)
            e = x[i] - (level + slope * ahead + seasons.get(cell, 0.0))
        if visit and cell != cells[i - 1]:
            old = seasons.get(cells[i - 1])
            seasons[cells[i - 1]] = np.mean(visit) if old is None else old + season * np.mean(visit)
            visit = []
        a = max(1 - np.exp(-every * ahead / period), 1 / (i + 1))
        level += slope * ahead + a * e
        slope += a * trend * e
        var += max(0.01, 1 / (i + 1)) * (e * e - var)
        visit.append(e)
    return out


def tau(y):
    """Kendall's tau-b of a series against its order."""
    pairs = [np.sign(y[b] - y[a]) for a, b in combinations(range(len(y)), 2)]
    untied = np.count_nonzero(pairs)
    return np.sum(pairs) / np.sqrt(len(pairs) * untied) if untied else 0.0
