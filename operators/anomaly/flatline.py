"""Flat line: a reading that repeats for unusually long."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from config.records import StateRows
from operators.anomaly.ewma import follow
from operators.anomaly.line import FIELDS, Count, Positive, few, meet
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = np.zeros(1, [("last", "f8"), ("longest", "f8"), ("mean", "f8"), ("var", "f8"), ("same", "i4"), *FIELDS])
FADE = 1e-4  # a long run is remembered for some ten thousand changes: a day of ten-second readings
CHANGES = 10


class Params(NamedTuple):
    limit: float
    least: int
    accept: float


@kernel
def allowed(s: Any, p: Params) -> float:
    return max(float(p.least), p.limit * s["longest"])


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < CHANGES:
        return nan
    if few(s, x):
        return 0.0
    if s["run"] < CHANGES:
        return nan
    return (s["same"] + 1.0) / allowed(s, p) if x == s["last"] else 0.0


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    half = 2.0 * sqrt(s["var"])
    return s["mean"], s["mean"] - half, s["mean"] + half


@kernel
def change(s: Any, x: float, p: Params) -> None:
    """Learn the run that `x` ends, cut to what was allowed; then `x`."""
    if s["n"] > 0:
        s["longest"] = max(s["longest"] * (1.0 - FADE), min(float(s["same"]), allowed(s, p)))
        s["run"] = min(s["run"] + 1, 30_000)
    s["last"], s["same"] = x, 1
    follow(s, x, max(0.01, 1.0 / (s["run"] + 1)))


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if s["n"] == 0 or x != s["last"]:
        change(s, x, p)
    elif s["same"] < 2_000_000_000:
        s["same"] += 1
    if odd >= p.accept:
        s["n"] = s["run"] = s["distinct"] = 0
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


def flatline(limit: Positive = 4.0, least: Count = 30, accept: Positive = 20.0) -> Detector:
    """Equal readings in a row, against the longest such run that the series had before.

    Finds stuck sensors and agents that repeat themselves.  It warms up in ten changes of value; series that are constant or have two
    values are never odd.  `yhat` is the mean of the values before, the band two of their deviations.

    A run teaches its length up to the line, so each line is at most `limit` times the one before; a run `accept` times as long as
    was allowed is the new normal, and the series starts over as a constant one.

    Parameters
    ----------
    limit
        How many times the longest run so far a run must last to stop being ordinary (score 1).
    least
        Readings that a run must last in any case.
    accept
        Score from which on being flat is normal.

    References
    ----------
    .. [1] U.S. IOOS (2020), "Manual for real-time quality control of in-situ temperature and salinity data", version 2.1,
       test 8 (flat line), doi:10.25923/x02m-m555.

    Examples
    --------
    >>> from operators.detector import run
    >>> run(flatline(least=3), [*range(12), 5, 5, 5, 5, 6])[10:].tolist()
    [nan, 0.0, 0.0, 0.5, 0.75, 1.0, 0.0]
    """
    return Detector("flatline", ROW, Params(float(limit), int(least), float(accept)), score, expect, learn, each)
