"""How rare a deviation is beside the peaks of its own past: what makes the score of a light detector a probability.

Deviations beyond a threshold that `SHARE` of the readings pass come in runs; a run counts once, with its peak, since neighbours are
alike [1]_.  Peaks are taken to have a Weibull tail: minus the logarithm of their chance grows as a power of the deviation, 2 for
Gaussian noise, 1 for exponential, less for heavier tails.  The power follows from the mean of the logarithms by which peaks exceed
the threshold [2]_.  Peaks over a threshold on streams are known from SPOT [3]_, which keeps the peaks and fits a generalised Pareto
distribution.  Nothing is kept here but four numbers: the threshold is a quantile found by stochastic approximation on a
logarithmic scale [4]_, the mean fades.  So a reading costs a division, and powers are taken of the few beyond the threshold alone.

A generalised Pareto tail of two moments, as `operators.anomaly.tail` has, was tried: with so few peaks its shape is so
unsure that Gaussian noise is odd a fifth as often as asked, and heavy tails are no better met (docs/detection.md).

Where little is known little is said: the first peaks are made up, and a score is the less the fewer readings there were.  No series
is taken for tamer than Gaussian noise whose score is 1 at the detector's `limit`, so a score of 1 never lies nearer.

References
----------
.. [1] Davison, Smith (1990), "Models for exceedances over high thresholds", Journal of the Royal Statistical Society B 52(3),
   doi:10.1111/j.2517-6161.1990.tb01796.x: peaks of clusters.
.. [2] Beirlant, Broniatowski, Teugels, Vynckier (1995), "The mean residual life function at great age: applications to tail
   estimation", Journal of Statistical Planning and Inference 45(1-2), doi:10.1016/0378-3758(94)00061-1: tails of this kind; here
   with a threshold that moves, and the mean that such peaks have at it.
.. [3] Siffer et al. (2017), "Anomaly detection in streams with extreme value theory", KDD, doi:10.1145/3097983.3098144.
.. [4] Robbins, Monro (1951), "A stochastic approximation method", Annals of Mathematical Statistics 22(3),
   doi:10.1214/aoms/1177729586.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Annotated, Any

from pydantic import Field

from operators.kernel import kernel

SHARE = 0.02  # of the readings begin a run beyond the threshold
COMMON = -log(SHARE)
GROWTH = 0.2102  # mean of log(1 + e / COMMON) for exponential e: what the logarithms of peaks exceed the threshold by, times the power
LIGHTEST = 2.0  # power of Gaussian noise: no series is taken for tamer
HEAVIEST = 0.2  # beyond it one peak would blind a series
RUNS = 50.0  # that threshold and power remember: some 2,500 readings
FIRST = 8.0  # runs that are made up, of exponential peaks: of a series that is little known much is possible
UNSURE = 30.0  # readings by which a score is less sure than by the past: the fewer there were, the less it says
STEEP = 5.0  # how fast the share beyond falls as the threshold rises, both as logarithms: 3 for heavy tails, 6 for Gaussian ones
HOLD = 10  # readings that a run lasts
MOST = 1.5  # score up to which a peak teaches: noise comes further once in 100,000 readings, what is looked for does so at once
FIELDS = [("high", "f8"), ("excess", "f8"), ("peak", "f8"), ("weight", "f8")]
BEFORE = {"excess": GROWTH, "weight": 1.0 / FIRST}

Chance = Annotated[float, Field(gt=0, lt=SHARE / 2)]


@kernel
def threshold(s: Any, rare: float) -> float:
    """Return the deviation that `SHARE` of the readings pass, in limits; of Gaussian noise whose score is 1 at the limit, at least."""
    return max(s["high"], sqrt(COMMON / rare))


@kernel
def power(s: Any) -> float:
    """Return the power of a deviation that minus the logarithm of its chance grows by."""
    return min(max(GROWTH / s["excess"], HEAVIEST), LIGHTEST) if s["excess"] > 0.0 else LIGHTEST


@kernel
def rarity(s: Any, far: float, limit: float, rare: float) -> float:
    """Return the score of a deviation: ``log p / log chance``, p being the share of readings at which a run begins that comes so far.

    Parameters
    ----------
    far, limit
        The deviation, and the detector's limit, in one unit.
    rare
        ``-log(chance)``.
    """
    near = threshold(s, rare) * limit
    if far <= near:
        return COMMON * s["n"] * far / (near * rare * (s["n"] + UNSURE))
    return COMMON / rare * s["n"] / (s["n"] + UNSURE) * (far / near) ** power(s)


@kernel
def reach(s: Any, rare: float) -> float:
    """Return the deviation that has a score of 1, in limits."""
    places = rare * (s["n"] + UNSURE) / (COMMON * max(s["n"], 1))
    return threshold(s, rare) * places ** (1.0 / power(s))


@kernel
def rise(s: Any, rare: float) -> None:
    """Let the threshold follow the beginning of a run."""
    s["high"] = min(threshold(s, rare) * (1.0 + s["weight"] / STEEP), 1e100)


@kernel
def sink(s: Any, rare: float) -> None:
    """Let the threshold follow a reading."""
    s["high"] = threshold(s, rare) * (1.0 - SHARE / STEEP * s["weight"])


@kernel
def settle(s: Any) -> None:
    """Take the peak of a run that ends into the mean of such."""
    s["weight"] = max(s["weight"] / (1.0 + s["weight"]), 1.0 / RUNS)
    s["excess"] += s["weight"] * (s["peak"] - s["excess"])
    s["peak"] = 0.0


@kernel
def beyond(s: Any, odd: float, rare: float) -> float:
    """Return the logarithm of how many thresholds a score lies off, of `MOST` where it is higher."""
    places = min(odd * (s["n"] + UNSURE) / s["n"], MOST) * rare / COMMON
    return log(places) / power(s) if places > 1.0 else 0.0


@kernel
def calibrate(s: Any, odd: float, rare: float) -> None:
    """Let threshold and mean follow one more score, and count the odd ones in a row.

    While a run is odd it neither ends nor moves the threshold: it is one incident, or a new normal.
    """
    far = odd * rare * (s["n"] + UNSURE) > COMMON * s["n"]
    if not far and s["run"] == 0 and s["hold"] == 0:
        sink(s, rare)
        return
    s["run"] = s["run"] + 1 if odd >= 1.0 else max(0, s["run"] - 2)
    if s["run"] == 0:
        sink(s, rare)
    if far:
        s["peak"] = max(s["peak"], beyond(s, odd, rare))
        if s["hold"] == 0:
            rise(s, rare)
            s["hold"] = HOLD
    if s["hold"] > 0 and s["run"] == 0:
        s["hold"] -= 1
        if s["hold"] == 0:
            settle(s)
