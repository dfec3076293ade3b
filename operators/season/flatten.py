"""Flatten a stretch of a series: what is left when its trend is taken out and its far readings are drawn in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from config.records import Float

BLOCKS = 24  # pairs of so many medians make a line that a third of the stretch cannot bend
NEAR = 3.0  # deviations


def flatten(x: Float) -> Float:
    """Take a robust line out of `x`, draw far readings in to `NEAR` deviations, and put 0 where there was none.

    The line is that of Theil and Sen through the medians of `BLOCKS` parts.  Readings are drawn in, not left out: a season may consist of
    spikes.

    Parameters
    ----------
    x
        Shape (n,), n >= `BLOCKS`; NaN where a reading is missing, not everywhere.

    Returns
    -------
    Float
        Shape (n,), of mean 0.

    References
    ----------
    .. [1] Sen (1968), "Estimates of the regression coefficient based on Kendall's tau", Journal of the American Statistical
       Association 63(324), doi:10.1080/01621459.1968.10480934.

    Examples
    --------
    >>> x = np.arange(48.0) + np.tile([1.0, -1.0], 24)
    >>> x[7] = 1e9
    >>> flatten(x)[4:10].round(2).tolist()
    [0.87, -1.13, 0.87, 5.31, 0.87, -1.13]
    """
    known = ~np.isnan(x)
    y = (x - _slope(x) * np.arange(len(x)))[known]
    y -= middle(y)
    far = NEAR * 1.4826 * middle(np.abs(y))
    y = np.clip(y, -far, far) if far > 0.0 else y
    flat = np.zeros(len(x))
    flat[known] = y - y.mean()
    return flat


def middle(x: Float) -> float:
    """Return the median of numbers, in half of NumPy's time for few.

    Examples
    --------
    >>> middle(np.array([4.0, 1.0, 2.0])), middle(np.array([4.0, 1.0]))
    (2.0, 2.5)
    """
    ordered = np.sort(x)
    return float(ordered[(len(x) - 1) // 2] + ordered[len(x) // 2]) / 2.0


def _slope(x: Float) -> float:
    edges = np.linspace(0, len(x), BLOCKS + 1).astype(int)
    parts = [part[~np.isnan(part)] for part in (x[i:j] for i, j in pairwise(edges))]
    at = ((edges[:-1] + edges[1:] - 1) / 2.0)[[len(part) > 0 for part in parts]]
    level = np.array([middle(part) for part in parts if len(part)])
    i, j = np.triu_indices(len(level), 1)
    return middle((level[j] - level[i]) / (at[j] - at[i])) if len(i) else 0.0
