"""Novelty: how far a vector is from the nearest of those remembered, in three sets of its components.

The memory is a ring of vectors and the order of their keys.  A key is the component of a vector along a fixed direction, so
two vectors are at least as far apart as their keys.  A search begins where the new vector would stand in that order and goes outwards
until keys alone lie further apart than the nearest found [1]_: exact, and a few dozen vectors are looked at where there are thousands.

References
----------
.. [1] Friedman, Baskett, Shustek (1975), "An algorithm for finding nearest neighbors", IEEE Transactions on Computers C-24(10),
   doi:10.1109/T-C.1975.224110; there the direction is an axis.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from config.records import Float
from operators.kernel import kernel

REMEMBERED = 2000
RECENT = 4  # the newest vectors are no neighbours: they overlap
SLOTS = REMEMBERED + RECENT
X, MEAN, DEVIATION, REST, WEEKLY, LASTING, KEY = range(7)  # components of a vector
VECTOR = 7
FIELDS = [("memory", "f4", (SLOTS, VECTOR)), ("order", "u2", (REMEMBERED,))]


@kernel
def key(x: float, mean: float, deviation: float) -> float:
    """Return the component along a direction that tells noise apart by its readings and rare bursts by their means."""
    return 0.8 * x + 0.5 * mean + 0.33 * deviation


@kernel
def held(n: int) -> int:
    """Return how many of `n` vectors are neighbours of the next one."""
    return min(max(n - RECENT, 0), REMEMBERED)


@kernel
def place(memory: Any, order: Any, m: int, key: float, after: bool) -> int:
    """Return how many of the `m` keys in order are less than `key`, or equal to it when wanted `after` those."""
    low, high = 0, m
    while low < high:
        middle = (low + high) // 2
        found = memory[order[middle], KEY]
        if found < key or (after and found == key):
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def compare(memory: Any, j: int, v: Any, best: Float) -> bool:
    """Let `best`, squared distances in the three sets, follow the vector in slot `j`; return whether those further out can be nearer."""
    furthest = max(best[1], best[2])
    e = np.float64(memory[j, KEY]) - np.float64(v[KEY])
    if e * e >= furthest:
        return False
    x, mean = memory[j, X] - np.float64(v[X]), memory[j, MEAN] - np.float64(v[MEAN])
    deviation = memory[j, DEVIATION] - np.float64(v[DEVIATION])
    d = x * x + mean * mean + deviation * deviation
    if d < furthest:
        rest, weekly = memory[j, REST] - np.float64(v[REST]), memory[j, WEEKLY] - np.float64(v[WEEKLY])
        lasting = memory[j, LASTING] - np.float64(v[LASTING])
        best[0] = min(best[0], d)
        best[1] = min(best[1], d + rest * rest)
        best[2] = min(best[2], d + weekly * weekly + lasting * lasting)
    return True


@kernel
def novelty(memory: Any, order: Any, n: int, vector: Any, best: Float) -> None:
    """Write the distances of the n-th vector (counted from 0) to the nearest of those before it; 0 where there is none.

    Parameters
    ----------
    best
        Shape (3,): in value, mean and deviation; in those and the rest by the day; in those and the rests by the week.
    """
    m = held(n)
    best[:] = inf
    high = place(memory, order, m, vector[KEY], False)
    low = high - 1
    while low >= 0 or high < m:
        if high < m:
            high = high + 1 if compare(memory, order[high], vector, best) else m
        if low >= 0:
            low = low - 1 if compare(memory, order[low], vector, best) else -1
    for k in range(3):
        best[k] = sqrt(best[k]) if best[k] < inf else 0.0


@kernel
def remember(memory: Any, order: Any, n: int, vector: Any) -> None:
    """Write the n-th vector; the one `RECENT` before it becomes a neighbour, the oldest is forgotten.

    Of equal keys the oldest stands first in the order, so the first is the one that goes.
    """
    m, slot = held(n), n % SLOTS
    if n >= RECENT:
        newcomer = (n - RECENT) % SLOTS
        gap = place(memory, order, m, memory[slot, KEY], False) if n >= SLOTS else m
        k = place(memory, order, m, memory[newcomer, KEY], True)
        while gap > k:
            order[gap] = order[gap - 1]
            gap -= 1
        while gap < k - 1:
            order[gap] = order[gap + 1]
            gap += 1
        order[gap] = newcomer
    memory[slot] = vector
