"""Alarms as a person meets them: windows found, false episodes, delay.

A false alarm swallows those that follow it within 1 % of the series; then the next counts again, so that a detector that never stops is
charged for the whole series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.records import SECOND, Bool, Float, Int
from operators.kernel import kernel
from scripts.yardstick.series import Labelled

QUIET = 100  # a false episode lasts one so-many-th of the series


class Counts(NamedTuple):
    """What each series shows at each threshold.

    Parameters
    ----------
    found, false, flagged
        Shape (series, thresholds): windows found, false episodes, flagged points outside of windows.
    windows, points
        Shape (series,): windows that can be found, judged points outside of windows.
    weeks
        Shape (series,): how long those points last.
    """

    found: Float
    false: Float
    flagged: Float
    windows: Float
    points: Float
    weeks: Float


@kernel
def episodes(score: Float, outside: Bool, threshold: Float, gap: int, false: Float, flagged: Float) -> None:
    """Write, for each threshold, how many false episodes and flagged points there are."""
    for k in range(len(threshold)):
        quiet = -1
        for i in range(len(score)):
            if outside[i] and score[i] >= threshold[k]:
                flagged[k] += 1
                if i > quiet:
                    false[k] += 1
                    quiet = i + gap


def count(corpus: Sequence[Labelled], scores: Sequence[Float], threshold: Float) -> Counts:
    """Count windows and episodes at many thresholds; `scores` are of the judged points of each series."""
    shape = (len(corpus), len(threshold))
    found, false, flagged = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for k, (it, score) in enumerate(zip(corpus, scores, strict=True)):
        outside = ~it.inside[it.begin :]
        episodes(score, outside, threshold, max(1, len(it.time) // QUIET), false[k], flagged[k])
        found[k] = (peaks(it, score)[:, None] >= threshold).sum(axis=0)
    windows = np.array([len(judged(it)) for it in corpus], np.float64)
    points = np.array([(~it.inside[it.begin :]).sum() for it in corpus], np.float64)
    return Counts(found, false, flagged, windows, points, np.array([it.weeks for it in corpus]))


def judged(it: Labelled) -> Int:
    """Return the windows that do not end before judging begins, as indices of judged points."""
    ending = it.windows[it.windows[:, 1] >= it.begin]
    return np.maximum(ending - it.begin, 0)


def peaks(it: Labelled, score: Float) -> Float:
    """Return the highest score in each window."""
    return np.array([score[first : last + 1].max() for first, last in judged(it)])


def delays(corpus: Sequence[Labelled], scores: Sequence[Float], threshold: float) -> tuple[Float, Float]:
    """Return when each found window was found: share of the window gone, and seconds since it began."""
    share, seconds = [], []
    for it, score in zip(corpus, scores, strict=True):
        for first, last in it.windows[it.windows[:, 1] >= it.begin]:
            begin = max(first, it.begin)
            hits = np.flatnonzero(score[begin - it.begin : last + 1 - it.begin] >= threshold)
            if len(hits):
                at = begin + hits[0]
                share.append((at - first) / (last - first + 1))
                seconds.append((it.time[at] - it.time[first]) / SECOND)
    return np.array(share), np.array(seconds)


def recall(c: Counts, weight: Float) -> Float:
    """Return the share of windows found at each threshold, series weighted: shape (…, thresholds) for weights (…, series)."""
    return weight @ c.found / np.maximum(weight @ c.windows, 1.0)[..., None]


def rate(c: Counts, weight: Float) -> Float:
    """Return false episodes in 10,000 points outside of windows, at each threshold."""
    return 1e4 * (weight @ c.false) / np.maximum(weight @ c.points, 1.0)[..., None]


def f1(c: Counts, weight: Float) -> Float:
    """Return the harmonic mean of recall and of the share of episodes that are windows, at each threshold."""
    found, false = weight @ c.found, weight @ c.false
    precision, all_ = found / np.maximum(found + false, 1.0), recall(c, weight)
    return 2.0 * precision * all_ / np.maximum(precision + all_, 1e-12)


def within(c: Counts, weight: Float, most: float) -> Float:
    """Return the highest recall at which there are at most so many false episodes in 10,000 points."""
    return np.where(rate(c, weight) <= most, recall(c, weight), 0.0).max(axis=-1, initial=0.0)
