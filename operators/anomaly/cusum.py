"""Two-sided CUSUM: small shifts of level that persist."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from config.records import StateRows
from operators.anomaly.ewma import FINEST, follow
from operators.anomaly.line import FIELDS, Count, Positive, Share, Tail, calibrate, clip, few, line, meet
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = np.zeros(1, [(name, "f8") for name in ("up", "down", "mean", "var", "cov", "last", "drift", "rest")] + FIELDS)
LEAST = 0.05  # share of the series' own deviation below which what cannot be foreseen is no shift


class Params(NamedTuple):
    limit: float
    slack: float
    weight: float
    warmup: int
    tail: float
    accept: int
    plain: bool


@kernel
def expected(s: Any, p: Params) -> float:
    """Return the mean, of the last deviation from it what usually stays, and what usually comes on top."""
    if p.plain or s["var"] <= 0.0:
        return s["mean"]
    return s["mean"] + s["drift"] + min(max(s["cov"] / s["var"], 0.0), 0.99) * s["last"]


@kernel
def deviation(s: Any, p: Params) -> float:
    if p.plain:
        return max(sqrt(s["var"]), 1e-100)
    return max(sqrt(s["rest"]), LEAST * sqrt(s["var"]), FINEST * abs(s["mean"]), 1e-100)


@kernel
def standard(s: Any, x: float, p: Params) -> float:
    if p.plain:
        return 0.0 if s["n"] < p.warmup or s["var"] == 0.0 else (x - s["mean"]) / sqrt(s["var"])
    half = 0.5 * p.limit  # a single reading, however far, is the business of other detectors
    return min(max((x - expected(s, p)) / deviation(s, p), -half), half)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if not p.plain and few(s, x):
        return 0.0
    z = standard(s, x, p)
    odd = max(0.0, s["up"] + z - p.slack, s["down"] - z - p.slack) / line(s, p.limit)
    return odd if p.plain else min(odd, 2.0)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    yhat, unit, reach = expected(s, p), deviation(s, p), line(s, p.limit) + p.slack
    return yhat, yhat - unit * max(0.0, reach - s["down"]), yhat + unit * max(0.0, reach - s["up"])


@kernel
def add(s: Any, z: float, p: Params) -> None:
    s["up"] = max(0.0, s["up"] + z - p.slack)
    s["down"] = max(0.0, s["down"] - z - p.slack)


@kernel
def learn_plainly(s: Any, x: float, p: Params) -> None:
    add(s, standard(s, x, p), p)
    if s["up"] > p.limit or s["down"] > p.limit:
        s["up"] = s["down"] = 0.0
    meet(s, x)
    follow(s, x, 1.0 if s["n"] == 1 else p.weight)


@kernel
def learn_level(s: Any, x: float, weight: float, p: Params) -> None:
    """Let mean, variance, what stays of a deviation, and mean and variance of the rest follow a reading."""
    if s["n"] == 1:
        s["mean"], s["var"], s["cov"], s["drift"], s["rest"] = x, 0.0, 0.0, 0.0, 0.0
        return
    d, e = x - s["mean"], x - expected(s, p)
    s["cov"] += weight * (d * s["last"] - s["cov"])
    s["drift"] += weight * e
    s["rest"] = (1.0 - weight) * (s["rest"] + weight * e * e)
    follow(s, x, weight)


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if p.plain:
        learn_plainly(s, x, p)
        return
    taught = x
    if s["n"] >= p.warmup:
        calibrate(s, odd, p.tail)
        yhat, unit, most = expected(s, p), deviation(s, p), 2.0 * line(s, p.limit)
        if not few(s, x):
            add(s, standard(s, x, p), p)
        s["up"], s["down"] = min(s["up"], most), min(s["down"], most)
        taught = clip(x, odd, yhat - unit, yhat + unit)
        if s["run"] >= p.accept:
            taught, s["n"], s["run"], s["up"], s["down"], s["last"] = x, 0, 0, 0.0, 0.0, 0.0
    meet(s, x)
    learn_level(s, taught, max(p.weight, 1.0 / s["n"]), p)
    s["last"] = x - s["mean"]


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


def cusum(
    limit: Positive = 10.0,
    slack: Positive = 0.5,
    weight: Share = 0.01,
    warmup: Count = 30,
    tail: Tail = 0.0005,
    accept: Count = 60,
    plain: bool = False,
) -> Detector:
    """Sum of what readings lie above, and of what they lie below, what was expected of them.

    Expected is an exponentially weighted mean, of the last deviation from it the share that usually stays, and the mean rest:
    sums of a series that remembers, or climbs slowly, would cross any line.  Finds shifts of less than a deviation that
    persist; far readings count as ``limit / 2`` deviations, so one alone is never odd.
    Sums and score end at twice the line, so that the score falls soon after a shift has gone.  A shift is accepted after `accept`
    odd readings in a row: everything starts over at the new level; until then an odd reading teaches at most one deviation.

    Parameters
    ----------
    limit
        Sum, in standard deviations, at which a reading stops being ordinary (score 1), at least.
    slack
        Deviation that a reading may show without adding to the sum.
    weight
        Share of the newest reading in mean and variance, in (0, 1].
    warmup
        Readings of a series before it is scored.
    tail
        Share of readings that may begin a run of odd ones before the line rises; 0 fixes the line at `limit`.
    accept
        Odd readings in a row that make a new normal.
    plain
        The textbook's form: everything is learnt with constant weight, the line stays at `limit`, sums are not bounded and
        return to 0 once one is beyond it.

    References
    ----------
    .. [1] Page (1954), "Continuous inspection schemes", Biometrika 41(1/2), doi:10.2307/2333009.
    .. [2] Lucas, Crosier (1982), "Robust CUSUM: a robustness study for CUSUM quality control schemes", Communications in
       Statistics 11(23), doi:10.1080/03610928208828414.

    Examples
    --------
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(cusum(), [*noise, *(noise[:40] + 2)])
    >>> bool(np.nanmax(odd[:300]) < 0.7), np.flatnonzero(odd >= 1)[:3].tolist()
    (True, [304, 305, 306])
    """
    params = Params(float(limit), float(slack), float(weight), int(warmup), float(tail), int(accept), bool(plain))
    return Detector("cusum", ROW, params, score, expect, learn, each)
