"""The calibration curve of ``docs/detection.md``: asked against got on logarithmic axes, where honest scores lie on the diagonal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log10
from pathlib import Path

from scripts.yardstick.calibration import LINES, Got, asked, markdown
from scripts.yardstick.pictures import templates
from scripts.yardstick.results import commit

LEAST, MOST = -3.0, 2.5  # decimal logarithms of incidents in 10,000 readings
LEFT, TOP, SIZE = 56, 16, 330  # px
COLOURS = ("#1565c0", "#2e7d32", "#c62828", "#6a1b9a")


def place(x: float) -> float:
    """Return how far along an axis a number of incidents stands, in px.

    Examples
    --------
    >>> place(10**-3), place(10**2.5)
    (0.0, 330.0)
    """
    return round(SIZE * (log10(x) - LEAST) / (MOST - LEAST), 1)


def curves(found: Sequence[Got]) -> str:
    """Return the curves as SVG; a line that nothing reached has no point."""
    drawn = []
    for it, colour in zip(found, COLOURS, strict=False):
        points = [
            (LEFT + place(asked(line)), TOP + SIZE - place(1e4 * told / it.readings), f"{it.sort}, score {line:g}")
            for line, told in zip(LINES, it.told, strict=True)
            if told
        ]
        drawn.append((it.sort, colour, points))
    ticks = [(place(10.0**k), f"{10.0**k:g}") for k in range(int(LEAST), int(MOST) + 1)]
    shown = {"curves": drawn, "ticks": ticks, "left": LEFT, "top": TOP, "size": SIZE}
    return templates().get_template("curves.svg.j2").render(**shown)


def write(page: Path, found: Sequence[Got], command: str) -> None:
    """Put table and curves in the place of the older ones on a page."""
    picture = page.parent / page.stem / "calibration.svg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(curves(found), encoding="utf-8")
    older = re.compile(
        r"^\| score \| asked \|.*?\n\n(`scripts/quality[^\n]*\n\n!\[[^\n]*\n\n)?", re.MULTILINE | re.DOTALL
    )
    shown = f"![asked against got]({page.stem}/{picture.name})"
    body = f"{markdown(found)}\n\n`{command}` at {commit(page)}.\n\n{shown}\n\n"
    page.write_text(older.sub(lambda _: body, page.read_text(), count=1))
