"""Recurring shapes of a series, as what watches it: see `operators.motif.shape`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.records import Float
from operators.motif.shape import START
from operators.motif.template import each
from operators.trend.trend import Trend, run


class Met(NamedTuple):
    """A shape met again.

    Parameters
    ----------
    template, times
        Which, numbered from 1 in the order in which they were found, never twice; how often by now, from 2.
    ago, since, every
        Seconds: since it began; from the beginning of the time before to that; between two on average.
    similarity
        Correlation with the template, up to 1.
    """

    template: float
    times: float
    ago: float
    since: float
    every: float
    similarity: float


def motif() -> Trend:
    """Shapes that a series shows again: found, numbered, and told each time; the fields are those of `Met`.

    References
    ----------
    .. [1] Yeh et al. (2016), "Matrix Profile I: all pairs similarity joins for time series", ICDM, doi:10.1109/ICDM.2016.0179.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=900)
    >>> for begin in (200, 440, 680): x[begin : begin + 24] += 9 * np.sin(np.arange(24) * np.pi / 8)
    >>> for i, met in meetings(x, every=60.0).items(): print(i, met.template, met.times, met.since / 60)
    497 1.0 2.0 240.0
    737 1.0 3.0 240.0
    """
    return Trend("motif", START, 0, Met._fields, each)


def meetings(values: Sequence[float] | Float, every: float = 1.0) -> dict[int, Met]:
    """Follow one series from scratch, a reading each `every` seconds; return what was told, by the reading that told it."""
    said = np.stack(list(run(motif(), values, every).values()), axis=1)
    return {i: Met(*said[i].tolist()) for i in np.flatnonzero(~np.isnan(said[:, 0])).tolist()}
