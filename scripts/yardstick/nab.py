"""NAB's score: what alarms are worth, early ones most, at the best threshold for all series or at one that is given.

Of each window the best alarm counts; others in it are free.  After a window alarms cost the more the later they come, up to a whole false
one; the scale runs from 0 (no alarm at all) to 100 (the first point of each window, nothing else).

References
----------
.. [1] Lavin, Ahmad (2015), "Evaluating real-time anomaly detection algorithms: the Numenta anomaly benchmark", ICMLA,
   doi:10.1109/ICMLA.2015.141, section II.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.records import Float, Int
from scripts.yardstick.series import Labelled


class Profile(NamedTuple):
    """What finding a window gains, what a false alarm and a missed window cost."""

    hit: float
    false: float
    miss: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "low_fp": Profile(1.0, 0.22, 1.0),
    "low_fn": Profile(1.0, 0.11, 2.0),
}


class Gains(NamedTuple):
    """What flagging each judged point adds to the total, points by falling score: shape (n,) each."""

    score: Float
    gain: Float
    series: Int


def sigmoid(y: Float) -> Float:
    """NAB's: 1 far inside a window, 0 at its right edge, -1 from three of its lengths behind it."""
    return np.where(y > 3.0, -1.0, 2.0 / (1.0 + np.exp(np.clip(5.0 * y, -60.0, 60.0))) - 1.0)


def worth(it: Labelled) -> tuple[Float, Int]:
    """Return what an alarm at each point is worth before weights, in [-1, 1], and which window it lies in (-1: none)."""
    n = len(it.time)
    value, window = np.full(n, -1.0), np.full(n, -1)
    ends = [*it.windows[1:, 0], n]
    for k, (first, last) in enumerate(it.windows):
        width = last - first + 1.0
        inside, after = np.arange(first, last + 1), np.arange(last + 1, ends[k])
        value[inside] = sigmoid((inside - last - 1) / width) / sigmoid(np.array(-1.0))
        value[after] = sigmoid((after - last) / max(width - 1.0, 1e-9))
        window[inside] = k
    return value, window


def gains(corpus: Sequence[Labelled], scores: Sequence[Float], profile: Profile) -> Gains:
    """Return what lowering the threshold past each judged point adds; `scores` are of the judged points of each series."""
    parts = [_gains(it, score, profile) for it, score in zip(corpus, scores, strict=True)]
    series = np.repeat(np.arange(len(parts)), [len(score) for score, _ in parts])
    score, gain = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-score, kind="stable")
    return Gains(score[order], gain[order], series[order])


def _gains(it: Labelled, score: Float, p: Profile) -> tuple[Float, Float]:
    value, window = (column[it.begin :] for column in worth(it))
    order = np.argsort(-score, kind="stable")
    value, window = value[order], window[order]
    gain = np.where(window < 0, value * p.false, 0.0)
    for k in range(len(it.windows)):
        of = np.flatnonzero(window == k)
        best = np.maximum.accumulate(np.maximum(value[of] * p.hit, -p.miss))
        gain[of] = np.diff(best, prepend=-p.miss)
    return score[order], gain


def swept(g: Gains, windows: int, p: Profile) -> tuple[float, float]:
    """Return the score at the one threshold that is best for all series, and that; infinite when none beats silence."""
    last = np.append(g.score[1:] != g.score[:-1], True)  # points of one score are flagged together
    total = np.cumsum(g.gain)[last]
    k = int(np.argmax(total))
    return (scaled(total[k], windows, p), float(g.score[last][k])) if total[k] > 0 else (0.0, np.inf)


def fixed(g: Gains, windows: int, p: Profile, threshold: float) -> float:
    """Return the score at a threshold that is given: points with at least that score are alarms."""
    return scaled(float(g.gain[g.score >= threshold].sum()), windows, p)


def scaled(gain: float, windows: int, p: Profile) -> float:
    """Return a total of gains on NAB's scale; without windows 0."""
    return 100.0 * float(gain) / (windows * (p.hit + p.miss)) if windows else 0.0
