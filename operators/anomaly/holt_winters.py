"""Holt-Winters: distance from level, trend and season as they were foreseen."""

from __future__ import annotations

from math import exp, log, nan, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from config.records import SECOND, StateRows
from config.settings import CHANCE
from operators.anomaly.line import Count, Positive, Share, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

BUCKETS = 96
ROW = row(
    [("season", "f4", (BUCKETS,))]
    + [(name, "f8") for name in ("level", "trend", "every", "var", "sum")]
    + [("at", "i8"), ("cell", "i4"), ("seen", "i4")]
)
ROW["season"] = np.nan  # not seen yet


class Params(NamedTuple):
    limit: float
    memory: float
    trend: float
    season: float
    period: int
    warmup: int
    rare: float
    accept: int


@kernel
def cell_of(t: int, p: Params) -> int:
    last = BUCKETS - 1.0  # rounded, the last instant of a long period would lie beyond it
    return int(min(t % p.period * (BUCKETS / p.period), last))


@kernel
def steps(s: Any, t: int) -> float:
    """Return how many of the series' own intervals lie between its last reading and `t`; after a gap no trend is carried on."""
    return min((t - s["at"]) / s["every"], 3.0) if s["every"] > 0.0 else 0.0


@kernel
def foreseen(s: Any, cell: int, ahead: float) -> float:
    season = s["season"][cell]
    return s["level"] + s["trend"] * ahead + (0.0 if np.isnan(season) else season)


@kernel
def deviation(s: Any) -> float:
    return max(sqrt(s["var"]), 1e-9 * abs(s["level"]), 1e-100)


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x):
        return 0.0
    return rarity(s, abs(x - foreseen(s, cell_of(t, p), steps(s, t))), p.limit * deviation(s), p.rare)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    yhat, half = foreseen(s, cell_of(t, p), steps(s, t)), p.limit * reach(s, p.rare) * deviation(s)
    return yhat, yhat - half, yhat + half


@kernel
def keep(s: Any, p: Params) -> None:
    """Take what the visit to a part of the season that ends has shown into it."""
    if s["seen"] > 0:
        error, old = s["sum"] / s["seen"], s["season"][s["cell"]]
        s["season"][s["cell"]] = np.float32(error if np.isnan(old) else old + p.season * error)
    s["sum"], s["seen"] = 0.0, 0


@kernel
def follow(s: Any, x: float, t: int, p: Params) -> None:
    """Let level, trend, the visit to a part of the season, and the variance follow a reading."""
    cell, ahead = cell_of(t, p), steps(s, t)
    e = x - foreseen(s, cell, ahead)
    if cell != s["cell"]:
        keep(s, p)
        s["cell"] = cell
    weight = max(1.0 - exp(-s["every"] * ahead / (p.memory * p.period)), 1.0 / s["n"])
    s["level"] += s["trend"] * ahead + weight * e
    s["trend"] += weight * p.trend * e
    s["var"] += newest(s, 0.01) * (e * e - s["var"])
    s["sum"] += e
    s["seen"] += 1


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if s["n"] >= p.warmup:
        yhat, lower, upper = expect(s, t, p) if odd >= 1.0 else (x, x, x)
        calibrate(s, odd, p.rare)
        if s["run"] >= p.accept:
            s["level"] += x - yhat
            s["run"] = 0
        else:
            x = min(max(x, lower), upper) if odd <= 2.0 else yhat
    meet(s, x)
    if s["n"] == 1:
        s["level"] = x
    else:
        s["every"] += max(0.02, 1.0 / (s["n"] - 1)) * (t - s["at"] - s["every"])
    follow(s, x, t, p)
    s["at"] = t


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


def holt_winters(
    limit: Positive = 3.0,
    memory: Positive = 1.0,
    trend: Share = 0.02,
    season: Share = 0.3,
    period: Annotated[float, Field(ge=60)] = 86400.0,
    warmup: Count = 60,
    chance: Chance = CHANCE,
    accept: Count = 30,
) -> Detector:
    """Distance from an additive Holt-Winters forecast, in the deviations such forecasts had.

    The season has `BUCKETS` parts of the period whatever the sampling; what a visit to a part shows is learnt when the visit ends,
    wholly the first time.  Level and trend follow every reading, by the series' own mean interval.  An odd reading above 2
    counts as what was foreseen; after `accept` odd readings in a row the level is the new one.

    Parameters
    ----------
    limit
        Deviations at which a reading stops being ordinary (score 1), at least.
    memory
        How many periods the level remembers.
    trend, season
        Shares of what the level learns that the trend takes, and of a visit's mean error that its part of the season takes, in (0, 1].
    period
        Seconds in a season.
    warmup
        Readings of a series before it is scored.
    chance
        Share of readings at which a score of 1 begins by chance.
    accept
        Odd readings in a row that make a new normal.

    References
    ----------
    .. [1] Winters (1960), "Forecasting sales by exponentially weighted moving averages", Management Science 6(3),
       doi:10.1287/mnsc.6.3.324; the trend is held from the third interval of a gap on.

    Examples
    --------
    >>> from operators.detector import run
    >>> day = 9 * np.sin(np.arange(96) / 48 * np.pi) + np.random.default_rng(1).normal(size=(9, 96))
    >>> odd = run(holt_winters(), [*day.ravel(), 12.0], every=900.0)
    >>> bool(np.nanmax(odd[480:864]) < 1 < odd[864])
    True
    """
    shares = float(limit), float(memory), float(trend), float(season)
    params = Params(*shares, int(period * SECOND), int(warmup), -log(chance), int(accept))
    return Detector("holt_winters", ROW, params, score, expect, learn, each)
