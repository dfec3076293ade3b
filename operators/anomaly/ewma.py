"""Exponentially weighted z-score: distance from a mean that forgets, in deviations that forget."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from config.records import StateRows
from operators.anomaly.line import FIELDS, Count, Positive, Share, Tail, calibrate, clip, few, line, meet
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = np.zeros(1, [("mean", "f8"), ("var", "f8"), *FIELDS])
FINEST = 1e-9  # share of the mean below which a deviation is rounding


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    tail: float
    accept: int
    plain: bool


@kernel
def deviation(s: Any) -> float:
    return max(sqrt(s["var"]), FINEST * abs(s["mean"]), 1e-100)


@kernel
def follow(s: Any, x: float, weight: float) -> None:
    d = x - s["mean"]
    s["mean"] += weight * d
    s["var"] = (1.0 - weight) * (s["var"] + weight * d * d)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if s["var"] == 0.0 if p.plain else few(s, x):
        return 0.0
    return abs(x - s["mean"]) / (line(s, p.limit) * deviation(s))


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    half = line(s, p.limit) * deviation(s)
    return s["mean"], s["mean"] - half, s["mean"] + half


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if p.plain:
        meet(s, x)
        follow(s, x, 1.0 if s["n"] == 1 else p.weight)
        return
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


def ewma(
    limit: Positive = 4.0,
    weight: Share = 0.01,
    warmup: Count = 30,
    tail: Tail = 0.0005,
    accept: Count = 60,
    plain: bool = False,
) -> Detector:
    """Distance from an exponentially weighted mean, in exponentially weighted standard deviations.

    Good for series whose level wanders; a change of level is odd until `accept` readings in a row stood by it, then it is the level.
    The first ``1 / weight`` readings weigh alike.

    Parameters
    ----------
    limit
        Deviations at which a reading stops being ordinary (score 1), at least.
    weight
        Share of the newest reading, in (0, 1].
    warmup
        Readings of a series before it is scored.
    tail
        Share of readings that may begin a run of odd ones before the line rises; 0 fixes the line at `limit`.
    accept
        Odd readings in a row that make a new normal.
    plain
        The textbook's form: constant weight from the first reading on, everything is learnt, the line stays at `limit`.

    References
    ----------
    .. [1] West (1979), "Updating mean and variance estimates: an improved method", Communications of the ACM 22(9),
       doi:10.1145/359146.359153.
    .. [2] Roberts (1959), "Control chart tests based on geometric moving averages", Technometrics 1(3),
       doi:10.1080/00401706.1959.10489860.

    Examples
    --------
    >>> from operators.detector import run
    >>> run(ewma(limit=4, weight=0.5, warmup=2), [1.0, 3.0, 2.0, 9.0]).tolist()
    [nan, nan, 0.0, 2.4749]
    """
    params = Params(float(limit), float(weight), int(warmup), float(tail), int(accept), bool(plain))
    return Detector("ewma", ROW, params, score, expect, learn, each)
