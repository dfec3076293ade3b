"""How far off forecasts are: by member, to weigh them; by horizon, for the interval.

An interval reaches `width` times the mean distance of forecasts of that horizon, and `uneven` times that at each place
in the season: mornings may be harder to tell than nights.  The width follows its own coverage: it grows when
a value falls outside and shrinks when one falls inside, so that in the long run the asked share lies inside, whatever
the series does [1]_ [2]_.

References
----------
.. [1] Gibbs, Candès (2021), "Adaptive conformal inference under distribution shift", NeurIPS, arXiv:2106.00170, section 2.
.. [2] Angelopoulos, Candès, Tibshirani (2023), "Conformal PID control for time series prediction", NeurIPS, arXiv:2307.16895,
   section 2.2: quantile tracking; here on a logarithmic scale and of distances in units of their mean.
"""

from __future__ import annotations

from math import exp

import numpy as np

from operators.forecast.plan import State
from operators.kernel import kernel

LEVELS = (0.8, 0.95)
FIRST = (1.6, 2.75)  # width over mean distance: between those of normal and of Laplace's errors
RATE = 0.003
LONG = 64.0  # forecasts over which the distance at a horizon is averaged
SLOW = 256.0  # distances over which those at a place in the season are averaged: faster ones would shake the interval
MOST = 5.0  # mean distances that one value may count for
ENOUGH = 4  # of them before a width is judged


@kernel
def promise(s: State, slot: int) -> None:
    """Note the interval that the forecast now put into `slot` comes with: it is judged by what it said then."""
    for h in range(s.pending.shape[2]):
        told = s.spread[0, h] * s.uneven[(s.n[0] + h) % len(s.uneven)]
        s.pending[slot, len(s.error) + 1, h] = told if s.spread[1, h] >= ENOUGH else 0.0
    for level in range(len(LEVELS)):
        s.wide[slot, level] = s.width[level]


@kernel
def judge(s: State, slot: int, h: int, y: float, memory: float) -> None:
    """Judge what the forecast in `slot` said of `y`, its value of index `h`; NaN is not judged."""
    m = len(s.error)
    if not np.isnan(y):
        for i in range(m):
            s.off[slot, i] += abs(y - s.pending[slot, i, h])
        s.off[slot, m] += 1.0
        e = abs(y - s.pending[slot, m, h])
        told = s.pending[slot, m + 1, h]
        if told > 0.0:
            for level in range(len(LEVELS)):
                outside = 1.0 if e > s.wide[slot, level] * told else 0.0
                s.width[level] *= exp(RATE * (outside - (1.0 - LEVELS[level])))
        if s.spread[0, h] > 0.0:
            i = s.n[0] % len(s.uneven)
            s.uneven[i] += (min(e / s.spread[0, h], MOST) - s.uneven[i]) / SLOW
        s.spread[1, h] += 1.0
        s.spread[0, h] += max(1.0 / s.spread[1, h], 1.0 / LONG) * (e - s.spread[0, h])
    if h == s.pending.shape[2] - 1 and s.off[slot, m] > 0.0:
        s.judged[0] += 1
        for i in range(m):
            s.error[i] += max(1.0 / s.judged[0], 1.0 / memory) * (s.off[slot, i] / s.off[slot, m] - s.error[i])
