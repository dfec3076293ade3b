"""How far up among its like a number stands, whatever their distribution: a histogram that is asked and taught in eight steps.

Cells are narrow about 0 (1/128 of a deviation) and wide far out, so that 256 of them hold any distribution of numbers of about unit
scale.  Their counts lie in a tree of partial sums [1]_.

A number's place within its own cell, and among equals, is drawn evenly, from a sequence that fills [0, 1) evenly [2]_ and not by
chance, so that a restart changes nothing.  So the places of numbers of one distribution are even on (0, 1) for counts as for
readings of high resolution.

References
----------
.. [1] Fenwick (1994), "A new data structure for cumulative frequency tables", Software: Practice and Experience 24(3),
   doi:10.1002/spe.4380240306.
.. [2] Weyl (1916), "Über die Gleichverteilung von Zahlen mod. Eins", Mathematische Annalen 77, doi:10.1007/BF01475864.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from operators.kernel import kernel

CELLS = 256
GOLDEN = 0.6180339887498949
LOOSE = 3.0  # errors of an estimated level by which equals may differ
FINE = 4096
FIELDS = [("held", "f8"), ("tree", "f4", (CELLS + 1,))]
NORMAL = np.array([NormalDist().inv_cdf(min(max(i / FINE, 0.5 / FINE), 1.0 - 0.5 / FINE)) for i in range(FINE + 1)])


@kernel
def cell(y: float) -> int:
    """Return the cell of a number, 0 to 255."""
    return min(int(0.5 * CELLS * (1.0 + y / (1.0 + abs(y)))), CELLS - 1)


@kernel
def under(s: Any, c: int) -> float:
    """Return how many numbers lie in cells before the c-th."""
    tree, total = s["tree"], 0.0
    while c > 0:
        total += tree[c]
        c -= c & -c
    return total


@kernel
def hold(s: Any, y: float, memory: float) -> None:
    """Count a number; from twice `memory` on all that was counted counts half."""
    tree, c = s["tree"], cell(y) + 1
    while c <= CELLS:
        tree[c] += np.float32(1.0)
        c += c & -c
    s["held"] += 1.0
    if s["held"] >= 2.0 * memory:
        s["held"] *= 0.5
        for i in range(CELLS + 1):
            tree[i] *= np.float32(0.5)


@kernel
def normal(s: Any, y: float, n: int) -> float:
    """Return the standard normal deviate that stands where `y` stands among the numbers held; `n` differs from call to call."""
    loose = LOOSE / sqrt(s["held"])
    low = under(s, cell(y - loose))
    high = under(s, cell(y + loose) + 1)
    share = (low + (n * GOLDEN) % 1.0 * (high - low + 1.0)) / (s["held"] + 1.0)
    return float(NORMAL[int(share * FINE + 0.5)])
