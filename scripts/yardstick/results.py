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
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=file.parent, capture_output=True, text=True)
    text = file.read_text()
    for it, rows in found:
        if rows:
            picture = draw(file.parent / file.stem, it, rows).relative_to(file.parent)
            body = f"![{it.label}: figures with intervals]({picture})\n\n{markdown(it, rows)}"
            text = renewed(text, it, f"{body}\n\n`{command}` at {commit.stdout.strip()}.\n")
    file.write_text(text)


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
    older = re.compile(rf"^### {re.escape(it.label)} · \d+ series$.*?(?=^##|\Z)", re.MULTILINE | re.DOTALL)
    if older.search(text):
        return older.sub(lambda _: section, text)
    end = re.search(r"^## ", text[text.index(HEAD) + len(HEAD) :], re.MULTILINE)
    at = text.index(HEAD) + len(HEAD) + end.start() if end else len(text)
    return text[:at] + section + text[at:]
