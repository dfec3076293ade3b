"""Pages on request: one a series of anomalies, one a task, and one that lists them; each complete in itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from scripts.demonstration.words import day
from scripts.yardstick.anomaly import LINE
from scripts.yardstick.judge import Row
from scripts.yardstick.picture import HIGHEST, Picture, picture
from scripts.yardstick.rivals import entries
from scripts.yardstick.series import Labelled
from scripts.yardstick.sets import Set
from scripts.yardstick.sketch import sketches
from scripts.yardstick.table import best

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


@dataclass(frozen=True)
class Sheet:
    """A task and its page."""

    path: str
    title: str
    names: Sequence[str]


def chosen(it: Set, rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return what to draw of a set: the operators that were named; with none named, the best of ours."""
    ours = [row for row in rows if row.whose == "ours"] or rows
    return [name for name in names if name in entries(it.kind)] or [best(ours).detector]


def draw(folder: Path, sets: Sequence[tuple[Set, Sequence[Row]]], names: Sequence[str], pool: Executor) -> Path:
    """Write the pages of some sets that were judged, and their list; return that."""
    some = [(it, chosen(it, rows, names)) for it, rows in sets if rows]
    series = [pool.submit(page, folder, it.name, s, of) for it, of in some if it.kind == "nab" for s in it.items]
    tasks = [pool.submit(sheet, folder, it, of) for it, of in some if it.kind != "nab"]
    pages, sheets = [done.result() for done in series], [done.result() for done in tasks]
    write(folder, "index.html", "pages.html.j2", pages=pages, sheets=sheets, line=LINE)
    return folder / "index.html"


def page(folder: Path, data: str, it: Labelled, names: Sequence[str]) -> Page:
    """Draw a series with some detectors and write its page."""
    path = Path(data, it.name).with_suffix(".html").as_posix()
    span = f"{day(it.time.min() / 1e9)[:10]} to {day(it.time.max() / 1e9)[:10]}"
    shown = Page(path, it.name, data, len(it.time), span, [picture(it, name) for name in names])
    write(folder, path, "page.html.j2", page=shown, line=LINE, highest=HIGHEST)
    return shown


def sheet(folder: Path, it: Set, names: Sequence[str]) -> Sheet:
    """Draw the answers of some operators to a task and write its page."""
    path = f"{it.name}-{it.kind}.html"
    sections = [(name, sketches(it.kind, it.items, name)) for name in names]
    write(folder, path, "sheet.html.j2", title=it.title, kind=it.kind, series=len(it.items), sections=sections)
    return Sheet(path, it.title, names)


def write(folder: Path, path: str, template: str, **shown: Any) -> None:
    """Write a page; `back` leads to the list."""
    back = Path(os.path.relpath("index.html", Path(path).parent)).as_posix()
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(templates().get_template(template).render(back=back, **shown), encoding="utf-8")


@cache
def templates() -> jinja2.Environment:
    """Return the templates of this folder, and of the demo's report."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
