"""Census: how far the shards of a process are and in which state their series, counted when somebody asks."""

from __future__ import annotations

from math import nan

from config.records import SECOND, Bool, Int, StateRows
from config.telemetry import SERIES, WATERMARK
from operators.checks import NEVER

WARM = 30  # stamps: from there on detectors speak unless told otherwise


class Census:
    """The rows that `operators.validate` keeps, by shard, counted only when asked: points pay nothing for it.

    A series is ``silent`` when it has sent nothing for five of its intervals and at least 5 minutes of the shard's stamps, or was
    ended by a stale marker; else it is ``warming`` while fewer than `WARM` stamps of it are known (fewer than `time.remember`
    where that is less), and then ``warm``.

    Examples
    --------
    >>> import numpy as np
    >>> from operators.checks import ROW
    >>> rows = ROW.repeat(4); rows["newest"][:3] = 9 * SECOND; rows["known"][:3] = 2, 30, 64; rows["silent"][2] = -1
    >>> census = Census(remember=64); census.watermark()
    nan
    >>> census.note("metrics-0", rows, np.array([9 * SECOND])); census.note("metrics-1", rows, np.array([7 * SECOND]))
    >>> [census.count(state) for state in ("warming", "warm", "silent")], census.watermark()
    ([2, 2, 2], 7.0)
    """

    def __init__(self, remember: int) -> None:
        self.enough = min(WARM, remember)
        self.shards: dict[str, tuple[StateRows, Int]] = {}

    def note(self, shard: str, rows: StateRows, clock: Int) -> None:
        """Know a shard by its rows and its ``[newest stamp, …]``; both may change later, at any moment."""
        self.shards[shard] = rows, clock

    def count(self, state: str) -> int:
        """Return how many series are ``warming``, ``warm`` or ``silent``."""
        return sum(int(self._which(rows, state).sum()) for rows, _ in tuple(self.shards.values()))

    def watermark(self) -> float:
        """Return the newest accepted stamp of the shard that is furthest behind, in seconds; NaN before the first point."""
        newest = [int(clock[0]) for _, clock in tuple(self.shards.values())]
        return min((t for t in newest if t != NEVER), default=nan) / SECOND

    def publish(self) -> None:
        """Let ``/metrics`` ask."""
        WATERMARK.set_function(self.watermark)
        for state in ("warming", "warm", "silent"):
            SERIES.labels(state).set_function(lambda state=state: self.count(state))  # type: ignore[misc]

    def _which(self, rows: StateRows, state: str) -> Bool:
        lives = rows["newest"] != NEVER
        if state == "silent":
            return lives & (rows["silent"] != 0)
        known = rows["known"] >= self.enough
        return lives & (rows["silent"] == 0) & (known if state == "warm" else ~known)
