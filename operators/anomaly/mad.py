"""Running median and median absolute deviation: a z-score that far readings do not move."""

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

ROW = row([("median", "f8"), ("mad", "f8"), ("spread", "f8")])


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    rare: float
    accept: int


@kernel
def deviation(s: Any) -> float:
    """Return 1.48 MADs, the deviation of Gaussian noise; where most readings are equal, the mean absolute deviation."""
    return max(1.4826 * s["mad"], s["spread"], 1e-9 * abs(s["median"]), 1e-100)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x):
        return 0.0
    return rarity(s, abs(x - s["median"]), p.limit * deviation(s), p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    half = p.limit * reach(s, p.rare) * deviation(s)
    return s["median"], s["median"] - half, s["median"] + half


@kernel
def follow(s: Any, x: float, weight: float) -> None:
    far = abs(x - s["median"])
    s["spread"] += weight * (far - s["spread"])
    step = PACE * weight * s["spread"]
    s["median"] = towards(s["median"], x, 0.5, step)
    s["mad"] = towards(s["mad"], far, 0.5, step)


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
        s["median"], s["mad"], s["spread"] = x, 0.0, 0.0
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


def mad(
    limit: Positive = 3.0, weight: Share = 0.01, warmup: Count = 30, chance: Chance = CHANCE, accept: Count = 60
) -> Detector:
    """Distance from a running median, in running median absolute deviations.

    Good for series with many far readings, which teach no more than near ones.  A change of level is odd until `accept` readings
    in a row stood by it, then median and deviation start over there.

    Parameters
    ----------
    limit
        Deviations (1.48 MADs) at which a reading stops being ordinary (score 1), at least.
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
    .. [1] Iglewicz, Hoaglin (1993), "How to detect and handle outliers", ASQC Quality Press, ISBN 0-87389-247-X: modified z-scores.
    .. [2] Tierney (1983), "A space-efficient recursive procedure for estimating a quantile of an unknown distribution", SIAM Journal
       on Scientific and Statistical Computing 4(4), doi:10.1137/0904048.

    Examples
    --------
    >>> import numpy as np
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(mad(), [*noise, 9.0])
    >>> bool(np.nanmax(odd[:300]) < 1 < odd[300])
    True
    """
    return Detector(
        "mad",
        ROW,
        Params(float(limit), float(weight), int(warmup), -log(chance), int(accept)),
        score,
        expect,
        learn,
        each,
    )
