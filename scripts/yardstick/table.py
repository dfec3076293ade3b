"""What is printed: a table a set for people, a line of JSON an operator for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
from rich.table import Table
from rich.text import Text

from scripts.yardstick.incidents import KINDS as INCIDENTS
from scripts.yardstick.judge import Row
from scripts.yardstick.sets import Set

# What a table shows, by kind: key, heading, how it is written.  A line of JSON holds everything.
COLUMNS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "nab": [
        ("standard", "NAB", ".1f"),
        ("low_fp", "low FP", ".1f"),
        ("low_fn", "low FN", ".1f"),
        ("standard_fixed", "NAB at 1", ".1f"),
        ("ap", "AP", ".3f"),
        ("vus_pr", "VUS-PR", ".3f"),
        ("f1", "F1", ".2f"),
        ("recall_at_1", "≤ 1", ".2f"),
        ("recall_at_2", "≤ 2", ".2f"),
        ("recall_at_4", "≤ 4", ".2f"),
        ("recall_at_8", "≤ 8", ".2f"),
        ("recall_fixed", "recall at 1", ".2f"),
        ("false_per_series_week_fixed", "false/week", ".2f"),
        ("delay_fixed", "delay", ".2f"),
    ],
    "trend": [
        ("accuracy", "right", ".3f"),
        ("false", "false", ".3f"),
        ("missed", "missed", ".3f"),
        ("opposite", "opposite", ".3f"),
    ],
    "period": [("right", "right", ".3f"), ("false", "false", ".3f"), ("missed", "missed", ".3f")],
    "drift": [("recall", "recall", ".3f"), ("delay", "delay", ".0f"), ("false_per_10k", "false/10k", ".2f")],
    "changepoint": [("f1", "F1", ".3f"), ("covering", "covering", ".3f"), ("points", "points", ".1f")],
    "forecast": [
        ("mase", "MASE", ".3f"),
        ("coverage_80", "in 80 %", ".3f"),
        ("coverage_95", "in 95 %", ".3f"),
        ("width_80", "width 80", ".2f"),
        ("width_95", "width 95", ".2f"),
    ],
    "fleet": [
        ("alerts_per_day", "alerts a day", ".1f"),
        ("recorded", "recorded", ".1f"),
        ("found", "found", ".2f"),
        ("beside", "beside", ".0f"),
        *((kind, kind.replace("_", " "), ".2f") for kind in INCIDENTS),
    ],
}
MAIN = {
    "nab": ("ap", 1),
    "forecast": ("mase", -1),
}  # what the best has most of, or least; of other kinds the first column
INTERVALS = {
    "standard",
    "ap",
    "vus_pr",
    "alerts_per_day",
    "found",
}  # of wide tables; of others every figure has room for its own
STYLES = {"ours": "bold", "river": "cyan", "trivial": "dim"}


def table(it: Set, rows: Sequence[Row]) -> Table:
    """Return a set's table: a row an operator, in the order of registration."""
    drawn = Table(title=it.title, title_justify="left", box=None, pad_edge=False)
    drawn.add_column("detector", no_wrap=True)
    for _, heading, _ in COLUMNS[it.kind]:
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("µs/point", justify="right", no_wrap=True)
    for row in rows:
        cells = [cell(row, key, form) for key, _, form in COLUMNS[it.kind]]
        drawn.add_row(Text(row.detector, STYLES[row.whose]), *cells, number(row.figures["us_per_point"], ".3g"))
    return drawn


def cell(row: Row, key: str, form: str) -> Text:
    """Return a figure, and where there is room the interval that holds 95 % of its resamples."""
    text = Text(number(row.figures[key], form))
    low, high = (row.figures.get(f"{key}_{end}", math.nan) for end in ("low", "high"))
    if math.isfinite(low) and (row.kind not in ("nab", "fleet") or key in INTERVALS):
        text.append(f" {number(low, form)}–{number(high, form)}", "dim")
    return text


def number(x: float, form: str) -> str:
    """Write a number; a dash for none.

    Examples
    --------
    >>> number(0.4567, ".2f"), number(float("nan"), ".2f")
    ('0.46', '–')
    """
    return format(x, form) if math.isfinite(x) else "–"


def best(rows: Sequence[Row]) -> Row:
    """Return the best of some rows of one set, the first of equals; drift is weighed by recall less false alarms in 1,000."""
    key, sign = MAIN.get(rows[0].kind, (COLUMNS[rows[0].kind][0][0], 1))

    def worth(row: Row) -> float:
        found = sign * row.figures[key] - row.figures.get("false_per_10k", 0.0) / 10.0 * (row.kind == "drift")
        return found if math.isfinite(found) else -math.inf

    return max(rows, key=worth)


def markdown(it: Set, rows: Sequence[Row]) -> str:
    """Return a set's table for a page."""
    head = ["detector", *(heading for _, heading, _ in COLUMNS[it.kind]), "µs/point"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in rows:
        cells = [cell(row, key, form).plain for key, _, form in COLUMNS[it.kind]]
        lines.append([f"`{row.detector}`", *cells, number(row.figures["us_per_point"], ".2g")])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def line(row: Row) -> str:
    """Return a row as one line of JSON; figures that there are not are null.

    Examples
    --------
    >>> line(Row("nab", "nab", "ewma", "ours", 28, {"standard": 38.12345678, "delay": float("nan")}))
    '{"data":"nab","kind":"nab","detector":"ewma","whose":"ours","series":28,"standard":38.123457,"delay":null}'
    """
    told = row._asdict() | {k: round(x, 6) if math.isfinite(x) else None for k, x in row.figures.items()}
    del told["figures"]
    return msgspec.json.encode(told).decode()
