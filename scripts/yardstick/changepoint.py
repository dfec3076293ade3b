"""Change points: where do regimes begin, as several people marked them?  Items: ``x``, ``annotations``: a list of indices by annotator.

References
----------
.. [1] Van den Burg, Williams (2020), "An evaluation of change point detection algorithms", arXiv:2003.06222, section 4.2: covering, and F1
   with a margin of 5, the start of the series being a change point that everyone knows of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from config.records import Float
from scripts.yardstick import said, task

MARGIN = 5


def met(truth: Iterable[int], found: Iterable[int]) -> int:
    """Count the true points that a found one lies near; each found one is used once.

    Examples
    --------
    >>> met([0, 50, 53], [0, 51, 90])
    2
    """
    left, count = set(found), 0
    for point in sorted(truth):
        near = min((abs(point - x), x) for x in left) if left else (MARGIN + 1, 0)
        if near[0] <= MARGIN:
            left.remove(near[1])
            count += 1
    return count


def f1(annotations: Collection[Collection[int]], found: Collection[int]) -> float:
    """Return the harmonic mean of precision against all annotators together and recall against each.

    Examples
    --------
    >>> f1([[50], [52], []], [49]), f1([[50], [52], []], [])
    (1.0, 0.8)
    """
    marked = [{0, *points} for points in annotations]
    told = {0, *found}
    precision = met(set().union(*marked), told) / len(told)
    recall = float(np.mean([met(points, told) / len(points) for points in marked]))
    return 2 * precision * recall / (precision + recall)


def covering(annotations: Collection[Collection[int]], found: Collection[int], n: int) -> float:
    """Return how well regimes overlap: for each true one its best Jaccard index, weighted by length, the mean over annotators.

    Examples
    --------
    >>> covering([[50]], [50], 100), covering([[50]], [], 100)
    (1.0, 0.5)
    """
    told = _edges(found, n)
    return float(np.mean([_covered(_edges(points, n), told) for points in annotations]))


def _edges(points: Collection[int], n: int) -> Float:
    return np.array([0, *sorted({p for p in points if 0 < p < n}), n], np.float64)


def _covered(truth: Float, told: Float) -> float:
    begin, end = truth[:-1, None], truth[1:, None]
    both = np.maximum(np.minimum(end, told[1:]) - np.maximum(begin, told[:-1]), 0)
    best = (both / (np.maximum(end, told[1:]) - np.minimum(begin, told[:-1]))).max(axis=1)
    return float(best @ np.diff(truth) / truth[-1])


def mark(item: task.Item, run: said.Alarms) -> dict[str, float]:
    """Mark the change points found."""
    x = task.values(item)
    found = [int(i) for i in run(x)]
    annotations = list(item["annotations"].values())
    return {
        "f1": f1(annotations, found),
        "covering": covering(annotations, found, len(x)),
        "points": float(len(found)),
    }


CHANGEPOINT = task.Task(mark, {"f1": task.mean("f1"), "covering": task.mean("covering"), "points": task.mean("points")})
