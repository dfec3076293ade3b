"""Exponentially weighted z-score: distance from a mean that forgets, in deviations that forget."""

from __future__ import annotations

from math import log, nan, sqrt
from typing import Any, NamedTuple

from config.records import StateRows
from config.settings import CHANCE
from operators.anomaly.line import Count, Positive, Share, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = row([("mean", "f8"), ("var", "f8")])
FINEST = 1e-9  # share of the mean below which a deviation is rounding


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    rare: float
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
    far, unit = abs(x - s["mean"]), p.limit * deviation(s)
    return far / unit if p.plain else rarity(s, far, unit, p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    half = p.limit * deviation(s) * (1.0 if p.plain else reach(s, p.rare))
    return s["mean"], s["mean"] - half, s["mean"] + half


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if p.plain:
        meet(s, x)
        follow(s, x, 1.0 if s["n"] == 1 else p.weight)
        return
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


def ewma(
    limit: Positive = 3.0,
    weight: Share = 0.01,
    warmup: Count = 30,
    chance: Chance = CHANCE,
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
    chance
        Share of readings at which a score of 1 begins by chance.
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
    >>> import numpy as np
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(ewma(), [*noise, 7.0])
    >>> bool(np.nanmax(odd[:300]) < 1 < odd[300])
    True
    """
    params = Params(float(limit), float(weight), int(warmup), -log(chance), int(accept), bool(plain))
    return Detector("ewma", ROW, params, score, expect, learn, each)
