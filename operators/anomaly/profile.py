"""Daily profile: distance from what is usual at this time of day, on weekdays and on weekends."""

from __future__ import annotations

from math import log, nan, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from config.records import SECOND, StateRows
from config.settings import CHANCE
from operators.anomaly.line import Count, Positive, few, meet, newest, row
from operators.anomaly.peaks import Chance, calibrate, rarity, reach
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel

HOUR = 3600 * SECOND
BUCKETS = 48
WIDTH = 24 * HOUR // BUCKETS
MONDAY = 4 * 24 * HOUR  # 1970-01-05
PRIOR = 0.5  # days that the level of the moment, or the other kind of day, is worth
DAYS = 6  # the newest day weighs at least 1 / DAYS
ROW = row(
    [("usual", "f4", (2 * BUCKETS,)), ("spread", "f4", (BUCKETS,)), ("days", "u1", (2 * BUCKETS,))]
    + [(name, "f8") for name in ("level", "shift", "var", "sum", "off")]
    + [("seen", "i4"), ("cell", "i4")]
)
ROW["cell"] = -1


class Params(NamedTuple):
    limit: float
    weight: float
    warmup: int
    rare: float
    accept: int
    ahead: int


@kernel
def cell_of(t: int, p: Params) -> int:
    """Return the bucket of the day, plus `BUCKETS` on weekends."""
    week = (t + p.ahead - MONDAY) % (7 * 24 * HOUR)
    return int(week % (24 * HOUR) // WIDTH + (BUCKETS if week >= 5 * 24 * HOUR else 0))


@kernel
def usual(s: Any, cell: int) -> tuple[float, float]:
    """Return what is usual in a cell and how many days say so, the other kind of day lending its own."""
    other = (cell + BUCKETS) % (2 * BUCKETS)
    own, lent = float(s["days"][cell]), PRIOR * min(1.0, float(s["days"][other]))
    if own + lent == 0.0:
        return 0.0, 0.0
    return (own * s["usual"][cell] + lent * s["usual"][other]) / (own + lent) + s["shift"], own + lent


@kernel
def middle(s: Any, t: int, p: Params) -> tuple[float, float]:
    """Return what is expected, and while that is lent or the level's, the variance by which those two differ."""
    cell = cell_of(t, p)
    known, days = usual(s, cell)
    share = days / (days + PRIOR)
    gap = known - s["level"]
    return s["level"] + share * gap, share * (1.0 - share) * gap * gap if s["days"][cell] == 0 else 0.0


@kernel
def deviation(s: Any, t: int, doubt: float, p: Params) -> float:
    cell = cell_of(t, p) % BUCKETS
    days = float(s["days"][cell] + s["days"][cell + BUCKETS])
    local = 1.25 * s["spread"][cell]  # of a mean absolute deviation, for Gaussian noise
    mixed = (days * local * local + 2.0 * s["var"]) / (days + 2.0)
    return max(sqrt(mixed + doubt), 1e-9 * abs(s["level"]), 1e-100)


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    yhat, doubt = middle(s, t, p)
    half = p.limit * reach(s, p.rare) * deviation(s, t, doubt, p)
    return yhat, yhat - half, yhat + half


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    if s["n"] < p.warmup:
        return nan
    if few(s, x):
        return 0.0
    yhat, doubt = middle(s, t, p)
    return rarity(s, abs(x - yhat), p.limit * deviation(s, t, doubt, p), p.rare)


@kernel
def keep(s: Any) -> None:
    """Take the visit to a cell that ends into what is usual there."""
    cell, half = s["cell"], s["cell"] % BUCKETS
    if s["seen"] > 0:
        days = min(s["days"][cell] + 1, DAYS)
        s["usual"][cell] += np.float32((s["sum"] / s["seen"] - s["shift"] - s["usual"][cell]) / days)
        both = min(s["days"][half] + s["days"][half + BUCKETS] + 1, DAYS)
        s["spread"][half] += np.float32((s["off"] / s["seen"] - s["spread"][half]) / both)
        s["days"][cell] = days
    s["sum"], s["off"], s["seen"] = 0.0, 0.0, 0


@kernel
def visit(s: Any, x: float, t: int, p: Params) -> None:
    """Add a reading to the visit to its cell, and let level and variance follow it."""
    cell = cell_of(t, p)
    if cell != s["cell"]:
        if s["cell"] >= 0:
            keep(s)
        s["cell"] = cell
    rest = x - middle(s, t, p)[0] if s["n"] > 1 else 0.0
    s["sum"] += x
    s["off"] += abs(rest)
    s["seen"] += 1
    s["level"] += newest(s, p.weight) * (x - s["level"])
    s["var"] += newest(s, 0.1 * p.weight) * (rest * rest - s["var"])


@kernel
def unseen(s: Any, t: int, p: Params) -> bool:
    """Whether only the other kind of day says what is usual: the first weekend teaches whatever it brings."""
    cell = cell_of(t, p)
    return s["days"][cell] == 0 and s["days"][(cell + BUCKETS) % (2 * BUCKETS)] > 0


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    if s["n"] >= p.warmup and not unseen(s, t, p):
        yhat, lower, upper = expect(s, t, p) if odd >= 1.0 else (x, x, x)
        calibrate(s, odd, p.rare)
        if s["run"] >= p.accept:
            s["shift"] += x - yhat
            s["level"] += x - yhat
            s["run"] = 0
        elif odd > 2.0:
            return
        else:
            x = min(max(x, lower), upper)
    if s["distinct"] == 0:
        s["shift"] = x  # single precision suffices for what lies around the first reading
    meet(s, x)
    visit(s, x, t, p)


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


def profile(
    limit: Positive = 3.0,
    weight: Annotated[float, Field(gt=0, le=1)] = 0.1,
    warmup: Count = 30,
    chance: Chance = CHANCE,
    accept: Count = 90,
    utc_offset: Annotated[float, Field(ge=-14, le=14)] = 0.0,
) -> Detector:
    """Distance from what is usual at this half hour of the day, in the deviations usual then.

    Weekdays and weekends have profiles of their own that lend to each other; until a half hour has been seen, and with less and
    less weight after, the level of the moment stands in, and where these two differ the band is wide.  The newest day weighs at
    least one sixth, so profiles follow the seasons.  Stamps alone say what time it is: sampling may be of any rate and irregular.

    After `accept` odd readings in a row the whole profile moves to the new level.

    Parameters
    ----------
    limit
        Deviations at which a reading stops being ordinary (score 1), at least.
    weight
        Share of the newest reading in the level of the moment, in (0, 1].
    warmup
        Readings of a series before it is scored.
    chance
        Share of readings at which a score of 1 begins by chance.
    accept
        Odd readings in a row that make a new normal.
    utc_offset
        Hours that local time is ahead of UTC: when days and weekends begin.

    References
    ----------
    .. [1] Taylor, Letham (2018), "Forecasting at scale", The American Statistician 72(1), doi:10.1080/00031305.2017.1380080:
       level, daily and weekly parts as here, fitted at once rather than as they come.

    Examples
    --------
    >>> from operators.detector import run
    >>> day = np.sin(np.arange(96) / 48 * np.pi)
    >>> odd = run(profile(), [*np.tile(day, 5), 1.0], every=900.0)
    >>> bool(np.nanmax(odd[192:480]) < 1 < odd[-1])
    True
    """
    params = Params(float(limit), float(weight), int(warmup), -log(chance), int(accept), int(utc_offset * HOUR))
    return Detector("profile", ROW, params, score, expect, learn, each)
