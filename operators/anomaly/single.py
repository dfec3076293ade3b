"""Single surprises: what one kind of change says alone, where an average over kinds would not hear it.

Eight kinds, each against the tail of its own past: how far a reading is from the newest few, from a slow level and from the last one; how
far the newest dozen is from the newest hour; how lively the newest ten are; how long nothing has changed at all; how calm the
swings of the newest forty are, and the errors of the newest ten, beside those of the newest thousand.  The first five find too much change,
the last three too little [1]_.

A past is counted `LATER` readings late, so that what begins slowly is not ordinary before it is seen.  Surprises of kinds with a memory
come in runs as long as that, so a run begins so much more seldom (the extremal index of [2]_).

References
----------
.. [1] Percival, Walden (2000), "Wavelet methods for time series analysis", Cambridge, doi:10.1017/CBO9780511841040, chapter 8: the variance
   of a series by scales; here with exponential weights, and against its own past.
.. [2] Leadbetter (1983), "Extremes and local dependence in stationary sequences", Probability Theory and Related Fields 65,
   doi:10.1007/BF00532484.
"""

from __future__ import annotations

from math import log, log10
from typing import Any

import numpy as np

from config.records import Float
from operators.anomaly import tail
from operators.anomaly.tail import MEMORY
from operators.kernel import kernel

SINGLES = 8
ERROR, DISTANCE, STEP, SHIFT, BURST, STILL, CALM, HUSH = range(SINGLES)
LENGTH = np.array([1.0, 1.0, 1.0, 12.0, 10.0, 3.0, 40.0, 10.0])  # readings that a run of surprises lasts
LEAST = np.array(
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.1, 0.125]
)  # scale of a tail: a reading, a tenth and an eighth of a logarithm
LATER = 30
USUALLY = 1000.0  # readings over which fades what is usual
ENOUGH = 100.0  # readings in a past that says anything
TRACKS = 9
FAST, QUICK, MIDDLE, SLOW, LIVELY, STANDS, SWING, SWINGS, ERRORS = range(TRACKS)
FIELDS = [
    ("track", "f8", (TRACKS,)),
    ("lately", "f4", (LATER, SINGLES)),
    ("seen", "f4", (SINGLES, tail.BINS)),
    ("lowest", "i4", (SINGLES,)),
    ("heard", "f8", (SINGLES,)),
]


@kernel
def follow(old: float, new: float, n: int, length: float) -> float:
    """Return a mean that fades over `length` readings, `n` of which were before."""
    return old + max(1.0 / length, 1.0 / (n + 1.0)) * (new - old)


@kernel
def advance(old: Float, n: int, y: float, step: float, new: Float) -> None:
    """Write the means that follow once a reading is taken: of readings, of how far they lie from the newest few, of swings."""
    error = abs(y - old[FAST])
    new[FAST], new[QUICK] = follow(old[FAST], y, n, 4.0), follow(old[QUICK], y, n, 8.0)
    new[MIDDLE], new[SLOW] = follow(old[MIDDLE], y, n, 16.0), follow(old[SLOW], y, n, 64.0)
    new[LIVELY] = follow(old[LIVELY], error, n, 8.0)
    new[STANDS] = old[STANDS] + 1.0 if step == 0.0 and n > 0 else 0.0
    swing = abs(new[FAST] - 1.25 * new[MIDDLE] + 0.25 * new[SLOW])  # nothing on a straight line, whatever its slope
    new[SWING], new[SWINGS] = follow(old[SWING], swing, n, 40.0), follow(old[SWINGS], swing, n, USUALLY)
    new[ERRORS] = follow(old[ERRORS], error, n, USUALLY)


@kernel
def calm(now: float, usual: float) -> float:
    """Return by how much less there is than usual, as a logarithm."""
    return max(log(usual / max(now, 1e-12 * usual)), 0.0) if usual > 0.0 else 0.0


@kernel
def describe(old: Float, new: Float, y: float, level: float, step: float, found: Float) -> None:
    """Write the surprises of a reading, by what it made of the means."""
    found[ERROR], found[DISTANCE], found[STEP] = abs(y - old[FAST]), abs(y - level), step
    found[SHIFT], found[BURST], found[STILL] = abs(new[QUICK] - new[SLOW]), new[LIVELY], new[STANDS]
    found[CALM], found[HUSH] = calm(new[SWING], new[SWINGS]), calm(new[LIVELY], new[ERRORS])


@kernel
def rarest(s: Any, found: Float, worthy: float, most: float) -> float:
    """Return minus the decimal logarithm of the share of readings at which a run of the rarest of the surprises begins.

    Parameters
    ----------
    worthy
        What a surprise in the series' unit must come to; less counts in proportion.
    most
        Decimal places that are believed.
    """
    best = 0.0
    still = found[STILL] > 0.0 or s["lately"][:, STILL].max() > 0.0
    for k in range(CALM if still else SINGLES):  # a series that stands still now and then is calm of course
        if s["heard"][k] >= ENOUGH and found[k] > 0.0 and found[k] >= s["lately"][:, k].max():
            u, scale, shape, share = tail.far(s["seen"][k], s["lowest"][k], s["heard"][k], LEAST[k])
            if found[k] > u:
                places = min(tail.rarity(found[k], (u, scale, shape)), most) + log10(LENGTH[k] / share)
                best = max(best, places if k >= STILL else places * min(1.0, found[k] / worthy))
    return best


@kernel
def absorb(s: Any, n: int, new: Float, found: Float) -> None:
    """Take the means and the surprises of the n-th reading into the state, and count those of the one `LATER` before."""
    s["track"][:] = new
    late = s["lately"][n % LATER]
    for k in range(SINGLES):
        if n - LATER >= 3.0 * LENGTH[k]:
            tail.count(s["seen"], s["lowest"], k, late[k])
            s["heard"][k] += 1.0 - s["heard"][k] / MEMORY
        late[k] = found[k]
