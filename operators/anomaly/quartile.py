"""Quantiles that forget: the location and spread that a few far readings do not move.

Each estimate goes up by a share `q` of a step when a reading lies above it and down by ``1 - q`` of one when a reading lies below,
so that at rest a share `q` of them lies below [1]_.  The step follows the mean absolute deviation: the unit does not matter.

References
----------
.. [1] Tierney (1983), "A space-efficient recursive procedure for estimating a quantile of an unknown distribution", SIAM Journal on
   Scientific and Statistical Computing 4(4), doi:10.1137/0904048; with a constant weight, and without the density.
"""

from __future__ import annotations

from operators.kernel import kernel

PACE = 4.0  # steps for a weight of 1: a quartile then forgets about as fast as a mean of the same weight


@kernel
def towards(estimate: float, x: float, q: float, step: float) -> float:
    """Move an estimate of the quantile `q` for one more reading, never beyond that."""
    return min(
        max(x, estimate - step * (1.0 - q)), estimate + step * q
    )  # no branch: which one would be taken cannot be foretold
