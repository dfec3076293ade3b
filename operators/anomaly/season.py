"""What is usual now: at this hour of the day and of the week, or at this phase of a season that the series was found to have.

Day and week are the first hypothesis, as people are behind most metrics.  A period that the series shows (`operators.anomaly.period`) is
put to trial: for `TRIAL` periods what it says of each reading is compared with what day and week say, with the slow level, and
with the mean of its own profile, which remembers as long but knows no phase [1]_.  It takes the place of day and week when it is off by
`BETTER` of the best of them, and loses it when one of them is better again.

References
----------
.. [1] Dawid (1984), "Present position and potential developments: the prequential approach", Journal of the Royal Statistical Society
   A 147(2), doi:10.2307/2981683: rivals are judged by their forecasts, one reading at a time.
"""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np

from operators.anomaly import courses, period, rings
from operators.anomaly.courses import CELLS, HOUR, WEIGHT, calendar, cell, cells, follow, learn, phased
from operators.anomaly.neighbours import LASTING, REST, SLOTS, WEEKLY
from operators.anomaly.rings import COARSER, RING
from operators.anomaly.tail import OCTAVE, UNSET
from operators.kernel import kernel
from operators.sessions import latest

DAY = 24 * HOUR
TRIAL = 2  # periods
LEAST = RING  # readings of a trial
BETTER = 0.8
FINE = 8.0  # widths in a period tell its length: the coarsest ring that has so many reaches back furthest
SMALLEST = 1e-3  # of new rests to old: a season without noise has none
SAME = 0.03  # share by which a period may differ from another and be the same
RESTS = (0, 3, 4)  # kinds of surprise that rest on what is usual
FAR = 3.0  # times the usual error: an incident is no judge
PHASE, CALENDAR, LEVEL, FLAT = range(4)  # rivals
FIELDS = [
    *courses.FIELDS,
    *rings.FIELDS,
    ("errors", "f8", (4,)),
    ("since", "i8"),
    ("strength", "f8"),
    ("scale", "i4"),
    ("trials", "i4"),
    ("trusted", "i4"),
]


@kernel
def usual(s: Any, t: int, level: float, p: Any) -> tuple[float, float]:
    """Return what is usual at `t` by the day, and by the week; of a season that is trusted twice what that says."""
    if s["trusted"] == 1:
        x = phased(s, t, level)
        return x, x
    return calendar(s, t, level, p)


@kernel
def step(s: Any, t: int, x: float, usual: float, p: Any) -> float:
    """Return how far a reading is from the one before; the first one after an exchange opened or closed may be near what is usual then."""
    far = abs(x - s["last"])
    if p.calendar == 0:
        return far
    another = latest(p.sessions, p.calendar, t) != latest(p.sessions, p.calendar, s["time"])
    turned = another or (cells(t, p)[0] == 0) != (cells(s["time"], p)[0] == 0)
    return min(far, abs(x - usual)) if turned else far


@kernel
def young(s: Any, t: int) -> bool:
    """Whether what is usual rests on one day alone, or on a period for no longer than a trial: rests are surprising at first."""
    if s["trusted"] == 1:
        return t - s["since"] < max(TRIAL * s["period"], LEAST * s["width"])
    return DAY <= t - s["begin"] < 2 * DAY


