"""Tasks: series with one right answer each; a figure is made of one number an item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import process_time_ns
from typing import Any, NamedTuple

import numpy as np

from config.records import Float
from scripts.yardstick import resample

Item = Mapping[str, Any]
Columns = Mapping[str, Float]
Figure = Callable[[Columns], float]


class Task(NamedTuple):
    """How a kind of task is judged.

    Parameters
    ----------
    mark
        ``mark(item, run) -> numbers``: what one answer is worth, under names that `figures` use; NaN where it does not count.
    figures
        What is told, the main one first: of columns of those numbers, shape (items,) each.
    """

    mark: Callable[[Item, Callable[..., Any]], dict[str, float]]
    figures: Mapping[str, Figure]


def values(item: Item, name: str = "x") -> Float:
    """Return the values of an item; NaN where one is missing."""
    return np.array([np.nan if x is None else x for x in item[name]], np.float64)


def mean(name: str) -> Figure:
    """Return the figure that is a column's mean over the items it counts for."""
    return lambda columns: _over(np.mean, columns[name])


def median(name: str) -> Figure:
    """Return the figure that is a column's median."""
    return lambda columns: _over(np.median, columns[name])


def rate(name: str, of: str) -> Figure:
    """Return the figure that is one column's sum in 10,000 of another's."""
    return lambda columns: float(1e4 * columns[name].sum() / max(columns[of].sum(), 1.0))


def _over(function: Callable[[Float], Any], column: Float) -> float:
    known = column[np.isfinite(column)]
    return float(function(known)) if len(known) else np.nan


def marked(task: Task, item: Item, run: Callable[..., Any]) -> dict[str, float]:
    """Mark an operator's answer to one item; ``cost`` is µs a value of processor time."""
    begun = process_time_ns()
    marks = task.mark(item, run)
    size = item.get("points") or len(item.get("x") or item.get("train") or [0])
    return marks | {"cost": (process_time_ns() - begun) / 1000 / size}


def figures(task: Task, marks: Sequence[Mapping[str, float]], times: int) -> dict[str, float]:
    """Return every figure of one operator on one set, with its interval; the cost is the median, so that compiling does not count."""
    columns = {name: np.array([m[name] for m in marks], np.float64) for name in marks[0]}
    drawn = resample.draws(len(marks), times if len(marks) > 1 else 0)
    found: dict[str, float] = {}
    for name, figure in task.figures.items():
        resampled = [figure({key: column[row] for key, column in columns.items()}) for row in drawn]
        found[name] = figure(columns)
        found[f"{name}_low"], found[f"{name}_high"] = resample.interval(np.array(resampled))
    return found | {"us_per_point": float(np.median(columns["cost"]))}
