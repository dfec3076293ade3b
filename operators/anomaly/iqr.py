"""Running quartiles: how far beyond the middle half of its past a reading lies."""

from __future__ import annotations

from math import nan
from typing import Any, NamedTuple

import numpy as np

from config.records import StateRows
from operators.anomaly.line import FIELDS, Count, Positive, Share, Tail, calibrate, clip, few, line, meet
from operators.anomaly.quartile import PACE, towards
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = np.zeros(1, [("q1", "f8"), ("median", "f8"), ("q3", "f8"), ("spread", "f8"), *FIELDS])


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    tail: float
    accept: int


@kernel
def width(s: Any, half: float) -> float:
    """Return twice the distance of a quartile to the median; where most readings are equal, the mean absolute deviation."""
    return max(2.0 * half, s["spread"], 1e-9 * abs(s["median"]), 1e-100)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x):
        return 0.0
    above = (x - s["q3"]) / width(s, s["q3"] - s["median"])
    below = (s["q1"] - x) / width(s, s["median"] - s["q1"])
    return max(0.0, above, below) / line(s, p.limit)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    far = line(s, p.limit)
    lower = s["q1"] - far * width(s, s["median"] - s["q1"])
    return s["median"], lower, s["q3"] + far * width(s, s["q3"] - s["median"])


@kernel
def follow(s: Any, x: float, weight: float) -> None:
    s["spread"] += weight * (abs(x - s["median"]) - s["spread"])
    step = PACE * weight * s["spread"]
    s["median"] = towards(s["median"], x, 0.5, step)
    s["q1"] = min(towards(s["q1"], x, 0.25, step), s["median"])
    s["q3"] = max(towards(s["q3"], x, 0.75, step), s["median"])


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if s["n"] >= p.warmup:
        _, lower, upper = expect(s, t, p)
        calibrate(s, odd, p.tail)
        if s["run"] >= p.accept:
            s["n"] = s["run"] = 0
        elif odd > 2.0:
            return
        else:
            x = clip(x, odd, lower, upper)
    meet(s, x)
    if s["n"] == 1:
        s["q1"], s["median"], s["q3"], s["spread"] = x, x, x, 0.0
    follow(s, x, max(p.weight, 1.0 / s["n"]))


@kernel
def each(rows: StateRows, points: Points, p: Params, gate: Gate, out: Out) -> None:
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s, t = rows[points.codes[i]], points.time[i]
            odd = score(s, x, t, p)
            if odd >= 1.0 or out.all or gate.shut:
                publish(out, i, odd, x, expect(s, t, p), gate)
            else:
                out.score[i] = odd
            learn(s, x, t, odd, p)


def iqr(
    limit: Positive = 3.5, weight: Share = 0.01, warmup: Count = 30, tail: Tail = 0.0005, accept: Count = 60
) -> Detector:
    """Distance beyond a running quartile, in twice its distance to the median.

    Good for skewed series: either side has a fence of its own [2]_.  A change of level is odd until `accept` readings in a row
    stood by it, then the quartiles start over there.

    Parameters
    ----------
    limit
        Such distances beyond a quartile at which a reading stops being ordinary (score 1), at least; Tukey calls 3 "far out".
    weight
        How fast the estimates forget: about ``1 / weight`` readings count.
    warmup
        Readings of a series before it is scored.
    tail
        Share of readings that may begin a run of odd ones before the line rises; 0 fixes the line at `limit`.
    accept
        Odd readings in a row that make a new normal.

    References
    ----------
    .. [1] Tukey (1977), "Exploratory data analysis", Addison-Wesley, section 2E: fences.
    .. [2] Kimber (1990), "Exploratory data analysis for possibly censored data from skewed distributions", Applied Statistics 39(1),
       doi:10.2307/2347808: a fence on either side from that side's half of the quartile distance.
    .. [3] Tierney (1983), "A space-efficient recursive procedure for estimating a quantile of an unknown distribution", SIAM Journal
       on Scientific and Statistical Computing 4(4), doi:10.1137/0904048.

    Examples
    --------
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(iqr(), [*noise, 9.0])
    >>> bool(np.nanmax(odd[:300]) < 1 < odd[300])
    True
    """
    return Detector(
        "iqr",
        ROW,
        Params(float(limit), float(weight), int(warmup), float(tail), int(accept)),
        score,
        expect,
        learn,
        each,
    )
