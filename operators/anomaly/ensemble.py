"""Ensemble: several surprises, each against the tail of its own past, averaged over kinds and over the newest readings; and single ones."""

from __future__ import annotations

from math import log, log10, nan, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from config.records import Float, StateRows
from config.settings import CHANCE
from operators.anomaly import neighbours, season, single, tail
from operators.anomaly.line import Count, few, meet
from operators.anomaly.neighbours import DEVIATION, KEY, LASTING, MEAN, REST, VECTOR, WEEKLY, X, key
from operators.anomaly.tail import MEMORY
from operators.detector import Detector, Gate, Out, Points, publish, usable
from operators.kernel import kernel
from operators.sessions import EVERYWHERE, Sessions

KINDS = 6  # surprises: rest of the season, distance from the level, three novelties, step
WINDOW, HALF = 40, 20  # readings in the mean and the deviation of a vector, and in the mean of its rests
SLOW = 0.02  # weight of the newest reading in the level
MOST = 15.0  # decimal places of rarity that are believed
# Of the readings of all series, recorded or made of noise, 10 ** -FIRST begin an incident that comes to a surprise of `FULL`.
# Such incidents come to `EXCESS` more in the mean, in recorded series outside what is known;
# each series finds its own, in the newest `INCIDENTS`.
FULL, FIRST, EXCESS, INCIDENTS, CLEAR = 0.2, 2.7, 0.217, 50.0, 0.6
STEP = 5
ALONE = 0.15  # of the surprise of a step counts without the other kinds and the readings before: what is gone at once is not lost
UNSURE = 50.0  # readings that a tail is less sure of by than of its past: the fewer there were, the less it says
OWN = 1.9  # decimal places that the rarest of single surprises loses: one of eight, one of two opinions, by the best past of a fleet's
# Beyond so many places tails promise too much, on a day of a fleet's noise: so much of them counts.
BEND, BENT = 3.4, 0.8
SURE = 5.6  # places below which singles say nothing: a little odd is for the average to tell
FURTHER = 1.02  # times the line of alerts singles are believed: the order of what is odder is left to the average
# Who has seen n readings hardly believes in a chance below n ** -SEEN: so much of further places is lost.
SEEN, BEYOND = 2.2, 0.95
EFFECT, MEANS, ALL, TOLD, WEEK = range(KINDS, KINDS + 5)  # what stands behind the surprises in `found`
ONES = KINDS + 5  # single surprises, and the means that follow
NEXT = ONES + single.SINGLES
FOUND = NEXT + single.TRACKS

ROW = np.zeros(
    1,
    neighbours.FIELDS
    + season.FIELDS
    + single.FIELDS
    + [
        ("counts", "f4", (KINDS, tail.BINS)),
        ("bases", "i4", (KINDS,)),
        ("past", "f8", (WINDOW,)),
        ("rests", "f8", (HALF,)),
    ]
    + [
        (name, "f8")
        for name in ("first", "level", "last", "low", "high", "total", "surprise", "held", "excess", "peak", "a", "b")
    ]
    + [("begin", "i8"), ("time", "i8"), ("n", "i4"), ("distinct", "i2")],
)
ROW["excess"] = EXCESS
ROW["bases"] = ROW["lowest"] = tail.UNSET


class Params(NamedTuple):
    places: float
    weight: float
    effect: float
    warmup: int
    hold: int
    certain: float
    calendar: int
    sessions: Sessions


@kernel
def summary(past: Any, n: int, newest: float) -> tuple[float, float]:
    """Return mean and deviation of the newest of `n` numbers and those before it in a ring, where it will take the place of the oldest."""
    m = min(n, len(past))
    place = n % len(past)  # nothing, or the oldest
    size, sum = m if n >= len(past) else m + 1, newest
    for k in range(m):
        sum += 0.0 if k == place else past[k]
    mean = sum / size
    square = (newest - mean) ** 2
    for k in range(m):
        square += 0.0 if k == place else (past[k] - mean) ** 2
    return mean, sqrt(square / size)


@kernel
def describe(s: Any, y: float, t: int, p: Params, vector: Any, found: Float) -> None:
    """Write the vector of a reading, and its surprises; `y` is counted from the first reading."""
    n = s["n"]
    day, week = season.usual(s, t, s["level"], p)
    mean, deviation = summary(s["past"], n, y)
    vector[X], vector[MEAN], vector[DEVIATION], vector[KEY] = y, mean, deviation, key(y, mean, deviation)
    vector[REST], vector[WEEKLY] = y - day, 0.5 * (y - week)
    vector[LASTING] = 0.5 * summary(s["rests"], n, y - week)[0]
    found[0], found[1], found[STEP] = abs(y - week), abs(y - s["level"]), season.step(s, t, y, week, p)
    neighbours.novelty(s["memory"], s["order"], n, vector, found[2:5])
    span = max(s["high"], y) - min(s["low"], y)
    found[EFFECT] = min(1.0, found[4] / (span + 1e-100))
    found[WEEK] = week
    new, step = found[NEXT:], found[STEP]
    single.advance(s["track"], n, y, step, new)
    single.describe(s["track"], new, y, s["level"], step, found[ONES:NEXT])


