"""Courses: what is usual at an hour of the day and of the week, and at a phase of a period.

A series of an exchange has no such hours: in their place stand those since its day opened, every ten minutes of it, and one cell for
all that is closed.  Holidays and half days are no different from other days then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import SECOND
from operators.kernel import kernel
from operators.sessions import phase

HOUR, TEN_MINUTES = 3600 * SECOND, 600 * SECOND
HOURS, WEEK = 24, 168  # cells
MEMORY = 300 * SECOND  # readings so far apart, or further, weigh `WEIGHT`; denser ones share that
WEIGHT = 0.15  # of the readings of one visit to a cell of a period
LONG = 2**56  # ns, two years: of longer periods the product with cells has no room in 64 bits
CELLS = 64  # of a period: one a reading where there are fewer
FIELDS = [
    ("day", "f4", (HOURS,)),
    ("week", "f4", (WEEK,)),
    ("days", "u2", (HOURS,)),
    ("weeks", "u2", (WEEK,)),
    ("phase", "f4", (CELLS,)),
    ("phases", "u2", (CELLS,)),
    ("period", "i8"),
    ("anchor", "i8"),
    ("flat", "f8"),
    ("cells", "i4"),
]


@kernel
def cells(t: int, p: Any) -> tuple[int, int]:
    """Return the cell of the day and that of the week that `t` lies in; of an exchange those since it opened, 0 while it is closed."""
    if p.calendar == 0:
        return t // HOUR % HOURS, t // HOUR % WEEK
    open = phase(p.sessions, p.calendar, t)
    return (min(1 + open // HOUR, HOURS - 1), min(1 + open // TEN_MINUTES, WEEK - 1)) if open >= 0 else (0, 0)


@kernel
def calendar(s: Any, t: int, level: float, p: Any) -> tuple[float, float]:
    """Return what is usual at this hour, and at this hour of this day of the week; `level` stands in until it is known."""
    hour, cell = cells(t, p)
    day = np.float64(s["day"][hour]) if s["days"][hour] > 0 else level
    return day, 0.5 * (day + s["week"][cell]) if s["weeks"][cell] > 0 else day


@kernel
def cell(s: Any, t: int) -> int:
    """Return the cell of the period that `t` lies in."""
    into, period = (t - s["anchor"]) % s["period"], s["period"]
    if period < LONG:
        return into * s["cells"] // period
    return min(int(into / period * s["cells"]), s["cells"] - 1)


@kernel
def phased(s: Any, t: int, level: float) -> float:
    """Return what is usual at this phase of the period."""
    k = cell(s, t)
    return np.float64(s["phase"][k]) if s["phases"][k] > 0 else level


@kernel
def follow(usual: Any, seen: Any, k: int, x: float, weight: float) -> None:
    usual[k] += max(weight, 1.0 / (seen[k] + 1.0)) * (x - usual[k])
    seen[k] = min(seen[k] + 1, 65_535)


@kernel
def learn(s: Any, t: int, x: float, since: int) -> None:
    """Let the profile of the period follow a reading; those of one visit of a cell share the weight."""
    k, m = cell(s, t), s["cells"]
    before = np.float64(s["phase"][k])
    weight = WEIGHT * min(max(since, 0) * m / s["period"], 1.0)
    follow(s["phase"], s["phases"], k, x, weight)
    s["flat"] += (s["phase"][k] - before) / m


@kernel
def attend(s: Any, t: int, x: float, since: int, p: Any) -> None:
    """Let the courses of day and week follow a reading that came `since` (ns) the one before."""
    hour, cell = cells(t, p)
    weight = WEIGHT * min(max(since, 0) / MEMORY, 1.0)
    follow(s["day"], s["days"], hour, x, weight)
    follow(s["week"], s["weeks"], cell, x, weight)
