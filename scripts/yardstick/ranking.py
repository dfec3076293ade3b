"""How well a score ranks points, whatever the threshold: average precision, and the volume under the range-aware PR surface.

References
----------
.. [1] Paparrizos et al. (2022), "Volume under the surface: a new accuracy evaluation measure for time-series anomaly detection",
   PVLDB 15(11), doi:10.14778/3551793.3551830, section 4: buffers of length 0 to `LONGEST`, here every `STEP`-th.
"""

from __future__ import annotations

import numpy as np

from config.records import Bool, Float, Int

LONGEST, STEP, THRESHOLDS = 100, 5, 250


def average_precision(score: Float, label: Bool) -> float:
    """Return the area under the steps of precision over recall; points of one score enter together.  NaN without labels.

    Examples
    --------
    >>> average_precision(np.array([0.1, 0.9, 0.8, 0.3]), np.array([True, True, False, False]))
    0.75
    """
    if not label.any():
        return np.nan
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(label[order])
    last = np.append(score[1:] != score[:-1], True)
    precision, recall = (hits / np.arange(1, len(hits) + 1))[last], hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def volume(score: Float, label: Bool) -> float:
    """Return VUS-PR: the mean over buffer lengths of the area under precision and recall with softened labels.  NaN without labels.

    Points within half a buffer of a labelled stretch count ``sqrt(1 - distance / length)``; recall is scaled by the share of stretches,
    buffers included, in which any point is flagged.

    Examples
    --------
    >>> label = np.arange(300) // 20 == 7
    >>> round(volume(np.where(label, 1.0, 0.0), label), 3), round(volume(np.zeros(300), label), 3)
    (1.0, 0.208)
    """
    if not label.any():
        return np.nan
    ranks = np.linspace(0, len(score) - 1, THRESHOLDS).astype(np.int64)
    threshold = -np.sort(-score)[ranks]
    at = np.searchsorted(-threshold, -score, side="left")  # the first threshold that flags each point
    flagged = np.cumsum(np.bincount(at, minlength=THRESHOLDS)[:THRESHOLDS])
    distance = away(label)
    near = np.flatnonzero(distance <= LONGEST // 2)
    areas = [area(at[near], distance[near], flagged, length, near) for length in range(0, LONGEST + 1, STEP)]
    return float(np.mean(areas))


def area(at: Int, distance: Int, flagged: Int, length: int, place: Int) -> float:
    """Return the area for one length of buffer; the first two, and `place`, are of the points near labelled stretches."""
    inside = distance <= length // 2
    at, distance, place = at[inside], distance[inside], place[inside]
    soft = np.sqrt(1.0 - distance / max(length, 1))
    hits = _below(at, soft)
    core = _below(at[distance == 0], np.ones(int((distance == 0).sum())))
    all_ = core[-1] + (hits - core) / 2.0  # what lies in buffers counts towards recall only where it is flagged
    begins = np.flatnonzero(np.diff(place, prepend=-2) > 1)
    first = np.minimum.reduceat(at, begins)
    met = np.cumsum(np.bincount(first, minlength=THRESHOLDS)[:THRESHOLDS]) / len(first)
    recall = np.minimum(hits / all_, 1.0) * met
    return float(np.sum(np.diff(recall, prepend=0.0) * hits / flagged))


def away(label: Bool) -> Int:
    """Return how far each point is from the nearest labelled one.

    Examples
    --------
    >>> away(np.array([False, False, True, False, False, False, True])).tolist()
    [2, 1, 0, 1, 2, 1, 0]
    """
    at, n = np.arange(len(label)), len(label)
    before = np.maximum.accumulate(np.where(label, at, -n))
    after = np.minimum.accumulate(np.where(label, at, 2 * n)[::-1])[::-1]
    return np.minimum(at - before, after - at)


def _below(at: Int, weight: Float) -> Float:
    return np.cumsum(np.bincount(at, weight, THRESHOLDS)[:THRESHOLDS])
