"""Flat line: a reading that repeats for unusually long."""

from __future__ import annotations

from math import log, nan, sqrt
from typing import Any, NamedTuple

from config.records import StateRows
from config.settings import CHANCE
from operators.anomaly.ewma import follow
from operators.anomaly.line import Count, Positive, few, meet, row
from operators.anomaly.peaks import Chance, rarity, reach, rise, settle, sink, threshold
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = row([("last", "f8"), ("mean", "f8"), ("var", "f8"), ("same", "i8")])
CHANGES = 10


class Params(NamedTuple):
    limit: float
    rare: float
    accept: float


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < CHANGES:
        return nan
    if few(s, x):
        return 0.0
    if s["run"] < CHANGES:
        return nan
    return rarity(s, s["same"] + 1.0, p.limit, p.rare) if x == s["last"] else 0.0


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    half = 2.0 * sqrt(s["var"])
    return s["mean"], s["mean"] - half, s["mean"] + half


@kernel
def end(s: Any, p: Params) -> None:
    """Learn how long the run was that ends, up to `accept` thresholds."""
    long = s["same"] / (p.limit * threshold(s, p.rare))
    if long > 1.0:
        s["peak"] = log(min(long, p.accept))
        rise(s, p.rare)
        settle(s)
    s["run"] = min(s["run"] + 1, 30_000)


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    sink(s, p.rare)
    if s["n"] > 0 and x == s["last"]:
        s["same"] = min(s["same"] + 1, 2_000_000_000)
        if odd >= 1.0 and s["same"] >= p.accept * p.limit * reach(s, p.rare):
            s["n"] = s["run"] = s["distinct"] = 0
    else:
        if s["n"] > 0:
            end(s, p)
        s["last"], s["same"] = x, 1
        follow(s, x, max(0.01, 1.0 / (s["run"] + 1)))
    meet(s, x)


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


def flatline(limit: Count = 30, accept: Positive = 20.0, chance: Chance = CHANCE) -> Detector:
    """Equal readings in a row, against how long such runs used to be.

    Finds stuck sensors and agents that repeat themselves.  It warms up in ten changes of value; series that are constant or have two
    values are never odd.  `yhat` is the mean of the values before, the band two of their deviations.

    Lengths have a tail as deviations have: of readings that repeat by chance a geometric one.  A run that ended was no stuck sensor and
    teaches all its length; one `accept` times as long as one of score 1 is the new normal, and the series starts over as a constant one.

    Parameters
    ----------
    limit
        Readings that a run must last to stop being ordinary (score 1), at least.
    accept
        How many times as long as a run of score 1 a run must last to be normal.
    chance
        Share of readings at which a run of score 1 begins by chance.

    References
    ----------
    .. [1] U.S. IOOS (2020), "Manual for real-time quality control of in-situ temperature and salinity data", version 2.1,
       test 8 (flat line), doi:10.25923/x02m-m555.

    Examples
    --------
    >>> import numpy as np
    >>> from operators.detector import run
    >>> odd = run(flatline(), [*range(300), *[5] * 60, 6])
    >>> bool(np.nanmax(odd[:330]) < 1 < odd[359]), float(odd[360])
    (True, 0.0)
    """
    return Detector("flatline", ROW, Params(float(limit), -log(chance), float(accept)), score, expect, learn, each)
