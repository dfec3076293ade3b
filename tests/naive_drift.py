"""Drift again, written for reading: every reading at which a drift may have begun is followed by itself, ranks are counted one by one."""

from statistics import NormalDist

import numpy as np

from operators.drift.lattice import CHARGE, FAR, FIRST, LEAST, ORDER, PHASES, UNIT_ROOT, UTMOST
from operators.drift.rank import CELLS, FINE, GOLDEN, LOOSE
from operators.drift.shiryaev import SHIFTS, SPREADS, STEEPEST


def lattice(d, shares):
    """Return Burg's correlation of each stage and its mean squared error after each of the deviations `d`."""
    both, power, error = np.zeros((3, ORDER + 1))
    behind = np.zeros((len(shares), ORDER + 1))
    for n, x in enumerate(d):
        forth = behind[n, 0] = x
        error[0] += shares[n] * (x * x - error[0])
        for m in range(1, min(ORDER, n) + 1):
            old = behind[n - 1, m - 1]
            k = both[m] / power[m] if power[m] > 0 else 0.0
            both[m] += shares[n] * (2 * forth * old - both[m])
            power[m] += shares[n] * (forth**2 + old**2 - power[m])
            behind[n, m], forth = old - k * forth, forth - k * old
            error[m] += shares[n] * (forth**2 - error[m])
        yield [both[m] / power[m] if power[m] > 0 else 0.0 for m in range(ORDER + 1)], error.copy()


def weights(ks, error, n, memory):
    """Return the weights of the last readings, by as many stages as pay for themselves."""
    seen = min(n, memory)
    costs = [seen * np.log(error[m]) + (CHARGE * m * np.log(seen)) for m in range(min(ORDER, int(seen / 10)) + 1)]
    order, w = int(np.argmin(costs)), np.zeros(0)
    for m in range(1, order + 1):
        w = np.append(w - ks[m] * w[::-1], ks[m])
    return w / w.sum() if order and n * (1 - w.sum()) < UNIT_ROOT else w


def rests(x, memory):
    """Return the unforeseen part of each reading in deviations, and how a shift shows, in deviations of what is unforeseen."""
    mean, d, scale, w = x[0], [], 0.0, np.zeros(0)
    learning, fitted, due, error = None, [], FIRST, np.zeros(ORDER + 1)
    shares = [max(2 / (n + 2), 1 / memory) for n in range(len(x))]
    stages = lattice(d, shares)
    for n in range(len(x)):
        if n >= due:
            w = weights(learning, error, n, memory)
            scale = max(np.sqrt(error[len(w)]), LEAST * np.sqrt(error[0]))
            due = n + max(1, n // 20)
        past = np.array([x[max(0, n - 1 - j)] for j in range(len(w))])
        e = x[n] - mean - np.sum(w * (past - mean))
        y = np.clip(e / scale, -UTMOST, UTMOST) if scale > 0 else np.sign(e) * UTMOST
        unit = np.clip(np.sqrt(error[0]) / scale, 1, 10) if scale > 0 else 1.0
        fitted.append((y, unit * np.array([1 - w[:j].sum() for j in range(PHASES)] + [1 - w.sum()])))
        far = FAR * np.sqrt(error[0]) if n > FIRST else np.inf
        d.append(min(max(x[n] - mean, -far), far))
        mean += d[-1] * max(1 / (n + 1), 1 / memory)
        learning, error = next(stages)
    return fitted


def cell(y):
    return min(int(CELLS / 2 * (1 + y / (1 + abs(y)))), CELLS - 1)


def evidence(x, warmup=100, memory=4000.0):
    """Return the mean likelihood of all drifts that may have begun so far, before anything has been told; NaN while warming up."""
    held, out, candidates = [], [], []
    for n, (y, shows) in enumerate(rests(x, memory)):
        if n >= 2 * warmup:
            loose = LOOSE / np.sqrt(len(held))
            low = sum(c < cell(y - loose) for c in held)
            high = sum(c <= cell(y + loose) for c in held)
            share = (low + (n * GOLDEN) % 1.0 * (high - low + 1)) / (len(held) + 1)
            i = int(share * FINE + 0.5)
            z = NormalDist().inv_cdf(min(max(i / FINE, 0.5 / FINE), 1 - 0.5 / FINE))
            candidates.append(np.ones(len(SHIFTS) + len(SPREADS)))
            for age, likely in enumerate(reversed(candidates)):
                mu = np.clip(np.array(SHIFTS) * shows[min(age, PHASES)], -STEEPEST, STEEPEST)
                likely[: len(SHIFTS)] *= np.exp(mu * z - mu**2 / 2)
                times = np.array(SPREADS)
                likely[len(SHIFTS) :] *= np.exp(z * z / 2 * (1 - 1 / times**2)) / times
            out.append(np.sum(candidates) / len(candidates[0]))
        else:
            out.append(np.nan)
        if n >= warmup:
            held.append(cell(y))
    return np.array(out)
