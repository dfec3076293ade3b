"""Recorded series: as published, with the incidents that their publishers labelled, moved to end now."""

from __future__ import annotations

import csv
import gzip
import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"
WEEK = 7 * 86400


@dataclass(frozen=True)
class Incident:
    """What the publishers labelled: its first and last second, and what it was."""

    start: int
    end: int
    what: str


@dataclass(frozen=True)
class Recording:
    """A recorded series.  All times are seconds as recorded; `shift` is what replaying adds to them."""

    metric: str
    field: str
    tags: dict[str, str]
    title: str
    unit: str
    source: str
    incidents: tuple[Incident, ...]
    points: tuple[tuple[int, float], ...]
    shift: int

    @property
    def series(self) -> str:
        """Its name in the store."""
        return ",".join([self.metric, *(f"{k}={v}" for k, v in sorted(self.tags.items()))]) + f" {self.field}"

    def message(self, at: int) -> bytes:
        """Return a point as Telegraf would send it now."""
        time, value = self.points[at]
        body = {"name": self.metric, "tags": self.tags, "fields": {self.field: value}, "timestamp": time + self.shift}
        return json.dumps(body).encode()


def load(now: float, folder: Path = FOLDER) -> list[Recording]:
    """Read all recordings; whole weeks are added to their stamps, so that a Monday stays a Monday and none lies ahead of `now`."""
    entries = tomllib.loads((folder / "recordings.toml").read_text())["recording"]
    return [_recording(entry, now, folder) for entry in entries]


def _recording(entry: dict[str, Any], now: float, folder: Path) -> Recording:
    since = _seconds(entry.pop("since", "1970-01-01 00:00:00"))
    with gzip.open(folder / f"{entry.pop('file')}.csv.gz", "rt", newline="") as file:
        points = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    points = sorted(point for point in points if point[0] >= since)
    incidents = tuple(Incident(_seconds(a), _seconds(b), what) for a, b, what in entry.pop("incidents"))
    shift = int(now - points[-1][0]) // WEEK * WEEK
    return Recording(**entry, incidents=incidents, points=tuple(points), shift=shift)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
