"""Two-sided CUSUM: small shifts of level that persist."""

from __future__ import annotations

from math import log, nan, sqrt
from typing import Any, NamedTuple

from config.records import StateRows
from config.settings import CHANCE
from operators.anomaly.ewma import FINEST, follow
from operators.anomaly.line import Count, Positive, Share, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

ROW = row([(name, "f8") for name in ("up", "down", "mean", "var", "cov", "last", "drift", "rest")])
LEAST = 0.05  # share of the series' own deviation below which what cannot be foreseen is no shift


class Params(NamedTuple):
    limit: float
    slack: float
    weight: float
    warmup: int
    rare: float
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
    return max(sqrt(max(s["rest"], LEAST * LEAST * s["var"])), FINEST * abs(s["mean"]), 1e-100)


@kernel
def standard(s: Any, e: float, p: Params) -> float:
    """Return how many deviations reading and expected value lie apart: at most `limit`, for one far reading is not what sums are for."""
    if p.plain:
        return 0.0 if s["n"] < p.warmup or s["var"] == 0.0 else e / sqrt(s["var"])
    return min(max(e / deviation(s, p), -p.limit), p.limit)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if not p.plain and few(s, x):
        return 0.0
    z = standard(s, x - expected(s, p), p)
    far = max(0.0, s["up"] + z - p.slack, s["down"] - z - p.slack)
    return far / p.limit if p.plain else rarity(s, far, p.limit, p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    yhat, unit, line = expected(s, p), deviation(s, p), p.limit * (1.0 if p.plain else reach(s, p.rare)) + p.slack
    return yhat, yhat - unit * max(0.0, line - s["down"]), yhat + unit * max(0.0, line - s["up"])


@kernel
def add(s: Any, z: float, p: Params) -> None:
    s["up"] = max(0.0, s["up"] + z - p.slack)
    s["down"] = max(0.0, s["down"] - z - p.slack)


@kernel
def learn_plainly(s: Any, x: float, p: Params) -> None:
    add(s, standard(s, x - s["mean"], p), p)
    if s["up"] > p.limit or s["down"] > p.limit:
        s["up"] = s["down"] = 0.0
    meet(s, x)
    follow(s, x, 1.0 if s["n"] == 1 else p.weight)


@kernel
def learn_level(s: Any, x: float, yhat: float, weight: float) -> None:
    """Let mean, variance, what stays of a deviation, and mean and variance of the rest follow a reading; `yhat` was expected."""
    if s["n"] == 1:
        s["mean"], s["var"], s["cov"], s["drift"], s["rest"] = x, 0.0, 0.0, 0.0, 0.0
        return
    d, e = x - s["mean"], x - yhat
    s["cov"] += weight * (d * s["last"] - s["cov"])
    s["drift"] += weight * e
    s["rest"] = (1.0 - weight) * (s["rest"] + weight * e * e)
    follow(s, x, weight)


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if p.plain:
        learn_plainly(s, x, p)
        return
    taught, yhat = x, expected(s, p)
    if s["n"] >= p.warmup:
        if not few(s, x):
            add(s, standard(s, x - yhat, p), p)
        if odd >= 1.0:
            unit, most = deviation(s, p), 2.0 * p.limit * reach(s, p.rare)
            s["up"], s["down"] = min(s["up"], most), min(s["down"], most)
            taught = min(max(x, yhat - unit), yhat + unit)
        calibrate(s, odd, p.rare)
        if s["run"] >= p.accept:
            taught, s["n"], s["run"], s["up"], s["down"], s["last"] = x, 0, 0, 0.0, 0.0, 0.0
    meet(s, x)
    learn_level(s, taught, yhat, newest(s, p.weight))
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
    limit: Positive = 5.0,
    slack: Positive = 0.5,
    weight: Share = 0.01,
    warmup: Count = 30,
    chance: Chance = CHANCE,
    accept: Count = 60,
    plain: bool = False,
) -> Detector:
    """Sum of what readings lie above, and of what they lie below, what was expected of them.

    Expected is an exponentially weighted mean, of the last deviation from it the share that usually stays, and the mean rest:
    sums of a series that remembers, or climbs slowly, would cross any line.  Finds shifts of less than a deviation that
    persist; far readings count as `limit` deviations, so one alone is hardly ever odd.
    Sums end at twice the line, so that the score falls soon after a shift has gone.  A shift is accepted after `accept`
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
    chance
        Share of readings at which a score of 1 begins by chance.
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
    >>> import numpy as np
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=300)
    >>> odd = run(cusum(), [*noise, *(noise[:40] + 2)])
    >>> bool(np.nanmax(odd[:300]) < 0.7), np.flatnonzero(odd >= 1)[:3].tolist()
    (True, [303, 304, 305])
    """
    params = Params(float(limit), float(slack), float(weight), int(warmup), -log(chance), int(accept), bool(plain))
    return Detector("cusum", ROW, params, score, expect, learn, each)
