"""The section of ``docs/detection.md`` on what users would pick instead: a table a kind, its sets side by side, the best first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf, isfinite
from pathlib import Path

from scripts.yardstick.judge import Row
from scripts.yardstick.results import commit
from scripts.yardstick.rivals import BATCH, versions
from scripts.yardstick.sets import Set
from scripts.yardstick.table import COLUMNS, cell, number

HEAD = "## Beside what users would pick\n"
SHOWN: Mapping[
    str, Sequence[str]
] = {  # of kinds whose own tables hold more than can stand side by side; the first is what rows go by
    "nab": ("standard", "ap", "vus_pr"),
    "forecast": ("mase", "coverage_80", "coverage_95"),
}
LESS = {"mase"}  # where less is better
Found = Sequence[tuple[Set, Sequence[Row]]]


def write(file: Path, found: Found, command: str) -> None:
    """Renew the tables of the kinds that were judged, each with the command and the commit that it was made by."""
    text = file.read_text()
    by_kind = sorted((it for it in found if it[1]), key=lambda it: (it[0].kind, -len(it[0].items)))
    for kind, sets in groupby(by_kind, key=lambda it: it[0].kind):
        text = renewed(text, kind, f"{joint(list(sets))}\n\n`{command}` at {commit(file)}.\n")
    file.write_text(text)


def joint(found: Found) -> str:
    """Return the table of one kind: a row an operator, by the first figure of the first set; costs are those of that set."""
    shown = columns(found[0][0].kind)
    heads = [f"{it.title}: {head}" if head == shown[0][1] else head for it, _ in found for _, head, _ in shown]
    lines = [["detector", "of", *heads, "µs/point"], ["---", "---", *["---:"] * (len(heads) + 1)]]
    known = versions(row.whose for row in found[0][1])
    for row in sorted(found[0][1], key=lambda row: worth(row, shown[0][0]), reverse=True):
        same = [other for _, rows in found for other in rows if other.detector == row.detector]
        cells = [cell(other, key, form).plain for other in same for key, _, form in shown]
        name = f"**`{row.detector}`**" if row.whose == "ours" else f"`{row.detector}`"
        batch = ", batch" if row.detector in BATCH else ""
        of = f"{row.whose} {known[row.whose]}".strip() + batch
        lines.append([name, of, *cells, number(row.figures["us_per_point"], ".2g")])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def columns(kind: str) -> list[tuple[str, str, str]]:
    """Return what is shown of a set of some kind: key, heading, how it is written."""
    keys = SHOWN.get(kind) or [key for key, _, _ in COLUMNS[kind]]
    return [column for column in COLUMNS[kind] if column[0] in keys]


def worth(row: Row, key: str) -> float:
    """Return what rows are ordered by: the best has most of it."""
    figure = row.figures[key]
    return (-figure if key in LESS else figure) if isfinite(figure) else -inf


def renewed(text: str, kind: str, body: str) -> str:
    r"""Return a page with the table of one kind put in the place of the older one, or at the end of the section.

    Examples
    --------
    >>> page = renewed("# A\n\n## Beside what users would pick\n\nWords.\n\n## Next\n", "drift", "| 1 |\n")
    >>> print(renewed(page, "drift", "| 2 |\n"))
    # A
    <BLANKLINE>
    ## Beside what users would pick
    <BLANKLINE>
    Words.
    <BLANKLINE>
    ### Rivals · drift
    <BLANKLINE>
    | 2 |
    <BLANKLINE>
    ## Next
    <BLANKLINE>
    """
    section = f"### Rivals · {kind}\n\n{body}\n"
    older = re.compile(rf"^### Rivals · {kind}$.*?(?=^##|\Z)", re.MULTILINE | re.DOTALL)
    if older.search(text):
        return older.sub(lambda _: section, text)
    begin = text.index(HEAD) + len(HEAD)
    end = re.search(r"^## ", text[begin:], re.MULTILINE)
    at = begin + end.start() if end else len(text)
    return text[:at] + section + text[at:]
