"""The forecaster again, written for reading: whole history, NumPy's solver, lists of forecasts, no ring and no scratch.

`x` are readings without gaps, fewer than are kept.
"""

from __future__ import annotations

import numpy as np


def holt_winters(x, p, horizon, alpha=0.1, beta=0.1, gamma=0.2, phi=0.9):
    level, trend, course = np.mean(x[:p]), 0.0, list(x[:p] - np.mean(x[:p]))
    for t in range(p, len(x)):
        e = x[t] - (level + phi * trend + course[t % p])
        level, trend = level + phi * trend + alpha * e, phi * trend + alpha * beta * e
        course[t % p] += gamma * (1 - alpha) * e if p > 1 else 0.0
    ahead = np.arange(1, horizon + 1)
    said = level + trend * np.cumsum(phi**ahead) + np.array([course[(len(x) + h - 1) % p] for h in ahead])
    return said, course


def theta(x, p, horizon):
    """Smooth what is left of Holt and Winters' season by four weights, take the best, add half the slope of the line through all."""
    y = [x[n] - season_before(x[:n], p)[n % p] for n in range(p, len(x))]
    weight = (1 - 1 / 2048) ** np.arange(len(y) - 1, -1, -1)
    best = None
    for alpha in (0.1, 0.3, 0.6, 0.9):
        level, missed = y[0], 0.0
        for n in range(1, len(y)):
            error = y[n] - level
            missed = missed * (1 - 1 / 2048) + abs(error - lag(y[:n], alpha))
            level += alpha * error
        if best is None or missed < best[0]:
            best = missed, level + lag(y, alpha)
    season = season_before(x, p)
    half = half_slope(y, weight)
    return np.array([best[1] + half * h + season[(len(x) + h) % p] for h in range(horizon)])


def season_before(x, p):
    """Return the season that `holt_winters` has learnt of `x`."""
    return holt_winters(x, p, 0)[1]


def half_slope(y, weight):
    return np.polyfit(np.arange(len(y)), y, 1, w=np.sqrt(weight))[0] / 2 if len(y) > 2 else 0.0


def lag(y, alpha):
    """Say how far half a line lies before its smoothing."""
    weight = (1 - 1 / 2048) ** np.arange(len(y) - 1, -1, -1)
    return half_slope(y, weight) * (1 - (1 - alpha) ** weight.sum()) / alpha


def naive(x, cycle, horizon):
    return np.array([x[len(x) - cycle + h % cycle] for h in range(horizon)])


class Regression:
    """A ridge regression on lags of values or of differences, solved from all it has seen."""

    def __init__(self, lags, d):
        self.lags, self.d = np.array(lags), d
        self.rows, self.y, self.weight = [], [], []
        self.coefficient, self.typical = np.zeros(len(lags) + 1), 0.0

    def inputs(self, x, t):
        values = x[t - self.lags] - (x[t - self.lags - self.d] if self.d else 0.0)
        return np.append(values, 1.0)

    def learn(self, x, t):
        if t < max(self.lags) + self.d:
            return
        v, y, weight = self.inputs(x, t), x[t] - (x[t - self.d] if self.d else 0.0), 1.0
        if len(self.y) > 2 * len(self.lags):
            e = abs(y - self.coefficient @ v)
            limit = 3 * self.typical if self.typical else e
            weight = min(1.0, limit / e)
            self.typical += (0.02 if self.typical else 1.0) * (min(e, limit) - self.typical)
        self.rows.append(v)
        self.y.append(y)
        self.weight.append(weight)

    def solve(self):
        v, n = np.array(self.rows), len(self.y)
        w = np.array(self.weight) * (1 - 1 / 2048) ** np.arange(n - 1, -1, -1)
        mean = np.average(v[:, :-1], axis=0, weights=w)
        variance = np.average((v[:, :-1] - mean) ** 2, axis=0, weights=w).mean()
        ridge = np.diag([variance] * (v.shape[1] - 1) + [0.0])
        self.coefficient = np.linalg.solve(v.T @ (v * w[:, None]) + ridge, v.T @ (w * np.array(self.y)))

    def ahead(self, x, horizon):
        room = 0.5 * np.ptp(x)
        y = np.array(x)
        for _ in range(horizon):
            f = self.coefficient @ self.inputs(y, len(y)) + (y[len(y) - self.d] if self.d else 0.0)
            y = np.append(y, np.clip(f, x.min() - room, x.max() + room))
        return y[len(x) :]


def members(x, plan, regressions):
    """Forecasts of every member, shape (members, horizon)."""
    h, p = plan.horizon, plan.period
    room = 0.5 * np.ptp(x)
    out = [naive(x, c if c <= len(x) else p, h) for c in plan.cycles]
    out.append(np.clip(holt_winters(x, p, h)[0], x.min() - room, x.max() + room))
    out.append(np.clip(theta(x, p, h), x.min() - room, x.max() + room) if len(x) > p else out[0])
    for r in regressions:
        if len(r.y) > len(r.lags):
            r.solve()
            out.append(r.ahead(x, h))
        else:
            out.append(out[0])
    return np.array(out)


def mean_error(errors, memory=40):
    mean = 0.0
    for i, e in enumerate(errors):
        mean += max(1 / (i + 1), 1 / memory) * (e - mean)
    return mean


class Interval:
    """Mean distances by horizon and by place in the season, and how many of them hold 80 and 95 %."""

    def __init__(self, plan):
        self.away = [[] for _ in range(plan.horizon)]
        self.uneven, self.width = np.ones(plan.period), {0.8: 1.6, 0.95: 2.75}

    def told(self, n):
        """Say half-widths of a forecast made after n values, by level; 0 where too little is known."""
        known = [mean_error(a, 64) if len(a) >= 4 else 0.0 for a in self.away]
        place = self.uneven[(n + np.arange(len(known))) % len(self.uneven)]
        return {share: width * place * known for share, width in self.width.items()}

    def learn(self, e, h, n, told):
        for share, half in told.items():
            if half[h] > 0:
                self.width[share] *= np.exp(0.003 * ((e > half[h]) - (1 - share)))
        mean, place = mean_error(self.away[h], 64), n % len(self.uneven)
        if mean > 0:
            self.uneven[place] += (min(e / mean, 5) - self.uneven[place]) / 256
        self.away[h].append(e)


def forecast(x, plan):
    """Forecast after the last of `x`, and its interval."""
    x = np.asarray(x) - x[0]
    pairs = zip(plan.sizes, plan.differences, strict=True)
    regressions = [Regression(plan.lags[:size], d) for size, d in pairs]
    made, off, interval = {}, [], Interval(plan)
    for n in range(1, len(x) + 1):
        # those under way stand in a ring: they are judged in its order
        for origin, (said, told) in sorted(made.items(), key=lambda it: it[0] // plan.stride % plan.slots):
            h = n - 1 - origin
            if h < plan.horizon:
                interval.learn(abs(x[n - 1] - said[-1, h]), h, n - 1, told)
            if h == plan.horizon - 1:
                off.append(np.abs(said[:-1] - x[origin:n]).mean(axis=1))
        for r in regressions:
            r.learn(x[:n], n - 1)
        if n > 1 and n >= plan.period and n % plan.stride == 0:
            made[n] = together(members(x[:n], plan, regressions), off), interval.told(n)
    return together(members(x, plan, regressions), off)[-1], interval


def together(said, off):
    """Add the weighed mean as the last row."""
    error = np.array([mean_error(e) for e in np.array(off).T]) if off else np.ones(len(said))
    weight = (error.min() / error) ** 4
    return np.vstack([said, weight @ said / weight.sum()])
