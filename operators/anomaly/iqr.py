"""Running quartiles: how far beyond the middle half of its past a reading lies."""

from __future__ import annotations

from math import log, nan
from typing import Any, NamedTuple

from config.records import StateRows
from config.settings import CHANCE
from operators.anomaly.line import Count, Positive, Share, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.anomaly.quartile import PACE, towards
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = row([("q1", "f8"), ("median", "f8"), ("q3", "f8"), ("spread", "f8")])


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    rare: float
    accept: int


@kernel
def fence(s: Any, half: float, p: Params) -> float:
    """Return how far from the median a fence lies, `half` being the distance of the quartile on that side.

    Where most readings are equal, the mean absolute deviation stands in.
    """
    return (0.5 + p.limit) * max(2.0 * half, s["spread"], 1e-9 * abs(s["median"]), 1e-100)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x):
        return 0.0
    half = s["q3"] - s["median"] if x > s["median"] else s["median"] - s["q1"]
    return rarity(s, abs(x - s["median"]), fence(s, half, p), p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    far, median = reach(s, p.rare), s["median"]
    return median, median - far * fence(s, median - s["q1"], p), median + far * fence(s, s["q3"] - median, p)


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
        _, lower, upper = expect(s, t, p) if odd >= 1.0 else (x, x, x)
        calibrate(s, odd, p.rare)
        if s["run"] >= p.accept:
            s["n"] = s["run"] = 0
        elif odd > 2.0:
            return
        else:
            x = min(max(x, lower), upper)
    meet(s, x)
    if s["n"] == 1:
        s["q1"], s["median"], s["q3"], s["spread"] = x, x, x, 0.0
    follow(s, x, newest(s, p.weight))


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
    limit: Positive = 1.5, weight: Share = 0.01, warmup: Count = 30, chance: Chance = CHANCE, accept: Count = 60
) -> Detector:
    """Distance beyond a running quartile, in twice its distance to the median.

    Good for skewed series: either side has a fence of its own [2]_.  A change of level is odd until `accept` readings in a row
    stood by it, then the quartiles start over there.

    Parameters
    ----------
    limit
        Such distances beyond a quartile at which a reading stops being ordinary (score 1), at least: Tukey's fence.
    weight
        How fast the estimates forget: about ``1 / weight`` readings count.
    warmup
        Readings of a series before it is scored.
    chance
        Share of readings at which a score of 1 begins by chance.
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
    >>> import numpy as np
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(iqr(), [*noise, 9.0])
    >>> bool(np.nanmax(odd[:300]) < 1 < odd[300])
    True
    """
    return Detector(
        "iqr",
        ROW,
        Params(float(limit), float(weight), int(warmup), -log(chance), int(accept)),
        score,
        expect,
        learn,
        each,
    )
