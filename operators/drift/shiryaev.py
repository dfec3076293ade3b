"""Shiryaev–Roberts: evidence that level or spread of a stream is no longer what it was, whatever its distribution and memory."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from config.records import SECOND, Float, StateRows
from operators.anomaly.line import Count
from operators.detector import Points, usable
from operators.drift import lattice, rank
from operators.drift.lattice import PHASES, begin, fit, follow, rest
from operators.drift.rank import hold, normal
from operators.kernel import kernel
from operators.trend.trend import Trend

SHIFTS = (0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 4.0, -4.0)  # of the level, in deviations of the series
SPREADS = (1.6, 2.5, 0.5)  # of what is left, in times of what it was
WAYS = len(SHIFTS) + len(SPREADS)
STEEPEST = 4.0  # normal deviations: no single reading proves much
WAY = (*(1.0 if size > 0 else -1.0 for size in SHIFTS), *(2.0 if times > 1 else -2.0 for times in SPREADS))
OVERSHOOT = 0.56  # of the line is what the sum exceeds it by, on average (Siegmund's exp(-0.583) for a shift of 1)
ROW = np.zeros(
    1,
    [
        ("shift", "f8", (len(SHIFTS), PHASES + 1)),
        ("spread", "f8", (len(SPREADS),)),
        ("begun", "f8", (WAYS,)),
        ("start", "i8"),
        ("n", "i8"),
        *lattice.FIELDS,
        *rank.FIELDS,
    ],
)


class Params(NamedTuple):
    line: float
    warmup: int
    memory: float


@kernel
def shifted(sums: Float, z: float, size: float, shows: Float, order: int) -> tuple[float, float]:
    """Let the sums of one shift, by readings since it began, take in one more; return all of them, and that which begins now."""
    total = likely = 0.0
    for j in range(PHASES, -1, -1):
        if j == PHASES or j < order:
            mu = min(max(size * shows[j], -STEEPEST), STEEPEST)
            likely = exp(mu * z - 0.5 * mu * mu)
        before = sums[j - 1] if j > 0 else 1.0
        sums[j] = (before + sums[j] if j == PHASES else before) * likely
        total += sums[j]
    return total, sums[0]


@kernel
def spreaded(sums: Float, k: int, z: float) -> tuple[float, float]:
    """Let the sum of one spread take in one more reading; return all of it, and what begins now."""
    times = SPREADS[k]
    likely = exp(0.5 * z * z * (1.0 - 1.0 / (times * times))) / times
    sums[k] = (1.0 + sums[k]) * likely
    return sums[k], likely


@kernel
def weigh(s: Any, z: float, now: float) -> tuple[float, int]:
    """Let the sums of all ways to drift take in a reading; return their mean, and the way that leads."""
    unit = min(max(sqrt(s["error"][0]) / s["scale"], 1.0), 10.0) if s["scale"] > 0.0 else 1.0
    every, leads, most = 0.0, 0, -1.0
    for k in range(WAYS):
        if k < len(SHIFTS):
            total, born = shifted(s["shift"][k], z, SHIFTS[k] * unit, s["shows"], s["order"])
        else:
            total, born = spreaded(s["spread"], k - len(SHIFTS), z)
        if total > 0.0:
            s["begun"][k] += born / total * (now - s["begun"][k])
        every += total
        if total > most:
            leads, most = k, total
    return every / WAYS, leads


@kernel
def restart(s: Any, x: float, t: int) -> None:
    """Forget all, and begin with a reading."""
    begin(s, x)
    s["held"], s["n"], s["start"] = 0.0, 0, t
    s["tree"][:] = 0.0
    s["spread"][:] = 0.0
    s["begun"][:] = 0.0
    for k in range(len(SHIFTS)):
        s["shift"][k][:] = 0.0


@kernel
def learn(s: Any, x: float, t: int, p: Params, out: Float) -> None:
    """Write how near the stream is to having drifted, 1 when it has, and then which way and for how many seconds."""
    if s["n"] == 0:
        restart(s, x, t)
    if s["n"] >= s["refit"]:
        fit(s, s["n"], p.memory)
    y = rest(s, x)
    if s["n"] >= 2 * p.warmup:
        now = (t - s["start"]) / SECOND
        every, leads = weigh(s, normal(s, y, s["n"]), now)
        out[0] = max(0.0, log(1.0 + every) / log(1.0 + p.line))
        if every >= p.line:
            out[1] = WAY[leads]
            out[2] = now - s["begun"][leads]
            s["n"] = 0
            return
    if s["n"] >= p.warmup:
        hold(s, y, p.memory)
    follow(s, x, s["n"], p.memory)
    s["n"] += 1


@kernel
def each(rows: StateRows, points: Points, p: Params, out: Float) -> None:
    for i in range(len(points.codes)):
        if usable(points.value[i]):
            learn(rows[points.codes[i]], points.value[i], points.time[i], p, out[i])


def shiryaev(
    every: Annotated[float, Field(ge=100)] = 10_000.0,
    warmup: Count = 100,
    memory: Annotated[float, Field(ge=1000)] = 4_000.0,
) -> Trend:
    """Evidence, by Shiryaev and Roberts, that the level or the spread of a stream has changed since it was last learnt.

    Each reading is foretold from those before it (`lattice`), and what is left is ranked among all that was left so far
    (`rank`): under no drift the ranks are even and know nothing of each other, whatever the distribution.  For each of eleven
    ways to drift (the level by a half, 1, 2 or 4 deviations of the stream either way, the spread by 0.5, 1.6 or 2.5) a sum
    holds the likelihood of it having begun at any reading so far, against no drift.  The mean of these sums grows by 1 a
    reading on average as long as nothing drifts, and by orders of magnitude when something does.  So the line follows from
    the readings between false alarms that are bearable, and nothing has to be tuned to a stream.

    `drift` is the logarithm of the sum by that of the line: 1 or more is an alarm, after which the stream is learnt anew.
    Then `way` says what has changed (1 the level rose, -1 it fell, 2 the spread grew, -2 it shrank) and `since` for how many
    seconds.  A shift of the level is looked for as it shows in a foretold stream: whole in the first reading, less and less
    in the following ones.

    Where the spread comes and goes in clusters (returns of prices) drifts of the spread are told more often than `every`.

    Parameters
    ----------
    every
        Readings between two false alarms, on average.
    warmup
        Readings from which the memory of the stream is learnt, and as many again whose rests are held before the first is judged.
    memory
        Readings beyond which older ones count less.

    References
    ----------
    .. [1] Shiryaev (1963), "On optimum methods in quickest detection problems", Theory of Probability and its Applications 8(1),
       doi:10.1137/1108002; Roberts (1966), "A comparison of some control chart procedures", Technometrics 8(3),
       doi:10.1080/00401706.1966.10490374.
    .. [2] Pollak (1987), "Average run lengths of an optimal method of detecting a change in distribution", Annals of Statistics 15(2),
       doi:10.1214/aos/1176350373: readings to a false alarm are at least the line, and the line by the overshoot in the limit.
    .. [3] Gordon, Pollak (1995), "A robust surveillance scheme for stochastically ordered alternatives", Annals of Statistics 23(4),
       doi:10.1214/aos/1176324712: the sum over ranks; we draw the place of a rank in its cell, which makes ties even too.

    Examples
    --------
    >>> from operators.trend.trend import run
    >>> x = np.random.default_rng(1).normal(size=2000)
    >>> found = run(shiryaev(), np.where(np.arange(2000) < 1500, x, x + 1.0))
    >>> at = np.flatnonzero(found["drift"] >= 1)
    >>> at.tolist(), found["way"][at].tolist(), (found["since"][at] / 60).round().tolist()
    ([1503], [1.0], [3.0])
    """
    params = Params(OVERSHOOT * float(every), int(warmup), float(memory))
    return Trend("shiryaev", ROW, params, ("drift", "way", "since"), each)
