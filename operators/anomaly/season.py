"""What is usual at an hour of the day, on any day and on this day of the week."""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import SECOND
from operators.kernel import kernel

HOUR = 3600 * SECOND
MEMORY = 300 * SECOND  # readings so far apart, or further, weigh `WEIGHT`; denser ones share that
WEIGHT = 0.15
FIELDS = [("day", "f4", (24,)), ("week", "f4", (168,)), ("days", "u2", (24,)), ("weeks", "u2", (168,))]


@kernel
def usual(s: Any, t: int, level: float) -> tuple[float, float]:
    """Return what is usual at this hour, and at this hour of this day of the week; `level` stands in until it is known."""
    hour, cell = t // HOUR % 24, t // HOUR % 168
    day = np.float64(s["day"][hour]) if s["days"][hour] > 0 else level
    return day, 0.5 * (day + s["week"][cell]) if s["weeks"][cell] > 0 else day


@kernel
def follow(usual: Any, seen: Any, k: int, x: float, weight: float) -> None:
    usual[k] += max(weight, 1.0 / (seen[k] + 1.0)) * (x - usual[k])
    seen[k] = min(seen[k] + 1, 65_535)


@kernel
def visit(s: Any, t: int, x: float, since: int) -> None:
    """Let both profiles follow a reading that came `since` (ns) the one before."""
    weight = WEIGHT * min(max(since, 0) / MEMORY, 1.0)
    follow(s["day"], s["days"], t // HOUR % 24, x, weight)
    follow(s["week"], s["weeks"], t // HOUR % 168, x, weight)
