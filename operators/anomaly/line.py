"""What light detectors do alike: the numbers in their rows, and series too dull to judge.

Series that have shown one or two values only are never odd.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from config.records import StateRows
from operators.anomaly import peaks
from operators.kernel import kernel

FIELDS = [*peaks.FIELDS, ("a", "f8"), ("b", "f8"), ("n", "i4"), ("run", "i2"), ("distinct", "i1"), ("hold", "i1")]

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=2, le=30_000)]


def row(fields: list[Any]) -> StateRows:
    """Return a row of a detector's own fields and those that all have, shape (1,), before the first reading.

    The common fields stand last: numba takes a row that begins like another for a kind of that one, and warns.

    Examples
    --------
    >>> row([("mean", "f8")])[["mean", "high", "n"]].tolist()
    [(0.0, 0.0, 0)]
    """
    made = np.zeros(1, [*fields, *FIELDS])
    for name, value in peaks.BEFORE.items():
        made[name] = value
    return made


@kernel
def few(s: Any, x: float) -> bool:
    """Whether the series has shown at most two values, `x` among them or the second."""
    return s["distinct"] < 2 or (s["distinct"] == 2 and (x == s["a"] or x == s["b"]))


@kernel
def newest(s: Any, weight: float) -> float:
    """Return the share of the newest reading in what fades: the first ``1 / weight`` readings weigh alike."""
    return weight if s["n"] * weight >= 1.0 else 1.0 / s["n"]


@kernel
def meet(s: Any, x: float) -> None:
    """Count a reading, and the distinct values up to three."""
    if s["n"] < 2_000_000_000:
        s["n"] += 1
    if s["distinct"] > 2 or (s["distinct"] > 0 and x == s["a"]) or (s["distinct"] > 1 and x == s["b"]):
        return
    if s["distinct"] == 0:
        s["a"] = x
    elif s["distinct"] == 1:
        s["b"] = x
    s["distinct"] += 1