@kernel
def places(z: float, excess: float) -> float:
    """Return minus the decimal logarithm of the share of readings at which an incident of surprise `z` or more begins.

    Beyond `FULL` surprises are exponential with mean `excess`, as logarithms of improbabilities are.
    """
    return FIRST * min(1.0, z / FULL) + max(z - FULL, 0.0) / (excess * log(10.0))


@kernel
def surprise(places: float, excess: float) -> float:
    """Return the surprise that is so rare: the inverse of `places`."""
    return FULL * min(1.0, places / FIRST) + max(places - FIRST, 0.0) * excess * log(10.0)


@kernel
def combine(s: Any, y: float, p: Params, found: Float) -> float:
    """Return the decimal places of the rarer of two: the average over kinds and readings, and what a single kind is sure of."""
    span = max(s["high"], y) - min(s["low"], y)
    own = min(single.rarest(s, found[ONES:NEXT], p.effect * span, MOST) - OWN, p.certain)
    average = places(found[ALL], s["excess"])
    return own if own > max(average, SURE) else average


@kernel
def look(s: Any, x: float, t: int, p: Params, vector: Any, found: Float) -> float:
    """Write what absorbing a reading takes, and return how odd it is, told before or not; never writes the state."""
    describe(s, x - s["first"] if s["n"] > 0 else 0.0, t, p, vector, found)
    found[MEANS] = found[ALL] = found[TOLD] = 0.0
    if s["n"] < p.warmup:
        return nan
    rare = kinds = one = 0.0
    for k in range(KINDS):
        if (k == 0 or k == 3 or k == 4) and season.young(s, t):
            continue  # what the hours of one day say of the next is surprising at first, and nothing to tell
        kinds += 1.0
        one = min(tail.rarity(found[k], tail.fit(s["counts"][k], s["bases"][k], s["total"])), MOST)
        rare += one  # at last that of the step
    worth = min(1.0, found[EFFECT] / p.effect)
    found[MEANS] = s["surprise"] + p.weight * (worth * rare / kinds - s["surprise"])
    found[ALL] = max(found[MEANS], ALONE * worth * one) * s["total"] / (s["total"] + UNSURE)
    if few(s, x):
        return 0.0
    rarest = combine(s, x - s["first"], p, found)
    found[TOLD] = surprise(rarest, s["excess"])
    rarest -= (1.0 - BENT) * max(rarest - BEND, 0.0)
    rarest -= BEYOND * max(rarest - SEEN * log10(s["n"] + 1.0), 0.0)
    return rarest / p.places


@kernel
def score(s: Any, x: float, t: int, p: Params) -> float:
    return look(s, x, t, p, np.empty(VECTOR, np.float32), np.empty(FOUND))


@kernel
def expect(s: Any, t: int, p: Params) -> tuple[float, float, float]:
    _, week = season.usual(s, t, s["level"], p)
    found = tail.fit(s["counts"][0], s["bases"][0], max(s["total"], 1.0))
    half = tail.reach(min(surprise(p.places, s["excess"]) / p.weight, MOST), found)
    yhat = s["first"] + week
    return yhat, yhat - half, yhat + half


@kernel
def absorb(s: Any, x: float, t: int, p: Params, vector: Any, found: Float) -> None:
    """Take a reading into the state, with what `look` wrote of it: every reading is learnt."""
    n = s["n"]
    if n == 0:
        s["first"], s["begin"] = x, t
    y = x - s["first"]
    season.visit(s, t, y, t - s["time"], p)
    s["level"] += SLOW * (y - s["level"])
    inwards = (s["high"] - s["low"]) / (2.0 * MEMORY)
    s["last"], s["low"], s["high"] = y, min(s["low"] + inwards, y), max(s["high"] - inwards, y)
    s["past"][n % WINDOW], s["rests"][n % HALF] = y, y - found[WEEK]
    neighbours.remember(s["memory"], s["order"], n, vector)
    for k in range(KINDS):
        tail.count(s["counts"], s["bases"], k, found[k])
    single.absorb(s, n, found[NEXT:], found[ONES:NEXT])
    s["total"] += 1.0 - s["total"] / MEMORY
    if found[ALL] > FULL:
        s["peak"] = max(s["peak"], found[ALL] - FULL)
    elif s["peak"] > 0.0:
        s["excess"] += (
            min(s["peak"], CLEAR) - s["excess"]
        ) / INCIDENTS  # what is clear is no noise, and teaches no more
        s["peak"] = 0.0
    s["surprise"], s["time"] = found[MEANS], t
    meet(s, x)


