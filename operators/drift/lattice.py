"""What a reading owes to those before it: an autoregression learnt by a lattice, so that what is left knows nothing of its past.

Stage m of the lattice predicts forwards and backwards with one number, the correlation of what stage m - 1 left (Burg [1]_).  It costs
one pass over the stages a reading, is never unstable, and learns lines of a season as exactly as noise with memory, which
autocovariances do not.  Sums weigh readings by their number, so that what was learnt from young stages soon counts for nothing.

How many stages are used follows from how well each has predicted so far (predictive least squares [2]_).

References
----------
.. [1] Burg (1975), "Maximum entropy spectral analysis", Stanford University, chapter III; Friedlander (1982), "Lattice filters for adaptive
   processing", Proceedings of the IEEE 70(8), doi:10.1109/PROC.1982.12407.
.. [2] Rissanen (1986), "A predictive least-squares principle", IMA Journal of Mathematical Control and Information 3(2/3),
   doi:10.1093/imamci/3.2-3.211.
.. [3] Dickey, Fuller (1979), "Distribution of the estimators for autoregressive time series with a unit root", Journal of the American
   Statistical Association 74(366), doi:10.2307/2286348: n (1 - sum) is under 14 in 95 of 100 random walks.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np

from operators.kernel import kernel

ORDER = 24
PHASES = 12  # readings after a shift of the level until each of them shows as much of it as the next
FIRST = 20  # readings before the first fit
UNIT_ROOT = 14.0
LEAST = 0.02  # share of the series' deviation below which what is left is rounding
UTMOST = 1e9
CHARGE = 0.25  # for a stage, in log n: it pays for itself by foretelling, the charge is for chance
FAR = 5.0  # deviations beyond which a reading teaches no more
FIELDS = [
    *((name, "f8", (ORDER + 1,)) for name in ("both", "power", "back", "error")),
    *((name, "f8", (ORDER,)) for name in ("past", "weight")),
    ("shows", "f8", (PHASES + 1,)),
    *((name, "f8") for name in ("mean", "scale")),
    *((name, "i4") for name in ("order", "refit")),
]


@kernel
def rest(s: Any, x: float) -> float:
    """Return what a reading holds that could not be foreseen, in deviations of that; at most `UTMOST`."""
    e = x - s["mean"]
    past, weight = s["past"], s["weight"]
    for j in range(s["order"]):
        e -= weight[j] * (past[j] - s["mean"])
    if abs(e) <= 1e-9 * abs(s["mean"]):
        return 0.0
    if s["scale"] <= 0.0:
        return UTMOST if e > 0.0 else -UTMOST
    return min(max(e / s["scale"], -UTMOST), UTMOST)


@kernel
def best(s: Any, n: float) -> int:
    """Return how many stages predict best, with a charge for each."""
    error, found = s["error"], 0
    if error[0] <= 0.0:
        return 0
    least = n * log(error[0])
    for m in range(1, int(min(float(ORDER), n / 10.0)) + 1):
        if error[m] <= 1e-12 * error[0]:
            break
        cost = n * log(error[m]) + CHARGE * m * log(n)
        if cost < least:
            found, least = m, cost
    return found


@kernel
def fit(s: Any, n: int, memory: float) -> None:
    """Turn the stages that predict best into weights of the last readings (Levinson's recursion)."""
    order = best(s, min(float(n), memory))
    weight, before = s["weight"], np.zeros(ORDER)
    for m in range(1, order + 1):
        k = s["both"][m] / s["power"][m]
        for j in range(m - 1):
            before[j] = weight[j]
        for j in range(m - 1):
            weight[j] = before[j] - k * before[m - 2 - j]
        weight[m - 1] = k
    total = 0.0
    for j in range(order):
        total += weight[j]
    if order > 0 and n * (1.0 - total) < UNIT_ROOT:
        for j in range(order):
            weight[j] /= total  # a random walk: no level to return to
    shows, unseen = s["shows"], 1.0
    for j in range(ORDER):
        if j < PHASES:
            shows[j] = unseen
        unseen -= weight[j] if j < order else 0.0
    shows[PHASES] = unseen
    s["order"] = order
    s["scale"] = max(sqrt(s["error"][order]), LEAST * sqrt(s["error"][0]))
    s["refit"] = n + max(1, n // 20)


@kernel
def begin(s: Any, x: float) -> None:
    """Forget all, and take a reading for the level."""
    s["both"][:] = 0.0
    s["power"][:] = 0.0
    s["back"][:] = 0.0
    s["error"][:] = 0.0
    s["past"][:] = x
    s["mean"], s["scale"], s["order"], s["refit"] = x, 0.0, 0, FIRST


@kernel
def follow(s: Any, x: float, n: int, memory: float) -> None:
    """Let level and stages learn a reading, the n-th after `begin`, counted from 0."""
    d = x - s["mean"]
    if n > FIRST:
        far = FAR * sqrt(s["error"][0])
        d = min(max(d, -far), far)
    s["mean"] += d * max(1.0 / (n + 1.0), 1.0 / memory)
    share = max(2.0 / (n + 2.0), 1.0 / memory)
    both, power, back, error = s["both"], s["power"], s["back"], s["error"]
    forth, behind = d, d
    error[0] += share * (d * d - error[0])
    for m in range(1, min(ORDER, n) + 1):
        k = both[m] / power[m] if power[m] > 0.0 else 0.0
        old, back[m - 1] = back[m - 1], behind
        both[m] += share * (2.0 * forth * old - both[m])
        power[m] += share * (forth * forth + old * old - power[m])
        forth, behind = forth - k * old, old - k * forth
        error[m] += share * (forth * forth - error[m])
    if n < ORDER:
        back[n] = behind
    past = s["past"]
    for j in range(ORDER - 1, 0, -1):
        past[j] = past[j - 1]
    past[0] = x
