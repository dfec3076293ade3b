"""Plots as SVG paths and positions in per cent: the picture stretches to any width, its texts do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from scripts.demonstration.store import HOUR, Bool, Float
from scripts.demonstration.words import number

WIDTH, HEIGHT = 1000.0, 100.0
DAY = 24 * HOUR
STEPS = (1, 5, 10, 15, 60, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY)
CROWDED = 16.0  # per cent of the width that a text may need
Label = Callable[[float], str]
Number = TypeVar("Number", float, Float)


@dataclass(frozen=True)
class Span:
    """A stretch of the horizontal axis, in per cent of it; its text stands a line lower where the one before is near."""

    kind: str
    left: float
    width: float
    text: str
    below: bool


@dataclass
class Plot:
    """A plot, as the page draws it: paths in a box of 1000 by 100, labels and spans in per cent of it.

    Parameters
    ----------
    start, end
        Range of the horizontal axis.
    bottom, top
        Range of the vertical one.
    title
        What it shows, for those who cannot see it.
    """

    start: float
    end: float
    bottom: float
    top: float
    title: str
    paths: list[tuple[str, str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    across: list[tuple[float, str]] = field(default_factory=list)
    up: list[tuple[float, str]] = field(default_factory=list)
    data: str = ""

    def line(self, kind: str, x: Float, y: Float) -> None:
        """Draw a line, interrupted where numbers are missing."""
        runs = (self._points(x[run], y[run]) for run in _runs(np.isfinite(y)))
        self.paths.append((kind, "".join("M" + "L".join(points) for points in runs)))

    def band(self, kind: str, x: Float, low: Float, high: Float) -> None:
        """Fill what lies between two lines."""
        path = ""
        for run in _runs(np.isfinite(low) & np.isfinite(high)):
            there, back = self._points(x[run], high[run]), self._points(x[run][::-1], low[run][::-1])
            path += "M" + "L".join([*there, *back]) + "Z"
        self.paths.append((kind, path))

    def dots(self, kind: str, x: Float, y: Float) -> None:
        """Draw dots: strokes of no length with round ends, which stay round however the picture is stretched."""
        self.paths.append((kind, "".join(f"M{point}h0" for point in self._points(x, y))))

    def span(self, kind: str, start: float, end: float, text: str) -> None:
        """Mark a stretch of the horizontal axis, where it lies in the plot."""
        left, right = (float(np.clip(self._share(x), 0, 1)) * 100 for x in (start, end))
        if right > left:
            before = [span for span in self.spans if span.kind == kind]
            below = bool(before) and not before[-1].below and left - before[-1].left < CROWDED
            self.spans.append(Span(kind, round(left, 2), round(right - left, 2), text, below))

    def axes(self, label: Label, most: int = 6) -> None:
        """Label both axes; the horizontal one at whole steps of time."""
        step = next((s for s in STEPS if (self.end - self.start) / s <= most), STEPS[-1])
        first = np.ceil(self.start / step) * step
        across = [(self._share(x) * 100, label(x)) for x in np.arange(first, self.end, step)]
        up = [((1 - self._height(v)) * 100, number(v)) for v in nice(self.bottom, self.top)]
        self.across = [(place, text) for place, text in across if 4 <= place <= 96]  # texts at the edge would be cut
        self.up = [(place, text) for place, text in up if place >= 8]

    def tell(self, x: Float, columns: Sequence[Float]) -> None:
        """Give the page the numbers to tell under the pointer: position in per cent, then value, lower, upper, score."""
        rows = zip(
            (self._share(x) * 100).round(2).tolist(), x.tolist(), *(_short(column) for column in columns), strict=True
        )
        self.data = json.dumps([list(row) for row in rows], separators=(",", ":"))

    def _share(self, x: Number) -> Number:
        return (x - self.start) / (self.end - self.start)

    def _height(self, y: Number) -> Number:
        return (y - self.bottom) / (self.top - self.bottom)

    def _points(self, x: Float, y: Float) -> list[str]:
        across, down = self._share(x) * WIDTH, (1 - np.clip(self._height(y), -1, 2)) * HEIGHT
        return [f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True)]


def frame(x: Float, values: Iterable[Float], title: str, until: float = 0.0) -> Plot:
    """Return an empty plot that the values fill.

    Parameters
    ----------
    x
        The horizontal axis goes from the first to the last, or to `until`.
    """
    seen = np.concatenate([column[np.isfinite(column)] for column in values])
    low, high = float(seen.min()), float(seen.max())
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    end = until or float(x[-1])
    return Plot(float(x[0]), max(end, float(x[0]) + 1), low - room, high + room, title)


def nice(bottom: float, top: float, most: int = 4) -> list[float]:
    """Return round numbers in a range.

    Examples
    --------
    >>> nice(-3, 104), nice(0.011, 0.018)
    ([0.0, 50.0, 100.0], [0.012, 0.014, 0.016, 0.018])
    """
    raw = (top - bottom) / most
    unit = 10.0 ** np.floor(np.log10(raw))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= raw)
    marks = np.arange(np.ceil(bottom / step), np.floor(top / step + 1e-9) + 1) * step
    return [float(f"{mark:.12g}") + 0.0 for mark in marks]


def when(pattern: str) -> Label:
    """Return a function that writes seconds as UTC.

    Examples
    --------
    >>> when("%-d %b")(1414683000)
    '30 Oct'
    """
    return lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime(pattern)


def _runs(there: Bool) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _short(column: Float) -> list[float | None]:
    return [float(f"{x:.4g}") if np.isfinite(x) else None for x in column.tolist()]
