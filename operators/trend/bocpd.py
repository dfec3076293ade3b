"""Bayesian change points: how probable it is that a series has begun anew, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, log1p, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from config.records import SECOND, Float, Int, StateRows
from operators.detector import Points, usable
from operators.kernel import kernel
from operators.trend.trend import Trend, run

RUNS = 60  # hypotheses kept; two are born with every window
LEVEL, WALK = 0, 1
DOUBT = 0.05  # readings that the level known before a run is worth
WIDTH = 0.3  # of the variance so far is what a run expects at first
FEW = 3  # windows before a run can be told
CLIP = 6.0  # log likelihood by which one window may prefer one run to another: a far one proves little
FAR = 3.0  # deviations beyond which a reading teaches its run no more
FINEST = 1e-18  # share of a square below which a variance is rounding
RUN = [(name, "f8") for name in ("share", "mean", "worth", "shape", "rest", "since", "first", "kind")]
ROW = np.zeros(
    1,
    [
        ("run", RUN, (RUNS,)),
        ("center", "f8", (2,)),
        ("square", "f8", (2,)),
        *((name, "f8") for name in ("last", "told", "began")),
        ("n", "i8"),
    ],
)


class Params(NamedTuple):
    hazard: float
    certainty: float


@kernel
def moments(s: Any, kind: int, y: float, n: int) -> None:
    """Let mean and variance of all readings, or of all steps, take in the n-th."""
    d = y - s["center"][kind]
    s["center"][kind] += d / n
    s["square"][kind] += (d * (y - s["center"][kind]) - s["square"][kind]) / n


@kernel
def likelihood(r: Any, s: Any, y: float, now: float) -> float:
    """Return the log likelihood of a reading or step given its run (Student's t), and let the run learn it."""
    if r["worth"] == 0.0:
        k = int(r["kind"])
        var = min(s["square"][0], s["square"][1]) if k == LEVEL else s["square"][1]
        r["mean"], r["worth"], r["shape"] = s["center"][k], DOUBT, 1.0
        r["since"] = now
        r["rest"] = WIDTH * max(var, FINEST * s["last"] * s["last"], 1e-100)
    nu, d = 2.0 * r["shape"], y - r["mean"]
    var = r["rest"] * (r["worth"] + 1.0) / (r["shape"] * r["worth"])
    found = -0.5 * log(var) - 0.25 / nu + 1.0 / (24.0 * nu**3) - 0.5 * (nu + 1.0) * log1p(min(d * d / var, 1e30) / nu)
    d = min(max(d, -FAR * sqrt(var)), FAR * sqrt(var))
    r["rest"] += r["worth"] * d * d / (2.0 * (r["worth"] + 1.0))
    r["mean"] += d / (r["worth"] + 1.0)
    r["worth"] += 1.0
    r["shape"] += 0.5
    return found


@kernel
def weigh(s: Any, x: float, now: float, odds: Float) -> float:
    """Let every run take in a reading, and its share what that says for it; return the sum of shares before they are shared out."""
    most = -inf
    for i in range(RUNS):
        r = s["run"][i]
        if r["share"] > 0.0:
            odds[i] = likelihood(r, s, x if r["kind"] == LEVEL else x - s["last"], now)
            most = max(most, odds[i])
    total = 0.0
    for i in range(RUNS):
        r = s["run"][i]
        if r["share"] > 0.0:
            r["share"] *= exp(max(odds[i] - most, -CLIP))
            total += r["share"]
    return total


@kernel
def bear(s: Any, share: float, kind: int) -> None:
    """Begin a run at the next reading in place of the least probable one."""
    least = 0
    for i in range(RUNS):
        if s["run"][i]["share"] < s["run"][least]["share"]:
            least = i
    r = s["run"][least]
    r["share"], r["kind"], r["worth"], r["first"] = share, float(kind), 0.0, float(s["n"])


@kernel
def tell(s: Any, p: Params, total: float) -> float:
    """Return how probable it is that the series has begun anew since it was last told; where sure, say so and since when."""
    certain, most, best = 0.0, 0.0, -1
    for i in range(RUNS):
        r = s["run"][i]
        if r["worth"] >= FEW and r["first"] > s["told"] + 2.0:
            both = 0.0
            for j in range(RUNS):
                other = s["run"][j]
                both += other["share"] if other["first"] == r["first"] and other["worth"] >= FEW else 0.0
            certain += r["share"] / total
            if both > most:
                best, most = i, both
    if best >= 0 and certain >= p.certainty:
        s["told"], s["began"] = s["run"][best]["first"], s["run"][best]["since"]
    return min(certain, 1.0)


@kernel
def learn(s: Any, x: float, now: float, p: Params, odds: Float) -> float:
    """Take in a reading; return the certainty of a change, NaN at the first."""
    s["n"] += 1
    n = s["n"]
    moments(s, LEVEL, x, n)
    if n == 1:
        s["last"] = x
        for kind in (LEVEL, WALK):
            bear(s, 0.5, kind)
            s["run"][kind]["first"] = 0.0
        return np.nan
    moments(s, WALK, x - s["last"], n - 1)
    total = weigh(s, x, now, odds)
    s["last"] = x
    certain = tell(s, p, total)
    for i in range(RUNS):
        s["run"][i]["share"] *= (1.0 - p.hazard) / total
    for kind in (LEVEL, WALK):
        bear(s, 0.5 * p.hazard, kind)
    return certain


@kernel
def each(rows: StateRows, points: Points, p: Params, out: Float) -> None:
    odds = np.empty(RUNS)
    for i in range(len(points.codes)):
        if usable(points.value[i]):
            s, now = rows[points.codes[i]], points.time[i] / SECOND
            out[i, 0] = learn(s, points.value[i], now, p, odds)
            if s["told"] > 0.0:
                out[i, 1] = now - s["began"]


def bocpd(
    apart: Annotated[float, Field(ge=10)] = 500.0, certainty: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
) -> Trend:
    """Probability that a series has begun anew, over all the windows at which it may have.

    Every window may begin a run, and a run has either a level or, as of walks and ramps, a mean step, with noise of its own
    deviation about it; what a run foretells says how probable it is.  `RUNS` of them are kept: what is lost is improbable.
    One far window moves the odds of two runs by little, and teaches its run little.

    `certainty` is the probability that a run has begun since the last one told; from the parameter on it is told, and `ago`
    says for how many seconds it lasts: the delay, at the window that tells it; absent before the first.  Deviations are
    expected as large as those of the readings and steps so far, never as those of the series as a whole.

    Parameters
    ----------
    apart
        Windows between two changes, expected beforehand.
    certainty
        Probability from which a change is told.

    References
    ----------
    .. [1] Adams, MacKay (2007), "Bayesian online changepoint detection", arXiv, doi:10.48550/arXiv.0710.3742; two models of a run, and
       least probable runs dropped (Fearnhead, Liu (2007), "On-line inference for multiple changepoint problems", Journal of the Royal
       Statistical Society B 69(4), doi:10.1111/j.1467-9868.2007.00601.x) are ours.

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> found = run(bocpd(), [*np.tile([1.0, 3.0, 2.0], 20), *np.tile([7.0, 9.0, 8.0], 10)])
    >>> first = np.flatnonzero(~np.isnan(found["ago"]))[0]
    >>> int(first), int(found["ago"][first] // 60), round(float(found["certainty"][first]), 1)
    (65, 5, 1.0)
    """
    return Trend("bocpd", ROW, Params(1.0 / float(apart), float(certainty)), ("certainty", "ago"), each)


def changes(trend: Trend, values: Float | Sequence[float]) -> Int:
    """Return where changes lie that `bocpd` tells of one series while it reads it once; shape (changes,), indices of first readings.

    Examples
    --------
    >>> changes(bocpd(), [*np.tile([1.0, 3.0, 2.0], 20), *np.tile([7.0, 9.0, 8.0], 10)]).tolist()
    [60]
    """
    ago = run(trend, values, every=1.0)["ago"]
    began = np.arange(len(ago)) - ago
    return np.unique(began[~np.isnan(began)].round().astype(np.int64))
