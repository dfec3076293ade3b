"""What the flows have stored, as arrays: read from SQLite while it is being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
SECOND = 1_000_000_000
HOUR = 3600
STEP = "3600s"
DETECTOR = "profile"


@dataclass(frozen=True)
class Story:
    """What became of a recorded series, by the hour; times in seconds, columns of one length.

    `lower` and `upper` bound what was expected, `score` is 1 at the line between ordinary and odd; NaN before the detector was warm.
    """

    time: Float
    mean: Float
    low: Float
    high: Float
    yhat: Float
    lower: Float
    upper: Float
    score: Float

    def __len__(self) -> int:
        return len(self.time)

    def between(self, start: float, end: float) -> Story:
        """Return the hours that begin in [start, end)."""
        first, last = np.searchsorted(self.time, [start, end])
        return Story(*(column[first:last] for column in vars(self).values()))


@dataclass(frozen=True)
class Fired:
    """An alert: when it fired, when its first odd hour began and its last one ended, what was seen and expected at first.

    What was expected is NaN for a rule that expects nothing.
    """

    name: str
    severity: str
    series: str
    at: int
    start: int
    end: int
    value: float
    score: float
    lower: float
    upper: float
    kind: str
    summary: str
    firing: bool


class Store:
    """The SQLite file of the flows.

    Parameters
    ----------
    path
        It need not be there yet; what is not there yet is empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds, nothing where a table is not there yet."""
        try:
            db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)
        except sqlite3.OperationalError:
            return []
        try:
            return db.execute(query, values).fetchall()
        except sqlite3.OperationalError as e:
            if "no such table" in str(e) or "no such column" in str(e) or "unable to open" in str(e):
                return []
            raise
        finally:
            db.close()

    def story(self, series: str, newest: int = -1) -> Story:
        """Return the newest hours of a series, all by default."""
        found = self.rows(
            "SELECT w.time / 1000000000, w.mean, w.min, w.max, s.yhat, s.yhat_lower, s.yhat_upper, s.score "
            "FROM (SELECT * FROM windows WHERE series = ?1 AND json_extract(tags, '$.length') = ?2 ORDER BY time DESC LIMIT ?3) w "
            "LEFT JOIN scores s ON s.series = w.series AND s.time = w.time AND json_extract(s.tags, '$.step') = ?2 "
            "AND json_extract(s.tags, '$.detector') = ?4 ORDER BY w.time",
            series, STEP, newest, DETECTOR,
        )  # fmt: skip
        return Story(*_columns(found, 8))

    def points(self, series: str) -> tuple[Float, Float]:
        """Return a series' own points: times in seconds, values."""
        time, value = _columns(
            self.rows("SELECT time / 1e9, value FROM points WHERE series = ? ORDER BY time", series), 2
        )
        return time, value

    def names(self, pattern: str) -> list[str]:
        """Return the series with points whose names match, as SQL's LIKE understands it."""
        return [
            name for (name,) in self.rows("SELECT DISTINCT series FROM points WHERE series LIKE ? ORDER BY 1", pattern)
        ]

    def alerts(self, series: str = "%") -> list[Fired]:
        """Return the alerts of all series, or one, oldest first."""
        found = self.rows(
            "SELECT series, json_extract(tags, '$.alertname'), json_extract(tags, '$.severity'), starts_at, firing, time, value, score, "
            "summary FROM alerts WHERE series LIKE ? ORDER BY starts_at, firing DESC",
            series,
        )
        begun = {(row[0], row[1], row[3]): row for row in found if row[4]}
        ended = {(row[0], row[1], row[3]): row[5] for row in found if not row[4]}
        return [self._fired(row, ended.get(key)) for key, row in begun.items()]

    def _fired(self, row: Sequence[Any], ended: int | None) -> Fired:
        series, name, severity, at, _, _, value, score, summary = row
        odd = self.rows(  # an hour is judged, and its alert begins, when it ends
            "SELECT time, kind, yhat_lower, yhat_upper FROM anomalies WHERE series = ?1 AND time >= ?2 AND time <= coalesce(?3, time) "
            "AND json_extract(tags, '$.step') = ?4 AND json_extract(tags, '$.detector') = ?5 ORDER BY time",
            series, at - HOUR * SECOND, ended, STEP, DETECTOR,
        )  # fmt: skip
        start, end = (odd[0][0], odd[-1][0] + HOUR * SECOND) if odd else (at, ended or at)
        kind, lower, upper = odd[0][1:] if odd else ("", np.nan, np.nan)
        seen, times = (value, score or 0.0, lower, upper), (at // SECOND, start // SECOND, end // SECOND)
        return Fired(name, severity, series, *times, *seen, kind, summary, ended is None)

    def count(self, table: str, where: str = "1") -> int:
        """Return how many rows a table has."""
        found = self.rows(f"SELECT count(*) FROM {table} WHERE {where}")
        return int(found[0][0]) if found else 0


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[Float]:
    return list(np.array(rows, np.float64).reshape(-1, width).T)
