"""The slope of a series whose readings remember each other: what is remembered is taken out of both sides, then the rest is regressed.

An autoregression is learnt from what a bent line leaves (a straight one would take every bend for memory), by Burg's recursion, as long as
Bayes' criterion wants it.  A season is memory too.  Where the memory does not differ from that of a random walk it is taken for one: the
slope is then the mean step.  Far readings pull with bounded weight.

References
----------
.. [1] Cochrane, Orcutt (1949), "Application of least squares regression to relationships containing auto-correlated error terms", Journal
   of the American Statistical Association 44(245), doi:10.1080/01621459.1949.10483290.
.. [2] Perron, Yabu (2009), "Estimating deterministic trends with an integrated or stationary noise component", Journal of Econometrics
   151(1), doi:10.1016/j.jeconom.2009.03.011: within 1/sqrt(n) of a random walk it is one; we correct for bias as in [3].
.. [3] Marriott, Pope (1954), "Bias in the estimation of autocorrelations", Biometrika 41(3/4), doi:10.2307/2332719.
.. [4] Huber (1973), "Robust regression: asymptotics, conjectures and Monte Carlo", Annals of Statistics 1(5), doi:10.1214/aos/1176342503:
   the estimate, and its variance (section 6).
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from config.records import Float
from operators.kernel import kernel
from operators.trend.select import middle

MOST = 24  # readings remembered, and no more than a tenth of all
BENDS = 60  # readings from which a bend is told from memory
NEAR = 10.0  # n times the bias of what stays, where all of it does
FAR = 3.5  # deviations to which readings are cut before their memory is learnt
PULL = 1.345  # deviations up to which a reading pulls in proportion [4]


@kernel
def spread(a: Float, n: int, scratch: Float) -> float:
    """Return the deviation of numbers about 0 that far ones do not move."""
    for i in range(n):
        scratch[i] = abs(a[i])
    return 1.4826 * middle(scratch, n)


@kernel
def unbend(y: Float, x: Float, n: int, rest: Float, scratch: Float) -> None:
    """Write what a parabola in x (mean 0) leaves of y, far readings cut."""
    m2 = m3 = 0.0
    for i in range(n):
        m2 += x[i] * x[i] / n
        m3 += x[i] ** 3 / n
    norm = 0.0
    for i in range(n):
        norm += (x[i] * x[i] - m2 - m3 / m2 * x[i]) ** 2
    center = middle(y, n)
    for i in range(n):
        rest[i] = y[i] - center
    for _ in range(2):
        far = FAR * spread(rest, n, scratch)
        level = line = bend = 0.0
        for i in range(n):
            r = min(max(rest[i], -far), far)
            rest[i] = r
            level += r / n
            line += r * x[i] / (m2 * n)
            bend += (n >= BENDS) * r * (x[i] * x[i] - m2 - m3 / m2 * x[i]) / norm
        for i in range(n):
            rest[i] -= level + line * x[i] + bend * (x[i] * x[i] - m2 - m3 / m2 * x[i])


@kernel
def remember(rest: Float, n: int, work: Float, weight: Float) -> int:
    """Write the weights of the readings before one, nearest first; return how many (Burg's recursion, Bayes' criterion)."""
    forth, back, new, held = work[0], work[1], np.empty(MOST), np.empty(MOST)
    power = 0.0
    for i in range(n):
        forth[i] = back[i] = rest[i]
        power += rest[i] * rest[i]
    found, cost, least = 0, 0.0, 0.0
    if power <= 0.0:
        return 0
    for m in range(1, min(MOST, n // 10) + 1):
        both = power = 0.0
        for i in range(m, n):
            both += forth[i] * back[i - 1]
            power += forth[i] * forth[i] + back[i - 1] * back[i - 1]
        k = 2.0 * both / power if power > 0.0 else 0.0
        for i in range(n - 1, m - 1, -1):
            forth[i], back[i] = forth[i] - k * back[i - 1], back[i - 1] - k * forth[i]
        for j in range(m - 1):
            new[j] = held[j] - k * held[m - 2 - j]
        new[m - 1] = k
        for j in range(m):
            held[j] = new[j]
        cost += n * log(max(1.0 - k * k, 1e-12)) + log(n)
        if cost < least:
            found, least = m, cost
            weight[:m] = held[:m]
    return found


@kernel
def wander(weight: Float, order: int, n: int) -> float:
    """Return how much of a level stays; where that may be all of it, make it all."""
    total = 0.0
    for j in range(order):
        total += weight[j]
    if total <= 0.0:
        return total
    stays = total + (2.0 + 4.0 * total) / n
    if 1.0 - total < NEAR / n + 1.0 / sqrt(n):
        stays = 1.0
    for j in range(order):
        weight[j] *= stays / total
    return stays


@kernel
def regress(u: Float, x: Float, n: int, constant: bool, work: Float) -> tuple[float, float]:
    """Return slope and its error, from the slope that `work[2, 0]` holds on."""
    slope, rest, scratch = work[2, 0], work[0], work[1]
    level = scale = mean = inside = power = square = 0.0
    for i in range(n):
        rest[i] = u[i] - slope * x[i]
    if constant:
        level = middle(rest, n)
    for _ in range(4):
        for i in range(n):
            rest[i] = u[i] - level - slope * x[i]
        scale = max(spread(rest, n, scratch), 1e-300)
        w1 = wx = wu = wxx = wxu = 0.0
        for i in range(n):
            w = min(1.0, PULL * scale / max(abs(rest[i]), 1e-300))
            w1, wx, wu, wxx, wxu = w1 + w, wx + w * x[i], wu + w * u[i], wxx + w * x[i] * x[i], wxu + w * x[i] * u[i]
        if constant:
            slope = (wxu - wx * wu / w1) / (wxx - wx * wx / w1)
            level = (wu - slope * wx) / w1
        else:
            slope = wxu / wxx
    if constant:
        mean = x[:n].mean()
    for i in range(n):
        e = (u[i] - level - slope * x[i]) / scale
        inside += (abs(e) < PULL) / n
        square += min(max(e, -PULL), PULL) ** 2
        power += (x[i] - mean) ** 2
    free = 2.0 if constant else 1.0
    inside = max(inside, 1e-3)
    growth = 1.0 + free / n * (1.0 - inside) / inside
    return slope, growth * scale / inside * sqrt(square / (n - free) / power)


@kernel
def whitened(y: Float, at: Float, n: int, start: float, work: Float) -> tuple[int, float, float, float]:
    """Return how many readings are remembered, and where that is not 0 slope, its error and how many free readings that rests on.

    Parameters
    ----------
    y, at
        Shape (n,) and more: readings, and where they stand.
    start
        A slope that far readings do not move.
    work
        Shape (6, n), for notes.
    """
    x, rest, weight = work[3], work[4], np.empty(MOST)
    mean = at[:n].mean()
    unit = max(abs(at[n - 1] - mean), abs(at[0] - mean))
    for i in range(n):
        x[i] = (at[i] - mean) / unit
    unbend(y, x, n, rest, work[0])
    order = remember(rest, n, work, weight)
    if order == 0:
        return 0, 0.0, 0.0, 0.0
    stays = wander(weight, order, n)
    m, u, v = n - order, work[4], work[5]
    for i in range(m):
        u[i], v[i] = y[i + order] - (y[0] if stays == 1.0 else 0.0), x[i + order]
        for j in range(order):
            u[i] -= weight[j] * (y[i + order - 1 - j] - (y[0] if stays == 1.0 else 0.0))
            v[i] -= weight[j] * x[i + order - 1 - j]
    work[2, 0] = start * unit
    slope, error = regress(u, v, m, stays < 1.0, work)
    left = m - 2.0 if stays == 1.0 else n * (1.0 - max(stays, 0.0)) / (1.0 + max(stays, 0.0)) - 2.0
    return order, slope / unit, error / unit, max(left, 3.0)
