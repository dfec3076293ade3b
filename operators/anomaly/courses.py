"""Courses: what is usual at an hour of the day and of the week, and at a phase of a period."""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import SECOND
from operators.kernel import kernel

HOUR = 3600 * SECOND
MEMORY = 300 * SECOND  # readings so far apart, or further, weigh `WEIGHT`; denser ones share that
WEIGHT = 0.15  # of the readings of one visit to a cell of a period
CELLS = 64  # of a period: one a reading where there are fewer
FIELDS = [
    ("day", "f4", (24,)),
    ("week", "f4", (168,)),
    ("days", "u2", (24,)),
    ("weeks", "u2", (168,)),
    ("phase", "f4", (CELLS,)),
    ("phases", "u2", (CELLS,)),
    ("period", "i8"),
    ("anchor", "i8"),
    ("flat", "f8"),
    ("cells", "i4"),
]


@kernel
def calendar(s: Any, t: int, level: float) -> tuple[float, float]:
    """Return what is usual at this hour, and at this hour of this day of the week; `level` stands in until it is known."""
    hour, cell = t // HOUR % 24, t // HOUR % 168
    day = np.float64(s["day"][hour]) if s["days"][hour] > 0 else level
    return day, 0.5 * (day + s["week"][cell]) if s["weeks"][cell] > 0 else day


@kernel
def cell(s: Any, t: int) -> int:
    """Return the cell of the period that `t` lies in."""
    return (t - s["anchor"]) % s["period"] * s["cells"] // s["period"]


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
def attend(s: Any, t: int, x: float, since: int) -> None:
    """Let the courses of day and week follow a reading that came `since` (ns) the one before."""
    weight = WEIGHT * min(max(since, 0) / MEMORY, 1.0)
    follow(s["day"], s["days"], t // HOUR % 24, x, weight)
    follow(s["week"], s["weeks"], t // HOUR % 168, x, weight)
