"""Recurring shapes of a series: found while it runs, kept as templates, told when they are met again.

The newest `SPAN` readings are compared, each series' level and scale apart, with all that are remembered and with the templates: the
nearest neighbour of the newest stretch, as in a matrix profile that grows on the right [1]_.  Smooth and wandering series are
everywhere like themselves, so not readings are compared but what the reading before does not tell of each, and memory that is left
counts for fewer readings [2]_.  By Student's distribution a correlation then has a chance [3]_; one below `CHANCE` in all comparisons
of a reading is no accident.  A stretch that one spike makes up is no shape.

References
----------
.. [1] Yeh et al. (2016), "Matrix Profile I: all pairs similarity joins for time series", ICDM, doi:10.1109/ICDM.2016.0179, section III.F
   (incremental); here directly, for memories of a few thousand readings.
.. [2] Bayley, Hammersley (1946), "The 'effective' number of independent observations in an autocorrelated time series", Supplement to the
   Journal of the Royal Statistical Society 8(2), doi:10.2307/2983560.
.. [3] Wallace (1959), "Bounds on normal approximations to Student's and the chi-square distributions", Annals of Mathematical
   Statistics 30(4), of the tail; Fisher's transform, of so few readings, would be wrong there by a factor of tens.
"""

from __future__ import annotations

from math import inf, log1p, sqrt
from typing import Any

import numpy as np
from scipy.special import ndtri

from config.records import Float
from operators.kernel import kernel

SPAN = 32  # readings of a shape
REMEMBERED = 2048
TEMPLATES = 4
CHANCE = 1e-6  # of a reading to begin a shape by accident
NEW = -float(ndtri(CHANCE / REMEMBERED))  # deviations, among all that is remembered
AGAIN = -float(ndtri(CHANCE / TEMPLATES))  # among the templates
WAIT = SPAN // 2  # readings in which a surer match may come before one is told
WARM = 100  # readings from which memory is known
FADE = 1.0 / 500.0
FAR = 4.0  # deviations to which innovations are cut
NEAR = 2.5  # deviations to which they are cut before their memory is learnt
NONE = -(2**40)
PEAKED = 4.5  # kurtosis of a stretch from which a spike or two make it up

ROW = np.zeros(
    1,
    [
        ("n", "i8"),
        ("last", "f8"),
        ("mean", "f8"),
        ("power", "f8"),  # of readings, and their products with the one before
        ("product", "f8"),
        ("noise", "f8"),  # of innovations
        ("echo", "f8"),
        ("before", "f8"),
        ("best", "f8"),  # the surest match of late, when, with what
        ("when", "i8"),
        ("match", "i8"),
        ("ids", "i8"),
        ("rest", "i8"),  # nothing is matched before
        ("id", "i8", (TEMPLATES,)),
        ("count", "i8", (TEMPLATES,)),
        ("met", "i8", (TEMPLATES,)),  # at which reading; when it was met first and last, ns
        ("first", "i8", (TEMPLATES,)),
        ("newest", "i8", (TEMPLATES,)),
        ("shape", "f4", (TEMPLATES, SPAN)),
        ("ring", "f4", (REMEMBERED,)),
        ("time", "i8", (REMEMBERED,)),
    ],
)
START = ROW.copy()
START["match"], START["best"], START["met"] = NONE, -inf, -(2**40)


@kernel
def near_by(e: float, s: Any) -> float:
    """Return an innovation, a far one cut."""
    limit = NEAR * sqrt(s["noise"])
    return min(max(e, -limit), limit)


@kernel
def innovation(s: Any, x: float) -> float:
    """Learn a reading; return what the one before does not tell of it, in deviations, cut."""
    if s["n"] == 0:
        s["mean"] = s["last"] = x
    fade = max(FADE, 1.0 / (s["n"] + 1.0))
    d, b = x - s["mean"], s["last"] - s["mean"]
    memory = min(max(s["product"] / s["power"], 0.0), 1.0) if s["power"] > 0.0 else 0.0
    e = d - memory * b
    if s["n"] > 10:  # far readings may be a shape: the memory of what lies between is wanted
        near, limit = NEAR * sqrt(s["power"]), FAR * sqrt(s["noise"])
        d, b, e = min(max(d, -near), near), min(max(b, -near), near), min(max(e, -limit), limit)
    s["mean"] += fade * d
    s["power"] += fade * (d * d - s["power"])
    s["product"] += fade * (d * b - s["product"])
    s["noise"] += fade * (min(e * e, NEAR * NEAR * s["noise"]) if s["n"] > 10 else e * e) - fade * s["noise"]
    s["echo"] += fade * (near_by(e, s) * near_by(s["before"], s) - s["echo"])
    s["last"], s["before"] = x, e
    return e / sqrt(s["noise"]) if s["noise"] > 0.0 else 0.0


@kernel
def shaped(u: Float) -> bool:
    """Standardise a stretch; return whether more than a spike or two makes it up."""
    mean = u.mean()
    power = fourth = 0.0
    for k in range(SPAN):
        u[k] -= mean
        power += u[k] * u[k] / SPAN
        fourth += u[k] ** 4 / SPAN
    if power <= 1e-12 or fourth > PEAKED * power * power:
        return False
    u /= sqrt(power * SPAN)
    return True


@kernel
def stretch(s: Any, begin: int, u: Float) -> bool:
    """Write the standardised stretch that begins at a reading; return whether it is a shape."""
    for k in range(SPAN):
        u[k] = s["ring"][(begin + k) % REMEMBERED]
    return shaped(u)


@kernel
def likeness(r: float, s: Any) -> float:
    """Return how many deviations beyond chance a correlation is."""
    echo = s["echo"] / s["noise"] if s["noise"] > 0.0 else 1.0
    free = SPAN * max(1.0 - echo * echo, 0.0) / (1.0 + echo * echo) - 2.0
    if free <= 0.0 or r <= 0.0:
        return 0.0
    return (8.0 * free + 1.0) / (8.0 * free + 3.0) * sqrt(-free * log1p(-(min(r, 0.999999) ** 2)))
