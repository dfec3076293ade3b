"""The members of a forecaster, each cheap and online; what they say together is weighed by how far off each has been lately.

Naive: as a season ago, as a week of seasons ago.  Holt and Winters: level, damped trend and season by exponential smoothing.
Theta: half of the long trend, over a smoothing of what is left of that season.
Regressions on the values at lags near a whole number of seasons: of values, of differences from the value before, and of
differences from a season ago.  They are drawn to the mean, to the last value and to the last season, so that
each is the best of them on another kind of series.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import Float
from operators.forecast import theta
from operators.forecast.interval import judge, promise
from operators.forecast.plan import Plan, State
from operators.forecast.ridge import dot, features, gather, solve
from operators.kernel import kernel

ALPHA, BETA, GAMMA, PHI = 0.1, 0.1, 0.2, 0.9  # Holt and Winters: of level, trend and season; damping
KEEP = 1.0 - 1.0 / 2048.0  # of the regressions' sums, a value
FAR = 3.0  # mean distances from which on an error counts no more
MEMORY = 40.0  # forecasts over which a member's error is averaged: five horizons
ROOM = 0.5  # how far forecasts may leave the range of what is kept, as a share of it


@kernel
def learn(s: State, p: Plan, x: float) -> None:
    """Take the next value, NaN where it is missing: judge forecasts under way, then teach every member."""
    reach = len(s.past) // 2
    if s.n[0] == 0:
        if np.isnan(x):
            return
        s.centre[0], s.filled[0] = x, reach
    y = x - s.centre[0]
    for slot in range(len(s.origin)):
        h = s.n[0] - s.origin[slot]
        if s.n[0] >= p.period and s.origin[slot] > 0 and h < p.horizon:
            judge(s, slot, h, y, MEMORY)
    known = not np.isnan(y)
    at = s.filled[0]
    if at == len(s.past):
        for i in range(reach):
            s.past[i] = s.past[reach + i]
        at = reach
    s.past[at] = y if known else s.past[at - p.period]
    s.filled[0] = at + 1
    if s.n[0] >= p.period:
        theta.smooth(s, s.past[at] - s.course[s.n[0] % p.period], known)
    smooth(s, p, s.past[at], known)
    if known:
        regress(s, p, at)
    s.n[0] += 1


@kernel
def smooth(s: State, p: Plan, y: float, known: bool) -> None:
    """Teach the level, trend and season of Holt and Winters; the first season is taken as it comes."""
    n, i = s.n[0], s.n[0] % p.period
    if n < p.period:
        s.course[i] = y
        if n == p.period - 1:
            for j in range(n + 1):
                s.level[0] += s.course[j] / p.period
            for j in range(n + 1):
                s.course[j] -= s.level[0]
    elif known:
        e = y - (s.level[0] + PHI * s.trend[0] + s.course[i])
        s.level[0] += PHI * s.trend[0] + ALPHA * e
        s.trend[0] = PHI * s.trend[0] + ALPHA * BETA * e
        if p.period > 1:
            s.course[i] += GAMMA * (1.0 - ALPHA) * e
    else:
        s.level[0] += PHI * s.trend[0]
        s.trend[0] *= PHI


@kernel
def regress(s: State, p: Plan, at: int) -> None:
    """Teach every regression for which enough is kept; what is far from expected weighs less (Huber's weights)."""
    v = np.empty(len(p.lags) + 1)
    for g in range(len(p.sizes)):
        k, d = p.sizes[g], p.differences[g]
        if s.n[0] < p.needs[g]:
            continue
        vk = v[: k + 1]
        features(s.past, at, p.lags, d, vk)
        y = s.past[at] - s.past[at - d] if d else s.past[at]
        weight = 1.0
        if s.seen[g] > 2 * k:
            e = abs(y - dot(s.coefficient[g], vk))
            limit = FAR * s.typical[g] if s.typical[g] > 0.0 else e
            weight = limit / e if e > limit else 1.0
            s.typical[g] += (0.02 if s.typical[g] > 0.0 else 1.0) * (min(e, limit) - s.typical[g])
        gather(s.gram[g, : k + 1, : k + 1], s.moment[g, : k + 1], vk, y, weight, KEEP)
        s.seen[g] += 1


@kernel
def expect(s: State, p: Plan, coefficient: Float, out: Float) -> None:
    """Write what each member and, last, all together expect, about the centre; `coefficient` is solved on the way.

    Parameters
    ----------
    coefficient
        Shape of ``s.coefficient``, or that itself.
    out
        Shape (members + 1, horizon) or longer.
    """
    at, h = s.filled[0], p.horizon
    now = min(s.n[0], len(s.past) // 2)
    w = np.empty(now + h)
    low = high = s.past[at - 1]
    for i in range(now):
        w[i] = s.past[at - now + i]
        low, high = min(low, w[i]), max(high, w[i])
    low, high = low - ROOM * (high - low), high + ROOM * (high - low)
    for c in range(len(p.cycles)):
        q = p.cycles[c] if p.cycles[c] <= now else p.period
        for i in range(h):
            out[c, i] = w[now + i - q * (1 + i // q)]
    c = len(p.cycles)
    slope, damp = 0.0, 1.0
    for i in range(h):
        damp *= PHI
        slope += damp
        out[c, i] = min(max(s.level[0] + slope * s.trend[0] + s.course[(s.n[0] + i) % p.period], low), high)
    c += 1
    theta.ahead(s, out[c])
    for i in range(h):
        y = out[c, i] + s.course[(s.n[0] + i) % p.period]
        out[c, i] = min(max(y, low), high) if s.line[0] > 0.0 else out[0, i]
    root, v = np.empty((coefficient.shape[1], coefficient.shape[1])), np.empty(coefficient.shape[1])
    for g in range(len(p.sizes)):
        k, d = p.sizes[g], p.differences[g]
        if s.seen[g] <= k:
            for i in range(h):
                out[c + 1 + g, i] = out[0, i]
            continue
        solve(s.gram[g, : k + 1, : k + 1], s.moment[g, : k + 1], root, coefficient[g, : k + 1])
        for i in range(h):
            features(w, now + i, p.lags, d, v[: k + 1])
            y = dot(coefficient[g], v[: k + 1]) + (w[now + i - d] if d else 0.0)
            w[now + i] = out[c + 1 + g, i] = min(max(y, low), high)
    combine(s.error, out)


@kernel
def combine(error: Float, out: Float) -> None:
    """Write into the last row the members' mean, weighed by the inverse fourth power of their errors."""
    m, best, total = len(error), error[0], 0.0
    for i in range(m):
        best = min(best, error[i])
    for h in range(out.shape[1]):
        out[m, h] = 0.0
    for i in range(m):
        ratio = best / error[i] if error[i] > best else 1.0
        weight = ratio * ratio * ratio * ratio
        total += weight
        for h in range(out.shape[1]):
            out[m, h] += (out[i, h] - out[m, h]) * weight / total


@kernel
def each(s: State, p: Plan, x: Float) -> None:
    """Learn values in turn; every `stride` values a forecast is kept until its horizon has passed, to be judged."""
    for i in range(len(x)):
        learn(s, p, x[i])
        n = s.n[0]
        if n >= p.period and n > 1 and n % p.stride == 0:
            slot = n // p.stride % len(s.origin)
            s.origin[slot] = n
            for m in range(s.off.shape[1]):
                s.off[slot, m] = 0.0
            expect(s, p, s.coefficient, s.pending[slot])
            promise(s, slot)


def weights(error: Any) -> Float:
    """Return the members' weights, of sum 1.

    Examples
    --------
    >>> weights(np.array([1.0, 2.0])).round(3).tolist()
    [0.941, 0.059]
    """
    out = np.concatenate([np.eye(len(error)), np.zeros((1, len(error)))])
    combine(error, out)
    return out[-1]
