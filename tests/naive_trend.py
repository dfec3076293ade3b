"""The slope under memory again, with matrices instead of sums."""

import numpy as np

from operators.trend.whiten import BENDS, FAR, MOST, NEAR, PULL


def middle(a):
    return np.sort(a)[len(a) // 2]


def unbend(y, x):
    """Return what a line, from `BENDS` readings on a parabola, leaves of y, far readings cut."""
    bent = np.vander(x, 3 if len(y) >= BENDS else 2)
    rest = y - middle(y)
    for _ in range(2):
        rest = np.clip(rest, -FAR * 1.4826 * middle(abs(rest)), FAR * 1.4826 * middle(abs(rest)))
        rest = rest - bent @ np.linalg.lstsq(bent, rest, rcond=None)[0]
    return rest


def remember(rest):
    n, forth, back, weight, cost = len(rest), rest, rest, np.zeros(0), 0.0
    best, least = weight, 0.0
    for _ in range(min(MOST, n // 10)):
        f, b = forth[1:], back[:-1]
        k = 2 * (f @ b) / (f @ f + b @ b)
        forth, back, weight = f - k * b, b - k * f, np.append(weight - k * weight[::-1], k)
        cost += n * np.log(1 - k * k) + np.log(n)
        if cost < least:
            best, least = weight, cost
    return best


def whitened(y, at, start):
    x = at - at.mean()
    unit = abs(x).max()
    x, n = x / unit, len(y)
    weight = remember(unbend(y, x))
    if not len(weight):
        return 0, 0.0, 0.0, 0.0
    total = stays = weight.sum()
    if total > 0:
        stays = 1.0 if 1 - total < NEAR / n + 1 / np.sqrt(n) else total + (2 + 4 * total) / n
        weight = weight * stays / total
    kernel, walks = np.append(1.0, -weight), stays == 1.0
    u, v = (np.convolve(c, kernel, "valid") for c in (y - y[0] if walks else y, x))
    slope, m = start * unit, len(u)
    level = 0.0 if walks else middle(u - slope * v)
    table = v[:, None] if walks else np.c_[v, np.ones(m)]
    for _ in range(4):
        e = u - level - slope * v
        scale = 1.4826 * middle(abs(e))
        w = np.sqrt(np.minimum(1, PULL * scale / np.maximum(abs(e), 1e-300)))
        slope, *constant = np.linalg.lstsq(table * w[:, None], u * w, rcond=None)[0]
        level = constant[0] if constant else 0.0
    e = (u - level - slope * v) / scale
    inside, free = np.mean(abs(e) < PULL), table.shape[1]
    power = np.sum((v - (0 if walks else v.mean())) ** 2)
    growth = 1 + free / m * (1 - inside) / inside
    error = growth * scale / inside * np.sqrt(np.sum(np.clip(e, -PULL, PULL) ** 2) / (m - free) / power)
    left = m - 2 if walks else n * (1 - max(stays, 0)) / (1 + max(stays, 0)) - 2
    return len(weight), slope / unit, error / unit, max(left, 3)
