"""What an operator answered to the items of a task, drawn small: the series, the truth, the answer; the worst first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from config.records import Float
from scripts.demonstration.plot import Plot, frame, nice
from scripts.yardstick import drift, task
from scripts.yardstick.judge import TASKS
from scripts.yardstick.rivals import entries

MOST = 60  # sketches of an operator
POINTS = 600  # of a line
SEASONS = 4  # that stand before a forecast
WORDS = {-1: "falling", 0: "no trend", 1: "rising"}


@dataclass(frozen=True)
class Sketch:
    """An item with its answer; how bad that is, 0 being right."""

    name: str
    verdict: str
    bad: float
    plot: Plot


def sketches(kind: str, items: Sequence[task.Item], name: str) -> list[Sketch]:
    """Draw what an operator answered, the worst first."""
    drawn = [sketch(kind, item, name) for item in items]
    return sorted(drawn, key=lambda it: -it.bad)[:MOST]


def sketch(kind: str, item: task.Item, name: str) -> Sketch:
    """Ask an operator, and draw the item with its answer."""
    answers: list[Any] = []

    def run(*asked: Any) -> Any:
        answers.append(entries(kind)[name].run(*asked))
        return answers[-1]

    marks = TASKS[kind].mark(item, run)
    verdict, bad = VERDICTS[kind](item, answers[0], marks)
    plot = ahead(item, answers[0]) if kind == "forecast" else series(item)
    if kind in ("drift", "changepoint"):
        truth(plot, kind, item)
        x, at = task.values(item), np.asarray(answers[0], np.int64)
        plot.dots("odd", at.astype(np.float64), x[at])
    ticks(plot)
    return Sketch(str(item.get("id", "")), verdict, bad, plot)


def series(item: task.Item) -> Plot:
    """Draw the values of an item."""
    x = task.values(item)
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).astype(np.int64))
    plot = frame(at.astype(np.float64), [x if np.isfinite(x).any() else np.zeros(1)], str(item.get("id", "series")))
    plot.line("value", at.astype(np.float64), x[at])
    return plot


def truth(plot: Plot, kind: str, item: task.Item) -> None:
    """Mark where the change is: all values in which an alarm finds it, or the points that people marked."""
    if kind == "drift" and item["drift"] is not None:
        plot.span("incident", float(item["drift"]), float(item["drift"] + drift.SOON), "")
    half = max(0.5, (plot.end - plot.start) / 250)  # wide enough to be seen
    for points in item["annotations"].values() if kind == "changepoint" else ():
        for p in points:
            plot.span("incident", p - half, p + half, "")


def ahead(item: task.Item, said: Any) -> Plot:
    """Draw the last seasons, what came, and what was forecast with its bounds."""
    train, test = task.values(item, "train"), task.values(item, "test")
    train = train[-SEASONS * int(item["season"]) :]
    x = np.arange(len(train) + len(test), dtype=np.float64) - len(train)
    y = np.concatenate([train, test])
    plot = frame(x, [y if np.isfinite(y).any() else np.zeros(1)], str(item.get("id", "series")))
    for low, high in said.bounds.values():
        plot.band("band", x[len(train) :], low, high)
    plot.line("value", x, y)
    plot.line("forecast", x[len(train) :], np.asarray(said.yhat, np.float64))
    return plot


def ticks(plot: Plot) -> None:
    """Label the axis of values by their number, the other one as ever."""
    plot.axes(lambda x: "")
    places = [((v - plot.start) / (plot.end - plot.start) * 100, f"{v:g}") for v in nice(plot.start, plot.end)]
    plot.across = [(place, text) for place, text in places if 4 <= place <= 96]


Verdict = Callable[[task.Item, Any, Mapping[str, float]], tuple[str, float]]


def _trend(item: task.Item, said: Any, marks: Mapping[str, float]) -> tuple[str, float]:
    return f"{WORDS[item['label']]}; said: {WORDS[said]}", 1.0 - marks["right"]


def _period(item: task.Item, said: Any, marks: Mapping[str, float]) -> tuple[str, float]:
    known = " and ".join(map(str, item["periods"])) or "no season"
    return f"{known}; said: {'none' if said is None else f'{said:g}'}", float(
        np.nansum([1 - marks["right"], marks["false"]])
    )


def _drift(item: task.Item, said: Any, marks: Mapping[str, float]) -> tuple[str, float]:
    missed, false = float(marks["found"] == 0), int(marks["false"])
    found = "" if item["drift"] is None else "missed, " if missed else f"found after {marks['delay']:.0f}, "
    return f"{found}{false} false", 100.0 * missed + false


def _changepoint(item: task.Item, said: Any, marks: Mapping[str, float]) -> tuple[str, float]:
    return f"F1 {marks['f1']:.2f}, covering {marks['covering']:.2f}", 1.0 - marks["f1"]


def _forecast(item: task.Item, said: Any, marks: Mapping[str, float]) -> tuple[str, float]:
    held: Float = np.array([marks["inside_80"], marks["inside_95"]])
    inside = f", {held[0]:.0%} and {held[1]:.0%} inside" if np.isfinite(held).all() else ""
    return f"MASE {marks['mase']:.2f}{inside}", float(np.nan_to_num(marks["mase"]))


VERDICTS: dict[str, Verdict] = {
    "trend": _trend,
    "period": _period,
    "drift": _drift,
    "changepoint": _changepoint,
    "forecast": _forecast,
}
