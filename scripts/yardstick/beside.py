"""The section of ``docs/detection.md`` on what users would pick instead: a table a kind, its sets side by side, the best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import mean, median

from scripts.yardstick.judge import Row
from scripts.yardstick.results import commit, placed
from scripts.yardstick.rivals import BATCH, versions
from scripts.yardstick.sets import Set
from scripts.yardstick.table import COLUMNS, cell, number, worth

HEAD = "## Beside what users would pick\n"
SHOWN: Mapping[
    str, Sequence[str]
] = {  # of kinds whose own tables hold more than can stand side by side; the first is what rows go by
    "nab": ("standard", "ap", "vus_pr"),
    "forecast": ("mase", "coverage_80", "coverage_95"),
}
LESS = {"mase"}
PLAIN = {"ours": "ours", "trivial": "baseline"}
Found = Sequence[tuple[Set, Sequence[Row]]]


def write(file: Path, found: Found, command: str) -> None:
    """Renew the tables of the kinds that were judged, each with the command and the commit that it was made by."""
    text = file.read_text()
    by_kind = sorted((it for it in found if it[1]), key=lambda it: it[0].kind)
    for kind, sets in groupby(by_kind, key=lambda it: it[0].kind):
        text = renewed(text, kind, f"{joint(list(sets))}\n\n`{command}` at {commit(file)}.\n")
    file.write_text(text)


def joint(found: Found) -> str:
    """Return the table of one kind: a row an operator, by the mean of the first figure over sets; intervals where there is one set."""
    shown = columns(found[0][0].kind)
    heads = [head for _ in found for _, head, _ in shown]
    for k, (it, _) in enumerate(found):
        heads[k * len(shown)] = f"{it.name.split('/')[-1]} ({len(it.items)}): {shown[0][1]}"
    lines = [["detector", "of", *heads, "µs/point"], ["---", "---", *["---:"] * (len(heads) + 1)]]
    by_name: dict[str, list[Row]] = {}
    for row in (row for _, rows in found for row in rows):
        by_name.setdefault(row.detector, []).append(row)
    for of in sorted(by_name.values(), key=lambda of: mean(worth(row, *main(row.kind)) for row in of), reverse=True):
        cells = [text for it, _ in found for text in told(it, of, len(found) == 1)]
        name = f"**`{of[0].detector}`**" if of[0].whose == "ours" else f"`{of[0].detector}`"
        cost = median(row.figures["us_per_point"] for row in of)
        lines.append([name, origin(of[0]), *cells, number(cost, ".3g")])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told(it: Set, of: Sequence[Row], sure: bool) -> list[str]:
    """Return the cells of an operator for one set, dashes where it was not judged; with their intervals if asked for."""
    row = next((row for row in of if row.data == it.name), None)
    if row is None:
        return ["–" for _ in columns(it.kind)]
    return [cell(row, key, form).plain if sure else number(row.figures[key], form) for key, _, form in columns(it.kind)]


def main(kind: str) -> tuple[str, int]:
    """Return the figure that rows are ordered by, and its sign: -1 where less is better."""
    key = columns(kind)[0][0]
    return key, -1 if key in LESS else 1


def origin(row: Row) -> str:
    """Return whose an operator is: ours, a baseline, or a library and its version.

    Examples
    --------
    >>> origin(Row("a", "nab", "never", "trivial", 1, {})), origin(Row("a", "nab", "ewma", "ours", 1, {}))
    ('baseline', 'ours')
    """
    named = PLAIN.get(row.whose) or f"{row.whose} {versions([row.whose])[row.whose]}"
    return f"{named}, batch" if row.detector in BATCH else named


def columns(kind: str) -> list[tuple[str, str, str]]:
    """Return what is shown of a set of some kind: key, heading, how it is written."""
    keys = SHOWN.get(kind) or [key for key, _, _ in COLUMNS[kind]]
    return [column for column in COLUMNS[kind] if column[0] in keys]


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
    return placed(text, HEAD, f"Rivals · {kind}", section)