@kernel
def tell(s: Any, odd: float, z: float, p: Params) -> float:
    """Return the score as far as it is news: an incident is told when it begins, and when it is much odder than what is left of that."""
    if np.isnan(odd):
        return odd
    left = s["held"] * (1.0 - 1.0 / min(max(0.05 * s["n"], 10.0), p.hold))
    news = z > left
    s["held"] = 1.8 * z if news else left
    return odd if news else 0.0


@kernel
def learn(s: Any, x: float, t: int, odd: float, p: Params) -> None:
    vector, found = np.empty(VECTOR, np.float32), np.empty(FOUND)
    look(s, x, t, p, vector, found)
    tell(s, odd, found[TOLD], p)
    absorb(s, x, t, p, vector, found)


@kernel
def each(rows: StateRows, points: Points, p: Params, gate: Gate, out: Out) -> None:
    vector, found = np.empty(VECTOR, np.float32), np.empty(FOUND)
    for i in range(len(points.codes)):
        x = points.value[i]
        if usable(x):
            s, t = rows[points.codes[i]], points.time[i]
            out.rank[i] = look(s, x, t, p, vector, found)
            band = expect(s, t, p) if out.all or gate.shut or out.rank[i] >= 1.0 else (nan, nan, nan)
            publish(out, i, tell(s, out.rank[i], found[TOLD], p), x, band, gate)
            absorb(s, x, t, p, vector, found)


def ensemble(
    chance: Annotated[float, Field(gt=0, lt=0.002)] = CHANCE,
    weight: Annotated[float, Field(gt=0, le=1)] = 0.2,
    effect: Annotated[float, Field(gt=0, le=1)] = 0.02,
    warmup: Count = 100,
    hold: Count = 190,
    line: Annotated[float, Field(ge=1)] = 1.61,
) -> Detector:
    """How improbable the newest readings are beside all that the series has shown, by six kinds of surprise at once.

    Surprises are the rest of the season (hour of the day, of any day and of this day of the week), the distance from a slow level, the
    novelty of reading, mean and deviation (alone, with the rest by the day, with the rests by the week), and the last step.
    Each is a rarity by the tail of its own past, so they can be averaged: over the kinds, and with fading weight over the newest readings.

    Beside that average stands what a single kind of change is sure of (see `single`): a spike, a shift, a burst, too little change.

    The score is ``log p / log chance``, where p is the share of readings at which an incident as surprising begins: 1 is `chance`, 2 is
    its square.  An incident is told once, when it begins; it is told again when it grows much worse.  `rank` says how odd each
    reading is, told or not.  Everything is learnt: a new level is ordinary after some fifty readings.  The band is that of the
    season: beyond it a reading has score 1 when the other kinds are as surprised.

    Parameters
    ----------
    chance
        Share of readings at which an incident of score 1 begins by chance, or for reasons that nobody noted.  At four in 10,000
        what is found and what is told in vain are in the best proportion on recorded incidents (NAB); alerts ask for less.
    weight
        Share of the newest reading in the mean of surprises, in (0, 1].
    effect
        Share of the range that the series has shown of late; less of a novelty is not worth telling, and counts in proportion.
    warmup
        Readings of a series before it is scored.
    hold
        Readings in which an incident that was told loses most of its weight; a twentieth of the series so far while that is less.
    line
        Score that an alert waits for; in the flow the highest of the rules that listen.  A single surprise is believed a little further.

    References
    ----------
    .. [1] Siffer et al. (2017), "Anomaly detection in streams with extreme value theory", KDD, doi:10.1145/3097983.3098144: the tail.
    .. [2] Burnaev, Ishimtsev (2016), "Conformalized density- and distance-based anomaly detection in time-series data",
       doi:10.48550/arXiv.1608.04585: novelty against a past of the same series.
    .. [3] Ahmad et al. (2017), "Unsupervised real-time anomaly detection for streaming data", Neurocomputing 262,
       doi:10.1016/j.neucom.2017.04.070: surprise over a short while against a long one.

    Examples
    --------
    >>> from operators.detector import run
    >>> noise = np.random.default_rng(1).normal(size=500)
    >>> found = run(ensemble(), [*noise, 20.0, 20.0])
    >>> bool(np.nanmax(found[:500]) < 1 < found[500]), float(found[501])
    (True, 0.0)
    """
    most = -FURTHER * line * log10(chance)
    certain = most if most <= BEND else BEND + (most - BEND) / BENT
    numbers = -log10(chance), float(weight), float(effect), int(warmup), int(hold), float(certain)
    params = Params(*numbers, 0, EVERYWHERE.sessions)
    return Detector("ensemble", ROW, params, score, expect, learn, each)
