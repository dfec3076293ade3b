"""Forecast: what comes next, and how sure is that?  Items: ``train``, ``test``, ``season``, ``horizon``.

References
----------
.. [1] Hyndman, Koehler (2006), "Another look at measures of forecast accuracy", International Journal of Forecasting 22(4),
   doi:10.1016/j.ijforecast.2006.03.001: MASE, here against the seasonal naive forecast within the training part.
"""

from __future__ import annotations

import numpy as np

from config.records import Float
from scripts.yardstick import said, task


def scale(train: Float, season: int) -> float:
    """Return the mean error of the seasonal naive forecast in the training part; NaN where it has none."""
    error = np.abs(train[season:] - train[:-season])
    known = error[np.isfinite(error)]
    return float(known.mean()) if len(known) and known.mean() > 0 else np.nan


def mark(item: task.Item, run: said.Ahead) -> dict[str, float]:
    """Mark a forecast: its error on the naive one's scale, the share of values in its bounds (all, first and last quarter), their width.

    Where it says nothing the last value stands for it.
    """
    train, test = task.values(item, "train"), task.values(item, "test")
    it, unit = run(train, len(test), item["season"]), scale(train, item["season"])
    known, last = np.isfinite(test), train[np.isfinite(train)][-1:]
    error = np.abs(test - np.where(np.isfinite(it.yhat), it.yhat, last if len(last) else 0.0))
    marks = {"mase": float(error[known].mean()) / unit if known.any() else np.nan}
    for level in (0.8, 0.95):
        low, high = it.bounds.get(level, (np.full(len(test), np.nan),) * 2)
        told = np.isfinite(low) & known
        inside = (test >= low) & (test <= high)
        marks[f"inside_{100 * level:.0f}"] = float(inside[told].mean()) if told.any() else np.nan
        for part, at in (("near", slice(len(test) // 4)), ("far", slice(-(len(test) // 4) or None, None))):
            marks[f"inside_{100 * level:.0f}_{part}"] = float(inside[at][told[at]].mean()) if told[at].any() else np.nan
        marks[f"width_{100 * level:.0f}"] = float((high - low)[told].mean()) / unit if told.any() else np.nan
    return marks


FORECAST = task.Task(
    mark,
    {
        "mase": task.mean("mase"),
        "coverage_80": task.mean("inside_80"),
        "coverage_95": task.mean("inside_95"),
        **{f"coverage_{at}": task.mean(f"inside_{at}") for at in ("80_near", "80_far", "95_near", "95_far")},
        "width_80": task.mean("width_80"),
        "width_95": task.mean("width_95"),
    },
)