@kernel
def err(s: Any, rival: int, error: float, most: float) -> None:
    """Let the usual error of a rival follow one more; memory is a trial."""
    weight = max(1.0 / (s["trials"] + 1.0), 1.0 / max(TRIAL * s["period"] // s["width"], LEAST))
    s["errors"][rival] += weight * (min(abs(error), most) - s["errors"][rival])


@kernel
def recast(s: Any, ratio: float) -> None:
    """Bring what is kept of rests to their new size, or the old ones would hide what is odd among the new."""
    for i in range(SLOTS):
        s["memory"][i, REST] *= ratio
        s["memory"][i, WEEKLY] *= ratio
        s["memory"][i, LASTING] *= ratio
    s["rests"][:] *= ratio
    by = np.int64(round(log2(ratio) * OCTAVE))
    for k in RESTS:
        s["bases"][k] += by if s["bases"][k] != UNSET else 0


@kernel
def judge(s: Any, t: int, x: float, p: Any) -> None:
    """Compare what the rivals say of a reading, and trust the period, go on with its trial, or leave it."""
    known, e = s["trials"] >= LEAST, s["errors"]
    most = FAR * max(e[CALENDAR], e[LEVEL], e[FLAT]) if known else np.inf
    err(s, PHASE, x - phased(s, t, s["level"]), most)
    err(s, CALENDAR, x - calendar(s, t, s["level"], p)[1], most)
    err(s, LEVEL, x - s["level"], most)
    err(s, FLAT, x - s["flat"], most)
    s["trials"] = min(s["trials"] + 1, 1_000_000)
    best = min(e[CALENDAR], e[LEVEL], e[FLAT])
    if s["trusted"] == 1:
        if e[PHASE] > best:
            recast(s, max(e[CALENDAR] / e[PHASE], SMALLEST))
            s["trusted"] = s["period"] = 0
    elif s["trials"] >= LEAST and s["trials"] * s["width"] >= TRIAL * s["period"]:
        if e[PHASE] < BETTER * best:
            recast(s, max(e[PHASE] / e[CALENDAR], SMALLEST))
            s["trusted"], s["since"] = 1, t
        else:
            s["period"] = 0


@kernel
def adopt(s: Any, t: int, scale: int, length: Any, strength: float) -> None:
    """Begin the trial of a period, with what its ring holds."""
    s["period"], s["anchor"], s["scale"], s["strength"], s["trials"] = length, t, scale, strength, 0
    s["cells"] = min(max((length + s["width"] // 2) // s["width"], 1), CELLS)
    s["phase"][:] = 0.0
    s["phases"][:] = 0
    s["flat"] = s["level"]
    s["errors"][:] = 0.0
    width = s["width"] * COARSER**scale
    for i in range(RING):
        at = s["bins"][scale] - RING + i
        x = s["rings"][scale][at % RING]
        if not np.isnan(x):
            follow(s["phase"], s["phases"], cell(s, at * width + width // 2), np.float64(x), WEIGHT)
    s["flat"] = np.sum(s["phase"]) / s["cells"]


@kernel
def consider(s: Any, t: int, scale: int) -> None:
    """Look at a ring: the period that it proposes may be new, stronger than the one on trial, or a better measure of it."""
    width = s["width"] * COARSER**scale
    known = s["period"] / width if s["trusted"] == 1 else 0.0
    if known > 0.0 and (scale < s["scale"] or known < FINE):
        return
    widths, strength = period.propose(s["rings"][scale], s["bins"][scale] - 1, known)
    length = np.int64(widths * width)
    days = round(length / DAY)
    if length == 0 or (days > 0 and abs(length - days * DAY) < SAME * days * DAY):
        return  # the calendar has it
    if s["period"] > 0 and abs(length - s["period"]) < SAME * s["period"]:
        if scale >= s["scale"] and length >= FINE * width:
            s["anchor"] = t - np.int64((t - s["anchor"]) % s["period"] / s["period"] * length)
            s["period"], s["strength"], s["scale"] = length, strength, scale
    elif s["period"] == 0 or (s["trusted"] == 0 and strength > s["strength"]):
        adopt(s, t, scale, length, strength)


@kernel
def visit(s: Any, t: int, x: float, since: int, p: Any) -> None:
    """Let what is usual follow a reading that came `since` (ns) the one before; called before the slow level does."""
    if s["period"] > 0:
        judge(s, t, x, p)
    if s["period"] > 0:
        learn(s, t, x, since)
    courses.attend(s, t, x, since, p)
    due = rings.follow(s, t, x, since) if p.calendar == 0 else -1  # an exchange's day is known
    if due >= 0:
        consider(s, t, due)
