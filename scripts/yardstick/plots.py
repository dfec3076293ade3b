"""Plots beside the tables of ``docs/detection.md``: a row an operator, a column a figure, a dot with the interval of its resamples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.demonstration.plot import nice
from scripts.yardstick.judge import Row
from scripts.yardstick.pictures import templates
from scripts.yardstick.sets import Set
from scripts.yardstick.table import COLUMNS, number

PANELS = {
    "nab": ("standard", "ap", "vus_pr", "recall_at_2"),
    "fleet": ("alerts_per_day", "recorded", "found"),
}  # of other kinds the first three
NAMES, PANEL, GAP, LINE, TOP = 150, 190, 24, 22, 34  # px
INSET = 8


@dataclass(frozen=True)
class Dot:
    """A figure of an operator: where it stands in its panel (px), its interval, and how it is written."""

    x: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Panel:
    """A figure of all operators; ticks by place (px)."""

    left: int
    title: str
    ticks: Sequence[tuple[float, str]]
    dots: Sequence[Dot | None]


def plot(it: Set, rows: Sequence[Row]) -> str:
    """Return the plot of a set as SVG."""
    known = {key: (heading, form) for key, heading, form in COLUMNS[it.kind]}
    keys = PANELS.get(it.kind, tuple(known)[:3])
    panels = [panel(rows, key, *known[key], NAMES + k * (PANEL + GAP)) for k, key in enumerate(keys)]
    return (
        templates()
        .get_template("plot.svg.j2")
        .render(
            title=it.title,
            rows=rows,
            panels=panels,
            width=NAMES + len(keys) * (PANEL + GAP),
            height=TOP + LINE * len(rows) + 26,
            panel=PANEL,
            top=TOP,
            line=LINE,
        )
    )


def panel(rows: Sequence[Row], key: str, title: str, form: str, left: int) -> Panel:
    """Place a figure of some operators between the least and the most of them, 0 included."""
    ends = [[row.figures.get(f"{key}{end}", math.nan) for end in ("", "_low", "_high")] for row in rows]
    known = [0.0, *(x for these in ends for x in these if math.isfinite(x))]
    least, most = min(known), max(*known, min(known) + 1e-9)

    def place(x: float) -> float:
        return round(left + INSET + (PANEL - 2 * INSET) * (x - least) / (most - least), 1)

    def dot(x: float, low: float, high: float) -> Dot | None:
        if not math.isfinite(x):
            return None
        return Dot(
            place(x),
            place(low if math.isfinite(low) else x),
            place(high if math.isfinite(high) else x),
            number(x, form),
        )

    ticks = [(place(v), f"{v:g}") for v in nice(least, most) if least <= v <= most]
    return Panel(left, title, ticks, [dot(*these) for these in ends])


def draw(folder: Path, it: Set, rows: Sequence[Row]) -> Path:
    """Write the plot of a set into a folder; return its file."""
    file = folder / f"{it.label.replace('/', '-').replace(' · ', '-')}.svg"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(plot(it, rows), encoding="utf-8")
    return file
