"""The slope under memory again, with matrices instead of sums, and the runs of a series, a dictionary each."""

import numpy as np

from operators.trend.bocpd import CLIP, DOUBT, FEW, FINEST, LEVEL, RUNS, WALK, WIDTH
from operators.trend.bocpd import FAR as RUN_FAR
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


def student(y, seen, before, width):
    """Return the log likelihood of `y` after `seen` readings of its run, by Student's t up to a constant.

    The last one is `y` as the run may learn it, which is appended.
    """
    n, worth = len(seen), DOUBT + len(seen)
    mean = (DOUBT * before + np.sum(seen)) / worth
    rest = width + DOUBT * (mean - before) ** 2 / 2 + np.sum((np.array(seen) - mean) ** 2) / 2
    shape = 1.0 + n / 2
    nu, var = 2 * shape, rest * (worth + 1) / (shape * worth)
    seen.append(mean + np.clip(y - mean, -RUN_FAR * np.sqrt(var), RUN_FAR * np.sqrt(var)))
    gammas = -1 / (4 * nu) + 1 / (24 * nu**3)  # of both, and the half logarithm of nu, which the variance takes up
    return gammas - np.log(var) / 2 - (nu + 1) / 2 * np.log1p((y - mean) ** 2 / var / nu)


def bocpd(x, apart, certainty):
    runs = [{"first": 0, "kind": k, "share": 0.5, "seen": []} for k in (LEVEL, WALK)]
    certain, ago, told = [np.nan], [np.nan], 0
    for t in range(1, len(x)):
        steps, y = np.diff(x[: t + 1]), {LEVEL: x[t], WALK: x[t] - x[t - 1]}
        square = {LEVEL: min(np.var(x[: t + 1]), np.var(steps)), WALK: np.var(steps)}
        before, odds = {LEVEL: np.mean(x[: t + 1]), WALK: np.mean(steps)}, []
        for r in runs:
            k = r["kind"]
            floor = max(square[k], FINEST * x[t - 1] ** 2, 1e-100)
            r.setdefault("before", (before[k], WIDTH * floor))
            odds.append(student(y[k], r["seen"], *r["before"]))
        for r, o in zip(runs, odds, strict=True):
            r["share"] *= np.exp(max(o - max(odds), -CLIP))
        total = sum(r["share"] for r in runs)
        for r in runs:
            r["share"] /= total
        new = [r for r in runs if r["first"] > told + 2 and len(r["seen"]) >= FEW]
        certain.append(min(1.0, sum(r["share"] for r in new)))
        if certain[-1] >= certainty:
            told = max((r["first"] for r in new), key=lambda b: sum(r["share"] for r in new if r["first"] == b))
        ago.append(t - told if told else np.nan)
        for r in runs:
            r["share"] *= 1 - 1 / apart
        runs = sorted(runs, key=lambda r: -r["share"])[: RUNS - 2]
        runs += [{"first": t + 1, "kind": k, "share": 0.5 / apart, "seen": []} for k in (LEVEL, WALK)]
    return np.array(certain), np.array(ago)
