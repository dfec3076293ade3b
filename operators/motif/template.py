"""Templates: shapes that a series has shown more than once, and how each is met again."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from config.records import SECOND, Float, StateRows
from operators.detector import Points, usable
from operators.kernel import kernel
from operators.motif.shape import (
    AGAIN,
    NEW,
    NONE,
    REMEMBERED,
    SPAN,
    TEMPLATES,
    WAIT,
    WARM,
    innovation,
    likeness,
    shaped,
    stretch,
)


@kernel
def known(s: Any, u: Float, v: Float) -> tuple[float, int]:
    """Return how far beyond its line the likest of templates is, from -1 down; -inf: none."""
    best, found = -inf, NONE
    for k in range(TEMPLATES):
        if s["count"][k]:
            for j in range(SPAN):
                v[j] = s["shape"][k, j]
            shaped(v)
            z = likeness(float(u @ v), s) - AGAIN
            if z >= 0.0 and z > best:
                best, found = z, -1 - k
    return best, found


@kernel
def alike(s: Any, first: int, u: Float, sums: Float) -> None:
    """Add up mean, square and product with `u` of the stretches from `first` on: a row of `sums` each.

    A reading of all stretches at a time, not a stretch at a time: so the machine adds several at once, each in the same order.
    """
    n = sums.shape[1]
    past = np.empty(n + SPAN - 1)
    for i in range(len(past)):
        past[i] = s["ring"][(first + i) % REMEMBERED]
    mean, square, dot = sums[0], sums[1], sums[2]
    for j in range(SPAN):
        for i in range(n):
            a = past[i + j]
            mean[i] += a / SPAN
            square[i] += a * a
            dot[i] += a * u[j]


@kernel
def match(s: Any, now: int, u: Float, v: Float) -> tuple[float, int]:
    """Return how far beyond its line the likest of templates (from -1 down) or past stretches (their begin) is; -inf: none."""
    best, found = known(s, u, v)
    if found != NONE:
        return best, found
    first = max(now - REMEMBERED + 1 + WAIT, 0)  # it has to be remembered still when it is told
    sums, nearest = np.zeros((3, max(now - 2 * SPAN + 2 - first, 0))), 0.0
    alike(s, first, u, sums)
    for i in range(sums.shape[1]):
        mean, square, dot = sums[0, i], sums[1, i], sums[2, i]
        power = square - SPAN * mean * mean
        if power > 1e-9 and dot > nearest * sqrt(power) and stretch(s, first + i, v):
            nearest, found = dot / sqrt(power), first + i
    z = likeness(nearest, s) - NEW
    return (z, found) if z >= 0.0 else (-inf, NONE)


@kernel
def meet(s: Any, k: int, begin: int) -> None:
    """Note when a template was met last."""
    s["met"][k], s["newest"][k] = begin, s["time"][begin % REMEMBERED]


@kernel
def placed(s: Any, u: Float) -> int:
    """Return the template of a stretch that is like an earlier one, a new one in the place of that which was not met for longest."""
    for j in range(TEMPLATES):
        if s["count"][j] and abs(s["met"][j] - s["match"]) < SPAN:  # known, and seen at another of its ends
            s["shape"][j] = u.astype(np.float32)
            meet(s, j, s["match"])
            return j
    k, v = 0, np.empty(SPAN)
    for j in range(TEMPLATES):
        k = j if s["met"][j] < s["met"][k] else k
    stretch(s, s["match"], v)
    meet(s, k, s["match"])
    s["ids"] += 1
    s["id"][k], s["count"][k], s["first"][k] = s["ids"], 1, s["newest"][k]
    s["shape"][k] = v.astype(np.float32)
    return k


@kernel
def tell(s: Any, now: int, out: Float) -> None:
    """Turn the surest match of late into one more meeting of a template; write what is told of it."""
    begin, u = s["when"] - SPAN + 1, np.empty(SPAN)
    stretch(s, begin, u)
    k = placed(s, u) if s["match"] >= 0 else -1 - s["match"]
    before = s["newest"][k]
    meet(s, k, begin)
    s["count"][k] += 1
    weight, similarity = 1.0 / min(s["count"][k], 8), 0.0
    for j in range(SPAN):
        similarity += u[j] * s["shape"][k, j]
        s["shape"][k, j] += np.float32(weight * (u[j] - s["shape"][k, j]))
    began = s["newest"][k]
    out[0], out[1], out[2], out[3] = s["id"][k], s["count"][k], (now - began) / SECOND, (began - before) / SECOND
    out[4], out[5] = (began - s["first"][k]) / (s["count"][k] - 1.0) / SECOND, min(similarity, 1.0)


@kernel
def learn(s: Any, x: float, time: int, out: Float) -> None:
    """Learn a reading of a time in ns; where that makes a meeting sure, write what is told of it."""
    now = s["n"]
    s["ring"][now % REMEMBERED], s["time"][now % REMEMBERED] = innovation(s, x), time
    s["n"] += 1
    if s["match"] != NONE and now - s["when"] >= WAIT:
        tell(s, time, out)
        s["rest"], s["match"], s["best"] = s["when"] + SPAN, NONE, -inf
    u, v = np.empty(SPAN), np.empty(SPAN)
    if now >= max(WARM, s["rest"]) and stretch(s, now - SPAN + 1, u):
        z, found = match(s, now, u, v)
        if z > s["best"]:
            s["best"], s["when"], s["match"] = z, now, found


@kernel
def each(rows: StateRows, points: Points, p: Any, out: Float) -> None:
    """Learn readings one by one; rows of `out` that stay NaN tell nothing."""
    for i in range(len(points.codes)):
        if usable(points.value[i]):
            learn(rows[points.codes[i]], points.value[i], points.time[i], out[i])
