"""Rings: the means of a series over equal stretches of time, in three widths: one sampling interval, `COARSER` and its square times that.

A series that comes at another interval for a while begins anew.
"""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from operators.checks import learn_interval
from operators.kernel import kernel

RING = 256
SCALES, COARSER = 3, 6
LOOK = RING // 4  # widths between two looks at a ring
SETTLED = 16  # readings before the sampling interval is believed
FIELDS = [
    ("rings", "f4", (SCALES, RING)),
    ("sums", "f8", (SCALES,)),
    ("bins", "i8", (SCALES,)),
    ("have", "i4", (SCALES,)),
    ("interval", "f8"),
    ("width", "i8"),
]


@kernel
def begin(s: Any) -> None:
    """Begin anew, with the sampling interval that is known by now."""
    s["width"] = max(np.int64(s["interval"]), 1)
    s["rings"][:] = nan
    s["sums"][:] = 0.0
    s["have"][:] = 0


@kernel
def close(s: Any, scale: int, bin: int) -> None:
    """Put the mean of a width into its ring, and mark those that were passed over."""
    ring, old = s["rings"][scale], s["bins"][scale]
    ring[old % RING] = s["sums"][scale] / s["have"][scale]
    for k in range(1, min(bin - old, RING + 1)):
        ring[(old + k) % RING] = nan


@kernel
def follow(s: Any, t: int, x: float, since: int) -> int:
    """Take a reading that came `since` (ns) the one before; return which ring is due for a look (-1: none)."""
    if since > 0 and s["n"] > 0:
        s["interval"] = learn_interval(s["interval"], float(since))
    changed = s["interval"] > 2.0 * s["width"] or 2.0 * s["interval"] < s["width"]
    if changed and s["n"] >= SETTLED:
        begin(s)
    due, width = -1, s["width"]
    for scale in range(SCALES if width > 0 else 0):
        bin = t // width
        if s["have"][scale] > 0 and bin != s["bins"][scale]:
            close(s, scale, bin)
            due = scale if bin // LOOK != s["bins"][scale] // LOOK else due
            s["sums"][scale], s["have"][scale] = 0.0, 0
        s["bins"][scale] = bin
        s["sums"][scale] += x
        s["have"][scale] += 1
        width *= COARSER
    return due
