"""What one detector made of one series, drawn: values, band, windows, alarms; under it the score; then what matters from close by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.records import SECOND, Float, Int
from scripts.demonstration.plot import DAY, Plot, frame, when
from scripts.demonstration.words import day
from scripts.yardstick import anomaly, episodes, ranking
from scripts.yardstick.rivals import entries
from scripts.yardstick.said import Said
from scripts.yardstick.series import Labelled

BUCKETS, CLOSE = 700, 150  # stretches of a picture; of each the lowest, the highest and the oddest reading are drawn
HIGHEST = 5.0  # scores above are drawn there
MOST = 12  # close pictures of a series


@dataclass(frozen=True)
class Near:
    """A labelled window, or a false alarm, from close by."""

    at: str
    verdict: str
    good: bool
    values: Plot


@dataclass(frozen=True)
class Picture:
    """Plots and what they come to; windows and false episodes at the line."""

    name: str
    values: Plot
    score: Plot
    close: list[Near]
    found: int
    windows: int
    false: int
    ap: float
    vus: float


def picture(it: Labelled, name: str) -> Picture:
    """Draw a series as a detector saw it."""
    entry = entries("nab")[name]
    told = entry.run(it.time, it.value, band=True) if entry.whose == "ours" else entry.run(it.time, it.value)
    none = np.full(len(it.time), np.nan)
    yhat, lower, upper = (none if column is None else column for column in told[1:4])
    said = Said(told.score, yhat, lower, upper, told.rank)
    score = np.nan_to_num(said.score[it.begin :], nan=0.0)
    tops, counts = episodes.peaks(it, score), episodes.count([it], [score], np.array([anomaly.LINE]))
    order, label = said.order[it.begin :], it.points[it.begin :]
    at = thinned(it, said, np.argsort(it.time, kind="stable"), BUCKETS)
    return Picture(
        name=name,
        values=values(it, said, at, f"{it.name}: values", 9),
        score=scores(it, said, at),
        close=close(it, said),
        found=int((tops >= anomaly.LINE).sum()),
        windows=len(tops),
        false=int(counts.false[0, 0]),
        ap=ranking.average_precision(order, label),
        vus=ranking.volume(order, label),
    )


def values(it: Labelled, said: Said, at: Int, title: str, labels: int) -> Plot:
    """Draw some readings, what was expected of them, and the odd ones."""
    x, y, score = it.time[at] / SECOND, it.value[at], said.score[at]
    lower, upper, yhat = (np.asarray(c)[at] for c in (said.lower, said.upper, said.yhat))
    plot = framed(it, x, y, title, labels)
    plot.band("band", x, lower, upper)
    plot.line("yhat", x, yhat)
    plot.line("value", x, y)
    odd = (score >= anomaly.LINE) & np.isfinite(y)
    plot.dots("odd", x[odd], y[odd])
    for first, last in alarms(it, said.score):
        plot.span("alert", float(it.time[first] / SECOND), float(it.time[last] / SECOND) + 1.0, "alarm")
    plot.tell(x, [y, lower, upper, score])
    return plot


def scores(it: Labelled, said: Said, at: Int) -> Plot:
    """Draw some scores, and the line."""
    x, score = it.time[at] / SECOND, said.score[at]
    plot = framed(it, x, np.array([0.0, HIGHEST]), f"{it.name}: score", 9)
    plot.line("score", x, np.minimum(score, HIGHEST))
    plot.line("limit", x[[0, -1]], np.full(2, anomaly.LINE))
    none = np.full(len(x), np.nan)
    plot.tell(x, [none, none, none, score])
    return plot


def close(it: Labelled, said: Said) -> list[Near]:
    """Draw each window that can be found, and the first false alarms, as many as there is room for."""
    told = alarms(it, said.score)
    windows = [(int(first), int(last)) for first, last in it.windows if last >= it.begin]
    met = [any(a <= last and b >= first for a, b in told) for first, last in windows]
    false = [(a, b) for a, b in told if not it.inside[a : b + 1].any()]
    shown = [near(it, said, w, "found" if yes else "missed", yes) for w, yes in zip(windows, met, strict=True)]
    return [*shown[:MOST], *(near(it, said, f, "false alarm", False) for f in false[: max(0, MOST - len(shown))])]


def near(it: Labelled, said: Said, span: tuple[int, int], verdict: str, good: bool) -> Near:
    """Draw what lies around a stretch of readings."""
    first, last = span
    beside = max(last - first + 1, len(it.time) // 60, 20)
    at = thinned(it, said, np.arange(max(0, first - beside), min(len(it.time), last + beside + 1)), CLOSE)
    return Near(day(it.time[first] / SECOND), verdict, good, values(it, said, at, f"{it.name}, {verdict}", 4))


def framed(it: Labelled, x: Float, column: Float, title: str, labels: int) -> Plot:
    """Return a plot with labelled windows, the time before judging begins, and axes."""
    plot = frame(x, [column if np.isfinite(column).any() else np.zeros(1)], title)
    if it.begin:
        plot.span("learning", float(it.time[0] / SECOND), float(it.time[it.begin] / SECOND), "")
    for first, last in it.windows:
        plot.span("incident", float(it.time[first] / SECOND), float(it.time[last] / SECOND), "")
    plot.axes(when("%-d %b" if plot.end - plot.start > 3 * DAY else "%-d %b %H:%M"), labels)
    return plot


def thinned(it: Labelled, said: Said, part: Int, buckets: int) -> Int:
    """Return which of some readings to draw: of each stretch the first, the lowest, the highest and the oddest."""
    odd = np.nan_to_num(said.score, nan=-1.0)
    low, high = np.nan_to_num(it.value, nan=np.inf), np.nan_to_num(it.value, nan=-np.inf)
    parts = np.array_split(part, min(buckets, len(part)))
    kept = [np.unique([0, np.argmin(low[p]), np.argmax(high[p]), np.argmax(odd[p])]) for p in parts]
    return np.concatenate([p[k] for p, k in zip(parts, kept, strict=True)])


def alarms(it: Labelled, score: Float) -> list[tuple[int, int]]:
    """Return the stretches of odd readings that are judged, first and last; those nearer than 1 % of the series are one."""
    odd = np.flatnonzero(np.nan_to_num(score) >= anomaly.LINE)
    odd = odd[odd >= it.begin]
    apart = np.flatnonzero(np.diff(odd) > max(1, len(it.time) // episodes.QUIET)) + 1
    return [(int(p[0]), int(p[-1])) for p in np.split(odd, apart) if len(p)]
