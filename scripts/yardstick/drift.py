"""Drift: when did the stream change?  Items: ``x``, and ``drift``, the first changed value, or None."""

from __future__ import annotations

import numpy as np

from scripts.yardstick import said, task

SOON = 1000  # values after the change in which an alarm finds it


def mark(item: task.Item, run: said.Alarms) -> dict[str, float]:
    """Mark alarms: the first one in the `SOON` values from the change finds it, every other one is false."""
    x, change = task.values(item), item["drift"]
    alarms = np.asarray(run(x), np.int64)
    if change is None:
        return {"found": np.nan, "delay": np.nan, "false": float(len(alarms)), "points": float(len(x))}
    hits = alarms[(alarms >= change) & (alarms < change + SOON)]
    return {
        "found": float(len(hits) > 0),
        "delay": float(hits[0] - change) if len(hits) else np.nan,
        "false": float(len(alarms) - (len(hits) > 0)),
        "points": float(len(x)),
    }


DRIFT = task.Task(
    mark, {"recall": task.mean("found"), "delay": task.median("delay"), "false_per_10k": task.rate("false", "points")}
)
