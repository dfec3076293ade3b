"""What is usual at an hour of the day, on any day and on this day of the week."""

from __future__ import annotations

from typing import Any

import numpy as np

from config.records import SECOND
from operators.kernel import kernel

HOUR = 3600 * SECOND
WEIGHT = 0.15  # of the newest reading of an hour
FIELDS = [("day", "f4", (24,)), ("week", "f4", (168,)), ("days", "u1", (24,)), ("weeks", "u1", (168,))]


@kernel
def usual(s: Any, t: int, level: float) -> tuple[float, float]:
    """Return what is usual at this hour, and at this hour of this day of the week; `level` stands in until it is known."""
    hour, cell = t // HOUR % 24, t // HOUR % 168
    day = np.float64(s["day"][hour]) if s["days"][hour] > 0 else level
    return day, 0.5 * (day + s["week"][cell]) if s["weeks"][cell] > 0 else day


@kernel
def follow(usual: Any, seen: Any, k: int, x: float) -> None:
    usual[k] += max(WEIGHT, 1.0 / (seen[k] + 1.0)) * (x - usual[k])
    seen[k] = min(seen[k] + 1, 255)


@kernel
def visit(s: Any, t: int, x: float) -> None:
    """Let both profiles follow a reading."""
    follow(s["day"], s["days"], t // HOUR % 24, x)
    follow(s["week"], s["weeks"], t // HOUR % 168, x)
