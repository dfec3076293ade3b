"""Momentum: how far the recent level has left the longer one."""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from config.records import Float, StateRows
from operators.anomaly.line import Share
from operators.detector import Points, usable
from operators.kernel import kernel
from operators.trend.trend import Trend

FEWEST = 10
ROW = np.zeros(1, [("fast", "f8"), ("slow", "f8"), ("last", "f8"), ("step", "f8"), ("n", "i4"), ("pad", "i4")])


class Params(NamedTuple):
    fast: float
    slow: float
    noise: float  # deviation of fast less slow, for steps of deviation 1 that know nothing of each other


@kernel
def learn(s: Any, x: float, p: Params) -> None:
    if s["n"] < 1_000_000_000:
        s["n"] += 1
    if s["n"] == 1:
        s["fast"] = s["slow"] = s["last"] = x
    weight, step = 1.0 / s["n"], x - s["last"]
    s["fast"] += max(p.fast, weight) * (x - s["fast"])
    s["slow"] += max(p.slow, weight) * (x - s["slow"])
    s["step"] += max(p.slow, weight) * (step * step - s["step"])
    s["last"] = x


@kernel
def each(rows: StateRows, points: Points, p: Params, out: Float) -> None:
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s = rows[points.codes[i]]
            learn(s, x, p)
            if s["n"] >= FEWEST:
                out[i, 0] = (s["fast"] - s["slow"]) / (p.noise * sqrt(s["step"])) if s["step"] > 0.0 else 0.0


def momentum(fast: Share = 0.15, slow: Share = 0.05) -> Trend:
    """Distance of a fast exponential mean from a slow one, in the deviations a random walk of the same steps would have.

    Beyond 2 or 3 on either side the series goes somewhere; it says nothing of how long that has lasted (see `slope`).

    Parameters
    ----------
    fast, slow
        Share of the newest window in either mean, in (0, 1]; `fast` is the greater.

    References
    ----------
    .. [1] Lequeux, Acar (1998), "A dynamic index for managed currencies funds using CME currency contracts", European Journal of
       Finance 4(4), doi:10.1080/135184798337326: rules of two moving averages, and their variance on a random walk.

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> noise = np.random.default_rng(1).normal(size=100).cumsum()
    >>> bool(abs(run(momentum(), noise)["momentum"][-1]) < 2 < run(momentum(), noise + np.arange(100))["momentum"][-1])
    True
    """
    a, b = 1.0 - float(fast), 1.0 - float(slow)
    variance = b * b / (1 - b * b) + a * a / (1 - a * a) - 2 * a * b / (1 - a * b)
    return Trend("momentum", ROW, Params(1.0 - a, 1.0 - b, sqrt(max(variance, 1e-12))), ("momentum",), each)
