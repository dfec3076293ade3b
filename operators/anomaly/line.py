"""What all detectors do alike: where their line between ordinary and odd lies, and what an odd reading may teach.

The line starts at the detector's `limit` and follows the tail of its own statistic upwards, so that a series with heavy tails
is not odd every hour.  It rises by `RISE` at the first of a run of odd readings and sinks a little at every ordinary one, so that
at rest a share `tail` of the readings begins a run (a Robbins–Monro estimate of the ``1 - tail`` quantile [1]_, on a logarithmic
scale).  A run of odd readings is an incident, or a new normal: the line does not follow it, and after `accept` of them the
detector starts over there.

Series that have shown one or two values only are never odd.

References
----------
.. [1] Robbins, Monro (1951), "A stochastic approximation method", Annals of Mathematical Statistics 22(3),
   doi:10.1214/aoms/1177729586.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from operators.kernel import kernel

RISE = 0.05
# These stand last in a row: numba takes a row that begins like another for a kind of that one, and warns.
FIELDS = [("stretch", "f8"), ("a", "f8"), ("b", "f8"), ("n", "i4"), ("run", "i2"), ("distinct", "i2")]

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Tail = Annotated[float, Field(ge=0, lt=0.5)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=2, le=30_000)]


@kernel
def few(s: Any, x: float) -> bool:
    """Whether the series has shown at most two values, `x` among them or the second."""
    return s["distinct"] < 2 or (s["distinct"] == 2 and (x == s["a"] or x == s["b"]))


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


@kernel
def line(s: Any, limit: float) -> float:
    """Where the line lies: never under `limit`, which may change while the state stays."""
    return limit * max(1.0, s["stretch"])


@kernel
def calibrate(s: Any, odd: float, tail: float) -> None:
    """Let the line and the length of the run of odd readings follow one more score."""
    if odd >= 1.0:
        if s["run"] == 0 and tail > 0.0:
            s["stretch"] = max(1.0, s["stretch"]) * (1.0 + RISE)
        s["run"] += 1
    else:
        s["stretch"] = max(1.0, s["stretch"] * (1.0 - RISE * tail))
        s["run"] = max(0, s["run"] - 2)


@kernel
def clip(x: float, odd: float, lower: float, upper: float) -> float:
    """Return what an odd reading may teach of the location: itself, cut to the band."""
    return min(max(x, lower), upper) if odd >= 1.0 else x
