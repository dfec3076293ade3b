"""Labelled series, as they lie in folders: ``<root>/<category>/<file>.csv`` and ``<root>/windows.json``."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from config.records import SECOND, Bool, Float, Int

LEARNING, LONGEST = (
    0.15,
    750,
)  # share of a series, and points, that a detector may learn before it is judged; as NAB has it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Labelled:
    """A series and where it is odd.

    Parameters
    ----------
    name
        ``category/file.csv``.
    time, value
        Shape (n,): ns, as the file orders them; NaN where a value is missing.
    windows
        Shape (k, 2), by time: first and last point of each labelled window.
    points
        Shape (n,): the odd points themselves, where the file labels them; else those in windows.
    """

    name: str
    time: Int
    value: Float
    windows: Int
    points: Bool

    @property
    def begin(self) -> int:
        """The first point that is judged; what comes before is NAB's probationary period."""
        return min(int(LEARNING * len(self.time)), LONGEST)

    @property
    def inside(self) -> Bool:
        """Shape (n,): whether each point lies in a window."""
        inside = np.zeros(len(self.time), np.bool_)
        for first, last in self.windows:
            inside[first : last + 1] = True
        return inside

    @property
    def weeks(self) -> float:
        """How long the judged points outside of windows last, at the usual interval between two points."""
        usual = float(np.median(np.abs(np.diff(self.time)))) if len(self.time) > 1 else 0.0
        return int((~self.inside[self.begin :]).sum()) * usual / (7 * 86400 * SECOND)


def corpus(root: Path) -> list[Labelled]:
    """Read all series that ``windows.json`` names, by name; those without any reading are left out.

    Raises
    ------
    ValueError
        A file is missing or cannot be read; the text names it.
    """
    windows = json.loads((root / "windows.json").read_text())
    found = (series(root, name, windows[name]) for name in sorted(windows))
    return [it for it in found if len(it.time)]


def series(root: Path, name: str, windows: list[tuple[str, str]]) -> Labelled:
    """Read one series.  A missing value is NaN; windows that hold no point are left out."""
    try:
        with (root / name).open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("timestamp")]
        time = np.array([stamp(row["timestamp"]) for row in rows], np.int64)
        value = np.array([number(row["value"]) for row in rows])
        label = np.array([number(row.get("label")) > 0 for row in rows], np.bool_)
    except (OSError, KeyError, ValueError) as e:
        raise ValueError(f"{root / name}: {e!r}") from e
    found = [between(time, stamp(first), stamp(last)) for first, last in windows]
    held = np.array(sorted(w for w in found if w[0] <= w[1]), np.int64).reshape(-1, 2)
    it = Labelled(name, time, value, held, label)
    return it if rows and "label" in rows[0] else Labelled(name, time, value, held, it.inside)


def between(time: Int, first: int, last: int) -> tuple[int, int]:
    """Return the first point at or after one stamp and the last at or before the other; (1, 0) when there is none.

    Examples
    --------
    >>> between(np.array([10, 20, 30]), 15, 35), between(np.array([10, 20, 30]), 12, 18)
    ((1, 2), (1, 0))
    """
    after, before = np.flatnonzero(time >= first), np.flatnonzero(time <= last)
    return (int(after[0]), int(before[-1])) if len(after) and len(before) else (1, 0)


def stamp(text: str) -> int:
    """Return a time in ns: ISO 8601, UTC where no zone is named, or seconds since the epoch.

    Examples
    --------
    >>> stamp("1970-01-01 00:01:00"), stamp("1970-01-01T00:01:00.5Z"), stamp("60")
    (60000000000, 60500000000, 60000000000)
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return round(float(text) * SECOND)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1) * 1000


def number(text: str | None) -> float:
    """Return a number; NaN for what is none.

    Examples
    --------
    >>> number("2.5"), number(""), number("null"), number(None)
    (2.5, nan, nan, nan)
    """
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan
