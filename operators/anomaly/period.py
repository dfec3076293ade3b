"""Period: with what period a ring repeats itself.

A period is proposed where the autocorrelation of the ring is high, and higher than half as far away, and where the mean course of
the period explains a good share of variance, which also tells its exact length.  These are two of the three things that `operators.season`
asks; in place of a spectrum stands a trial on readings to come (see `operators.anomaly.season`).

References
----------
.. [1] Vlachos, Yu, Castelli (2005), "On periodicity detection and structural periodic similarity", SDM,
   doi:10.1137/1.9781611972757.40, section 3.3: a period is a hill of the autocorrelation.
.. [2] Stellingwerf (1978), "Period determination using phase dispersion minimization", Astrophysical Journal 224, doi:10.1086/156444: the
   exact length of a period of any shape is that whose phases scatter least.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import Float
from operators.anomaly.rings import LOOK, RING
from operators.kernel import kernel

CYCLES = 3  # what has not been seen three times is no season
SHORTEST = 4  # widths
LAGS = RING // CYCLES + 2
PHASES = 16
GAIN = 0.005  # of variance: for less the length of a period is not changed
STRONG = 0.3  # least share of variance of a season: below, errors fall by less than a sixth
NEARLY = 0.9  # a shorter period wins that repeats nearly as well as the strongest
FAR = 3.75  # mean absolute distances: three deviations of noise


@kernel
def unroll(ring: Any, newest: int, y: Float) -> tuple[int, int]:
    """Write what a ring holds up to `newest`, the number of its last width, the oldest first; return how many, and how many known."""
    n = have = 0
    for i in range(RING):
        x = ring[(newest + 1 + i) % RING]
        if n > 0 or not np.isnan(x):
            y[n] = x
            n += 1
            have += 0 if np.isnan(x) else 1
    return n, have


@kernel
def flatten(y: Float, n: int, have: int) -> bool:
    """Take the line out of the first `n` of `y`, draw far values in and put 0 where one is missing; return whether anything moves."""
    mean = at = both = own = distance = 0.0
    for i in range(n):
        if not np.isnan(y[i]):
            mean += y[i] / have
            at += i / have
    for i in range(n):
        if not np.isnan(y[i]):
            both += (i - at) * (y[i] - mean)
            own += (i - at) ** 2
    for i in range(n):
        y[i] = 0.0 if np.isnan(y[i]) else y[i] - mean - both / own * (i - at)
        distance += abs(y[i]) / have
    for i in range(n):
        y[i] = min(max(y[i], -FAR * distance), FAR * distance)
    return distance > 1e-9 * abs(mean)


@kernel
def autocorrelate(y: Float, n: int, again: Float) -> None:
    """Write how much the first `n` of `y` resemble themselves at each lag, each by the number of its pairs; four lags at a time."""
    last = min(LAGS, n // CYCLES + 2)
    own = 0.0
    for i in range(n):
        own += y[i] * y[i]
    again[:] = 0.0
    for lag in range(1, last, 4):
        a = b = c = d = 0.0
        for i in range(n - lag - 3):
            a += y[i] * y[i + lag]
            b += y[i] * y[i + lag + 1]
            c += y[i] * y[i + lag + 2]
            d += y[i] * y[i + lag + 3]
        again[lag], again[lag + 1], again[lag + 2], again[lag + 3] = a, b, c, d
        for k in range(lag, lag + 4):
            for i in range(n - lag - 3, n - k):
                again[k] += y[i] * y[i + k]
            again[k] *= n / own / (n - k)


@kernel
def hill(again: Float, n: int) -> int:
    """Return the shortest lag with a peak of the autocorrelation nearly as high as the highest that may be a season's, or 0."""
    best = 0.0
    for lag in range(SHORTEST, n // CYCLES + 1):
        if peak(again, lag):
            best = max(best, again[lag])
    for lag in range(SHORTEST, n // CYCLES + 1):
        if peak(again, lag) and again[lag] >= NEARLY * best:
            return lag
    return 0


@kernel
def peak(again: Float, lag: int) -> bool:
    """Whether there is a peak at `lag` that is strong, and stands above what is half as far."""
    there, half = again[lag], again[(lag + 1) // 2]
    return there >= max(STRONG, again[lag - 1], again[lag + 1], half + 0.5 * STRONG)


@kernel
def explained(y: Float, n: int, period: float, m: int, course: Float) -> float:
    """Return the share of variance of the first `n` of `y` that the mean course of a period, in `m` parts, explains; free of bias."""
    course[:] = 0.0
    total, phase = 0.0, 0.0
    for i in range(n):
        k = int(phase * m)
        course[k] += y[i]
        course[PHASES + k] += 1.0
        total += y[i] * y[i]
        phase += 1.0 / period
        phase -= 1.0 if phase >= 1.0 else 0.0
    between = 0.0
    for k in range(m):
        between += course[k] ** 2 / max(course[PHASES + k], 1.0)
    return 1.0 - (total - between) / (n - m) / (total / (n - 1))


@kernel
def sharpen(y: Float, n: int, period: float, most: int) -> tuple[float, float]:
    """Return the period near `period` that explains most, and how much; tried are `most` steps either way, then parts of a step.

    A step moves the last cycle by one phase against the first: what is less does not show.
    """
    course, best = np.empty(2 * PHASES), period
    m = max(min(PHASES, int(0.8 * period)), 2)  # as many for all, and few enough that none is empty
    share = explained(y, n, period, m, course) + GAIN
    step = period * period / (PHASES * n)
    for _ in range(2):
        middle = best
        for k in range(-most, most + 1):
            it = middle + k * step
            found = explained(y, n, it, m, course)
            if found > share:
                best, share = it, found
        step, most = step / 4.0, 3
    return best, share if best != period else share - GAIN


@kernel
def propose(ring: Any, newest: int, known: float) -> tuple[float, float]:
    """Return the period of what a ring holds, in its widths, and the share of variance that it explains; 0 and 0 when there is none.

    `known` is the period that is trusted, looked at for its exact length alone; 0 for none.
    """
    y, again = np.empty(RING), np.empty(LAGS + 4)
    n, have = unroll(ring, newest, y)
    if n < LOOK or 2 * have < n or not flatten(y, n, have):
        return 0.0, 0.0
    if known > 0.0:  # of what a ring does not hold three times it tells nothing
        return sharpen(y, n, known, 6) if CYCLES * known <= n else (0.0, 0.0)
    autocorrelate(y, n, again)
    lag = hill(again, n)
    if lag == 0:
        return 0.0, 0.0
    off = min(0.5 + 0.05 * lag, 0.25 * lag)  # between whole lags, or on the broad hill of a sine
    period, share = sharpen(y, n, float(lag), min(int(off * PHASES * n / (lag * lag)) + 1, 24))
    return (period, share) if share >= STRONG else (0.0, 0.0)
