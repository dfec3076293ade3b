"""Pages on request: one a series, and one that lists them; each complete in itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import numpy as np

from scripts.demonstration.words import day
from scripts.yardstick.anomaly import LINE
from scripts.yardstick.entries import ENTRIES
from scripts.yardstick.judge import Row
from scripts.yardstick.picture import HIGHEST, Picture, picture
from scripts.yardstick.series import Labelled
from scripts.yardstick.sets import Set

TEMPLATES = (Path(__file__).parent, Path(__file__).parent.parent / "demonstration")


@dataclass(frozen=True)
class Page:
    """A series and its page: where that lies, what the series is, what detectors made of it."""

    path: str
    name: str
    data: str
    points: int
    span: str
    pictures: Sequence[Picture]


def chosen(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return what to draw: the detectors that were named; with none named, that of ours with the highest average precision."""
    ours = [row for row in rows if row.kind == "nab" and row.whose == "ours"]
    best = max(ours, key=lambda row: np.nan_to_num(row.figures["ap"], nan=-1.0), default=None)
    return [name for name in names if name in ENTRIES["nab"]] or ([best.detector] if best else [])


def draw(folder: Path, sets: Iterable[tuple[Set, Sequence[str]]], pool: Executor) -> Path:
    """Write a page a series of each set of anomalies, as some detectors saw it, and their list; return that."""
    doing = [
        pool.submit(page, folder, it.name, series, names)
        for it, names in sets
        if it.kind == "nab"
        for series in it.items
    ]
    pages = [done.result() for done in doing]
    listed = folder / "index.html"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(template("pages.html.j2").render(pages=pages, line=LINE), encoding="utf-8")
    return listed


def page(folder: Path, data: str, it: Labelled, names: Sequence[str]) -> Page:
    """Draw a series with some detectors and write its page."""
    path = Path(data, it.name).with_suffix(".html")
    span = f"{day(it.time.min() / 1e9)[:10]} to {day(it.time.max() / 1e9)[:10]}"
    shown = Page(path.as_posix(), it.name, data, len(it.time), span, [picture(it, name) for name in names])
    back = Path(os.path.relpath("index.html", path.parent)).as_posix()
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    text = template("page.html.j2").render(page=shown, back=back, line=LINE, highest=HIGHEST)
    (folder / path).write_text(text, encoding="utf-8")
    return shown


@cache
def template(name: str) -> jinja2.Template:
    """Return a template of this folder, or of the demo's report."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(name)
