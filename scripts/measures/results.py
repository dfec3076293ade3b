"""The table of results, ``docs/results.md``: a row a figure, the newest run of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from scripts.measures.figure import Figure

HEAD = """# Results

What `scripts/bench` measured, a row a figure; `scripts/bench --write` renews the rows of what it runs. Ratios are CPU (user and system)
of the flow's processes to that of consuming the same topic and decoding it with msgspec in the same run, both between the first
quarter of the points and all of them; of several rounds the least counts, since noise only adds.

| figure | value | goal | stretch | met | command | commit |
|---|---:|---:|---:|---|---|---|
"""


def write(file: Path, figures: Sequence[Figure], command: str, commit: str) -> None:
    """Renew the rows of some figures.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "results.md")
    >>> write(file, [Figure("a.x", 1.5, "s", 2.0), Figure("b.y", 7.0, "ns")], "scripts/bench", "abc")
    >>> write(file, [Figure("a.x", 1.25, "s", 2.0)], "scripts/bench a", "def")
    >>> print(*file.read_text().splitlines()[-2:], sep=chr(10))
    | a.x | 1.25 s | 2 |  | yes | `scripts/bench a` | def |
    | b.y | 7 ns |  |  |  | `scripts/bench` | abc |
    """
    text = file.read_text() if file.exists() else ""
    rows = {m[1]: m[0] for m in re.finditer(r"^\| ([a-z]\S*\.\S+) \|.*$", text, re.MULTILINE)}
    rows |= {f.figure: row(f, command, commit) for f in figures}
    file.write_text(HEAD + "\n".join(rows.values()) + "\n")


def row(f: Figure, command: str, commit: str) -> str:
    """Return a figure as a row."""
    goal, stretch = (number(x) if x is not None else "" for x in (f.goal, f.stretch))
    met = "" if f.met is None else "yes" if f.met else "no"
    return f"| {f.figure} | {number(f.value)} {f.unit} | {goal} | {stretch} | {met} | `{command}` | {commit} |"


def number(x: float) -> str:
    """Write a number for people.

    Examples
    --------
    >>> number(1.234567), number(412345.6), number(0.00012345)
    ('1.23', '412,000', '0.000123')
    """
    short = float(f"{x:.3g}")
    return f"{short:,.0f}" if abs(short) >= 1000 else f"{short:g}"
