"""Change point: when the level of a series last changed."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from config.records import SECOND, Float, StateRows
from operators.anomaly.line import Positive
from operators.detector import Points, usable
from operators.kernel import kernel
from operators.trend.trend import Trend

FEWEST = 10
SIDE = [
    ("sum", "f8"),
    ("total", "f8"),
    ("begin", "i8"),
    ("n", "i8"),
]  # an excursion: its CUSUM, its readings, since when
ROW = np.zeros(1, [("changed", "i8"), ("mean", "f8"), ("m2", "f8"), ("n", "i8"), ("sides", SIDE, (2,))])


class Params(NamedTuple):
    limit: float
    slack: float


@kernel
def extend(side: Any, z: float, x: float, t: int) -> None:
    """Add a reading to an excursion to one side, or end that."""
    if side["sum"] == 0.0:
        side["begin"], side["n"], side["total"] = t, 0, 0.0
    side["sum"] = max(0.0, side["sum"] + z)
    side["n"] += 1
    side["total"] += x


@kernel
def restart(s: Any, side: Any) -> None:
    """Take an excursion for the new level; the deviation stays what it was, as of so many readings."""
    variance = s["m2"] / s["n"]
    s["changed"], s["n"], s["mean"] = side["begin"], side["n"], side["total"] / side["n"]
    s["m2"] = variance * side["n"]
    for other in s["sides"]:
        other["sum"] = 0.0


@kernel
def learn(s: Any, x: float, t: int, p: Params) -> float:
    """Return how near the level is to having changed, 1 when it has: above 0 for a rise, below for a fall."""
    change = nan
    if s["n"] >= FEWEST and s["m2"] > 0.0:
        z = min(max((x - s["mean"]) / sqrt(s["m2"] / s["n"]), -0.5 * p.limit), 0.5 * p.limit)
        extend(s["sides"][0], z - p.slack, x, t)
        extend(s["sides"][1], -z - p.slack, x, t)
        up, down = s["sides"][0]["sum"] / p.limit, s["sides"][1]["sum"] / p.limit
        change = up if up >= down else -down
        if abs(change) >= 1.0:
            restart(s, s["sides"][0 if change > 0.0 else 1])
            return change
    elif s["n"] >= FEWEST:
        change = 0.0
    s["n"] += 1
    d = x - s["mean"]
    s["mean"] += d / s["n"]
    s["m2"] += d * (x - s["mean"])
    return change


@kernel
def each(rows: StateRows, points: Points, p: Params, out: Float) -> None:
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s, t = rows[points.codes[i]], points.time[i]
            out[i, 0] = learn(s, x, t, p)
            if s["changed"] > 0 and not np.isnan(out[i, 0]):
                out[i, 1] = (t - s["changed"]) / SECOND


def changepoint(limit: Positive = 10.0, slack: Positive = 0.5) -> Trend:
    """Two-sided CUSUM against the level since the last change; once it crosses the line that level starts where the excursion did.

    `change` is the larger sum over `limit`: 1 or more at the window that shows a rise, -1 or less for a fall. `since` is how
    many seconds ago the level changed, absent before the first change.  Series that remember much (random walks) change often.

    Parameters
    ----------
    limit
        Sum, in deviations since the last change, that makes a change.
    slack
        Deviation that a window may show without adding to the sum.

    References
    ----------
    .. [1] Hinkley (1971), "Inference about the change-point from cumulative sum tests", Biometrika 58(3), doi:10.1093/biomet/58.3.509:
       the change lies where the sum was last 0.

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> found = run(changepoint(), [*np.tile([1.0, 3.0, 2.0], 20), *np.tile([4.0, 6.0, 5.0], 10)])
    >>> np.flatnonzero(abs(found["change"]) >= 1).tolist(), int(found["since"][-1] // 60)
    ([63], 31)
    """
    return Trend("changepoint", ROW, Params(float(limit), float(slack)), ("change", "since"), each)
