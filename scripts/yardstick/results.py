"""The tables and plots of ``docs/detection.md``: one a set, the newest run of each."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.yardstick.judge import Row
from scripts.yardstick.plots import draw
from scripts.yardstick.sets import Set
from scripts.yardstick.table import markdown

HEAD = "## Results\n"


def write(file: Path, found: Sequence[tuple[Set, Sequence[Row]]], command: str) -> None:
    """Renew the tables of some sets, each with the command and the commit that it was made by."""
    text = file.read_text()
    for it, rows in found:
        if rows:
            picture = draw(file.parent / file.stem, it, rows).relative_to(file.parent)
            body = f"![{it.label}: figures with intervals]({picture})\n\n{markdown(it, rows)}"
            text = renewed(text, it, f"{body}\n\n`{command}` at {commit(file)}.\n")
    file.write_text(text)


def commit(file: Path) -> str:
    """Return the short name of the commit that a file's folder stands at."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=file.parent, capture_output=True, text=True)
    return done.stdout.strip()


def renewed(text: str, it: Set, body: str) -> str:
    r"""Return a page with the table of one set put in the place of the older one, or behind the others.

    Examples
    --------
    >>> page = "# A\n\n## Results\n\nWords.\n\n## Next\n"
    >>> page = renewed(page, Set("a", "nab", [1]), "| 1 |\n")
    >>> page = renewed(page, Set("b", "nab", []), "| 2 |\n")
    >>> print(renewed(page, Set("a", "nab", [1, 2]), "| 3 |\n"))
    # A
    <BLANKLINE>
    ## Results
    <BLANKLINE>
    Words.
    <BLANKLINE>
    ### a · nab · 2 series
    <BLANKLINE>
    | 3 |
    <BLANKLINE>
    ### b · nab · 0 series
    <BLANKLINE>
    | 2 |
    <BLANKLINE>
    ## Next
    <BLANKLINE>
    """
    section = f"### {it.title}\n\n{body}\n"
    return placed(text, HEAD, rf"{re.escape(it.label)} · \d+ series", section)


def placed(text: str, head: str, title: str, section: str) -> str:
    """Return a page with a section in the place of the one with such a title, a regular expression; else at the end of a chapter."""
    older = re.compile(rf"^### {title}$.*?(?=^##|\Z)", re.MULTILINE | re.DOTALL)
    if older.search(text):
        return older.sub(lambda _: section, text)
    begin = text.index(head) + len(head)
    end = re.search(r"^## ", text[begin:], re.MULTILINE)
    at = begin + end.start() if end else len(text)
    return text[:at] + section + text[at:]
