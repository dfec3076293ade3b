"""Period: how long is the season?  Items: ``x``, and ``periods``, a list of lengths in values, empty where there is no season."""

from __future__ import annotations

import numpy as np

from scripts.yardstick import said, task

NEAR = 0.05  # share of the true period, but at least half a value, that one may lie beside it


def mark(item: task.Item, run: said.Period) -> dict[str, float]:
    """Mark a period: of series with a season, whether any of theirs was met, and whether none was said; of others, whether one was."""
    found, periods = run(task.values(item)), item["periods"]
    right = found is not None and any(abs(found - p) <= max(0.5, NEAR * p) for p in periods)
    return {
        "right": float(right) if periods else np.nan,
        "missed": float(found is None) if periods else np.nan,
        "false": float(found is not None) if not periods else np.nan,
    }


PERIOD = task.Task(mark, {name: task.mean(name) for name in ("right", "false", "missed")})
