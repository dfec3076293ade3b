"""Theta: half of the series' long trend, added to an exponential smoothing of what is left of the season.

The method splits a series into a straight line and one of twice its curvature, forecasts the first by going on, the second by
smoothing, and takes the mean [1]_; that is smoothing with half of the line's slope as drift [2]_.  As in the optimised and dynamic
form [3]_ the weight of smoothing is the one that has erred least so far, here of four, and the line is that of all values so
far, of which old ones are forgotten as in the regressions.

References
----------
.. [1] Assimakopoulos, Nikolopoulos (2000), "The theta model: a decomposition approach to forecasting", International Journal of
   Forecasting 16(4), doi:10.1016/S0169-2070(00)00066-2.
.. [2] Hyndman, Billah (2003), "Unmasking the Theta method", International Journal of Forecasting 19(2),
   doi:10.1016/S0169-2070(01)00143-1, section 3.
.. [3] Fiorucci et al. (2016), "Models for optimising the theta method and their relationship to state space models", International
   Journal of Forecasting 32(4), doi:10.1016/j.ijforecast.2016.02.005.
"""

from __future__ import annotations

from config.records import Float
from operators.forecast.plan import State
from operators.kernel import kernel

WEIGHTS = (0.1, 0.3, 0.6, 0.9)  # of the newest value
KEEP = 1.0 - 1.0 / 2048.0  # of the sums and of past errors, a value


@kernel
def smooth(s: State, y: float, known: bool) -> None:
    """Take the next value, rid of its season; where it is not known only time goes on."""
    a = s.line
    count, t, total = a[0], a[1], a[3]
    if known:
        for k in range(len(WEIGHTS)):
            e = y - s.mild[k] if count > 0.0 else 0.0
            s.missed[k] = KEEP * s.missed[k] + abs(e - drift(s, k))
            s.mild[k] = s.mild[k] + WEIGHTS[k] * e if count > 0.0 else y
    a[0], a[1], a[2] = KEEP * count, KEEP * (t - count), KEEP * (a[2] - 2.0 * t + count)
    a[3], a[4] = KEEP * total, KEEP * (a[4] - total)
    if known:
        a[0] += 1.0
        a[3] += y


@kernel
def slope(a: Float) -> float:
    """Return the slope of the line, from sums of 1, t, t², y, ty, t counted back from now; 0 where there is none."""
    spread = a[0] * a[2] - a[1] * a[1]
    return (a[0] * a[4] - a[1] * a[3]) / spread if a[0] > 2.0 and spread > 0.0 else 0.0


@kernel
def drift(s: State, k: int) -> float:
    """Return how far the next value is expected from a smoothed one, which lags behind the line."""
    left = (1.0 - WEIGHTS[k]) ** min(s.line[0], 1000.0)
    return 0.5 * slope(s.line) * (1.0 - left) / WEIGHTS[k]


@kernel
def ahead(s: State, out: Float) -> None:
    """Write what is expected of the next values, without season."""
    best = 0
    for k in range(len(WEIGHTS)):
        best = k if s.missed[k] < s.missed[best] else best
    first, half = s.mild[best] + drift(s, best), 0.5 * slope(s.line)
    for h in range(len(out)):
        out[h] = first + half * h
