"""Trend: does a series rise, fall, or neither?  Items: ``x``, and ``label`` in -1, 0, 1."""

from __future__ import annotations

import numpy as np

from scripts.yardstick import said, task


def mark(item: task.Item, run: said.Trend) -> dict[str, float]:
    """Mark a direction: right or not; of series without a trend, whether one was seen; of others, whether none or the wrong one was."""
    said_, label = run(task.values(item)), item["label"]
    return {
        "right": float(said_ == label),
        "false": float(said_ != 0) if label == 0 else np.nan,
        "missed": float(said_ == 0) if label != 0 else np.nan,
        "opposite": float(said_ == -label) if label != 0 else np.nan,
    }


TREND = task.Task(
    mark,
    {
        "accuracy": task.mean("right"),
        "false": task.mean("false"),
        "missed": task.mean("missed"),
        "opposite": task.mean("opposite"),
    },
)
