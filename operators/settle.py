"""Settle: when a series stays on a level that it came to by an incident, that is its new normal, said once.

An incident begins at a reading that a detector calls odd and is over after `AFTER` readings in a row that it does not.  By then
the detector has learnt what it sees.  If `MOST` of these lie beyond the band that was expected when the incident began, on one
side, the series has not come back.
"""

from __future__ import annotations

import numpy as np

from config.records import SECOND, Event, Float, Int, Scored, Scores, StateRows
from operators.kernel import kernel
from operators.kind import AFTER, MOST

DAY = 86400 * SECOND
ROW = np.dtype(
    [("slot", "i8"), ("time", "i8")]
    + [(name, "f8") for name in ("yhat", "lower", "upper", "sum", "now", "moved")]
    + [(name, "i4") for name in ("open", "quiet", "above", "below")]
)


@kernel
def again(r: StateRows, t: int, mean: float) -> bool:
    """Whether this was told within a day: the same distance, from where the series was expected before it was told."""
    half = 0.5 * (r["upper"] - r["lower"])
    same = abs(mean - r["yhat"] - r["moved"]) <= half and abs(r["yhat"] - r["now"]) > half
    return r["time"] > 0 and t - r["time"] < DAY and same


@kernel
def see(r: StateRows, t: int, x: float, odd: bool, band: tuple[float, float, float]) -> bool:
    """Show a reading to its series; return whether a new normal has been reached: `now`, after `yhat`."""
    if odd:
        if not r["open"]:
            r["open"], (r["yhat"], r["lower"], r["upper"]) = 1, band
        r["quiet"] = r["above"] = r["below"] = 0
        r["sum"] = 0.0
        return False
    if not r["open"]:
        return False
    r["quiet"] += 1
    r["sum"] += x
    r["above"] += 1 if x > r["upper"] else 0
    r["below"] += 1 if x < r["lower"] else 0
    if r["quiet"] < AFTER:
        return False
    r["open"], mean = 0, r["sum"] / AFTER
    if max(r["above"], r["below"]) < MOST or again(r, t, mean):
        return False
    r["now"], r["moved"], r["time"] = mean, mean - r["yhat"], t
    return True


@kernel
def settle(
    rows: StateRows, points: tuple[Int, Int, Float], said: tuple[Float, Float, Float, Float], told: Float
) -> None:
    """Go through scored readings in their order; write into `told`, shape (n, 2), level and former level where one is reached."""
    codes, time, value = points
    score, yhat, lower, upper = said
    for i in range(len(codes)):
        if not np.isnan(score[i]) and see(
            rows[codes[i]], time[i], value[i], score[i] >= 1.0, (yhat[i], lower[i], upper[i])
        ):
            told[i, 0], told[i, 1] = rows[codes[i]]["now"], rows[codes[i]]["yhat"]


Snapshot = tuple[str, bytes]


class Settle:
    """The incidents of one detector and step of a shard, and the level that each series was last said to have settled on.

    Parameters
    ----------
    detector
        Its name.
    snapshot
        What `snapshot` returned.

    Examples
    --------
    >>> from config.records import NOTHING, Poll, Series, Silences
    >>> s, n = Series(), 10
    >>> y, at = np.array([2.0, *[9.0] * 9]), np.arange(n)
    >>> scores = Scores(np.array([0.0, 1.5, *[0.0] * 8]), y * 0 + 2, y * 0 + 1, y * 0 + 3)
    >>> codes = np.full(n, s.code("a x"))
    >>> it = Scored("60s", Poll.of([]), s, codes, at, at, y, {}, {"ensemble": scores}, at, at, Silences.none())
    >>> [(e.type, e.series, e.time, e.text, e.value) for e in Settle("ensemble").update(it, scores, NOTHING)]
    [('new-normal', 'a x', 9, 'settled at 9 after 2', 9.0)]
    """

    def __init__(self, detector: str, snapshot: Snapshot | None = None) -> None:
        self.detector = detector
        self.rows: StateRows = np.zeros(0, ROW)
        if snapshot is not None:
            kept = np.frombuffer(snapshot[1], ROW)
            self._grow(int(kept["slot"].max(initial=-1)) + 1)
            self.rows[kept["slot"]] = kept

    def update(self, it: Scored, scores: Scores, fresh: Int) -> list[Event]:
        """Follow what a detector said of each reading or window; return an event for each new normal."""
        self._grow(int(max(it.codes.max(initial=-1), fresh.max(initial=-1))) + 1)
        self.rows[fresh] = np.zeros(1, ROW)
        told = np.full((len(it), 2), np.nan)
        points = tuple(_own(c) for c in (it.codes, it.time, it.value))
        said = tuple(_own(c) for c in (scores.score, scores.yhat, scores.lower, scores.upper))
        settle(self.rows, points, said, told)  # type: ignore[arg-type]
        return [self._event(it, i, *told[i].tolist()) for i in np.flatnonzero(~np.isnan(told[:, 0])).tolist()]

    def snapshot(self) -> Snapshot:
        """Return the series that an incident goes on in, or was told of, as bytes."""
        known = np.flatnonzero((self.rows["open"] != 0) | (self.rows["time"] != 0))
        kept = self.rows[known]
        kept["slot"] = known
        return "settle-1", kept.tobytes()

    def _event(self, it: Scored, i: int, now: float, before: float) -> Event:
        series = it.series.names[it.codes[i]]
        text = f"settled at {now:.6g} after {before:.6g}"
        return Event("new-normal", int(it.time[i]), series, text, now, self.detector)

    def _grow(self, slots: int) -> None:
        if slots > len(self.rows):
            self.rows = np.append(self.rows, np.zeros(2 * slots - len(self.rows), ROW))


def _own(column: Int | Float) -> Int | Float:
    return np.require(column, None, ["C", "W", "A"])
