"""Rate of change: how fast a reading left the one before it, against how fast the series used to move."""

from __future__ import annotations

from math import log, nan, sqrt
from typing import Any, NamedTuple

from config.records import SECOND, StateRows
from config.settings import CHANCE
from operators.anomaly.line import Count, Positive, Share, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = row([("last", "f8"), ("at", "i8"), ("mean", "f8"), ("var", "f8"), ("jump", "f8")])


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    rare: float
    accept: int


@kernel
def seconds(s: Any, t: int) -> float:
    return max(t - s["at"], 1) * (1.0 / SECOND)


@kernel
def deviation(s: Any, time: float) -> float:
    """Return the deviation of a change in so many seconds; of series that rarely move, a third of a usual move."""
    return max(max(sqrt(s["var"]), s["jump"] / 3.0) * time, 1e-9 * abs(s["last"]), 1e-100)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x) or t <= s["at"]:
        return 0.0
    time = seconds(s, t)
    return rarity(s, abs(x - s["last"] - s["mean"] * time), p.limit * deviation(s, time), p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    time = seconds(s, t)
    yhat, half = s["last"] + s["mean"] * time, p.limit * reach(s, p.rare) * deviation(s, time)
    return yhat, yhat - half, yhat + half


@kernel
def follow(s: Any, change: float, weight: float) -> None:
    if change != 0.0:
        s["jump"] += (0.05 if s["jump"] > 0.0 else 1.0) * (abs(change) - s["jump"])
    d = change - s["mean"]
    s["mean"] += weight * d
    s["var"] = (1.0 - weight) * (s["var"] + weight * d * d)


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    taught, learns = x, s["n"] > 0 and t > s["at"]
    if s["n"] >= p.warmup:
        if odd >= 1.0:
            _, lower, upper = expect(s, t, p)
            taught = min(max(x, lower), upper)
        calibrate(s, odd, p.rare)
        if s["run"] >= p.accept:
            s["n"], s["run"], learns = 0, 0, False
        elif odd > 2.0:
            learns = False
    if learns:
        follow(s, (taught - s["last"]) / seconds(s, t), newest(s, p.weight))
    meet(s, x)
    s["last"], s["at"] = x, max(t, s["at"])


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


def rate(
    limit: Positive = 3.0, weight: Share = 0.01, warmup: Count = 30, chance: Chance = CHANCE, accept: Count = 60
) -> Detector:
    """Change per second since the last reading, in the deviations that such changes had.

    Good for jumps of series whose level wanders.  A new level is accepted at once, since only changes are judged; a series that
    moves faster for good is accepted after `accept` odd changes in a row.  Readings of the same stamp are not judged.

    Parameters
    ----------
    limit
        Deviations at which a change stops being ordinary (score 1), at least.
    weight
        Share of the newest change in mean and variance, in (0, 1].
    warmup
        Readings of a series before it is scored.
    chance
        Share of readings at which a score of 1 begins by chance.
    accept
        Odd changes in a row that make a new normal.

    References
    ----------
    .. [1] U.S. IOOS (2020), "Manual for real-time quality control of in-situ temperature and salinity data", version 2.1,
       test 7 (rate of change), doi:10.25923/x02m-m555.

    Examples
    --------
    >>> import numpy as np
    >>> from operators.detector import run
    >>> walk = np.random.default_rng(1).normal(size=300).cumsum()
    >>> odd = run(rate(), [*walk, walk[-1] + 9.0, walk[-1] + 9.0])
    >>> bool(np.nanmax(odd[:300]) < 1 < odd[300]), bool(odd[301] < 1)
    (True, True)
    """
    return Detector(
        "rate",
        ROW,
        Params(float(limit), float(weight), int(warmup), -log(chance), int(accept)),
        score,
        expect,
        learn,
        each,
    )
