"""Watch: whether level and spread of a series are still what they were, and when it began anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from statistics import mean, pstdev
from typing import NamedTuple

from operators.drift import DRIFTS, Drift, Watch
from operators.drift.drift import Snapshot
from operators.forecast.breach import span
from operators.trend.bocpd import bocpd

HELD = 64  # newest values, from which it is said what changed
NEWEST = 12  # of them are after the change, where a drift does not say since when
WATCHES: dict[str, Callable[..., Drift]] = {**DRIFTS, "bocpd": bocpd}
Saved = tuple[dict[str, Snapshot], tuple[float, ...]]


class Found(NamedTuple):
    """A drift or change point of a series: type of the event, what changed from what to what, and the new level or spread."""

    type: str
    text: str
    value: float


class Watches:
    """What watches the values of one series.

    A drift says that the stream is not what it was, a change point also how sure that is and how long ago it began: the delay.

    Parameters
    ----------
    drifts
        By name.
    every
        Seconds between two values.
    saved
        What `state` returned.

    Examples
    --------
    >>> from operators.drift.shiryaev import shiryaev
    >>> watches = Watches({"shiryaev": shiryaev(warmup=50), "bocpd": bocpd()}, 60.0)
    >>> for i in range(400):
    ...     for it in watches.update(i * 7 % 11 / 10 + (i >= 300) * 5.0):
    ...         print(i, it.type, it.text)
    303 value-drift shiryaev: the level rose from 0.495 to 5.675 in 4 min
    303 change-point bocpd: with 99.8 % a change 3 min ago, from 0.495 to 5.675
    """

    def __init__(self, drifts: Mapping[str, Drift], every: float, saved: Saved | None = None) -> None:
        snapshots, recent = saved or ({}, ())
        self.watches = {name: Watch(drift, snapshots.get(name)) for name, drift in drifts.items()}
        self.every, self.recent = every, deque(recent, HELD)

    def update(self, y: float) -> list[Found]:
        """Take the next value; return what is no longer as it was."""
        if self.watches:
            self.recent.append(y)
        found = (self._changed(w) if name == "bocpd" else self._drifted(name, w) for name, w in self.watches.items())
        return [it for it in found if it]

    def state(self) -> Saved:
        """Return all that is remembered, as plain values."""
        return {name: watch.snapshot() for name, watch in self.watches.items()}, tuple(self.recent)

    def _drifted(self, name: str, watch: Watch) -> Found | None:
        drift, *more = watch.said([self.recent[-1]], self.every)[0].tolist()
        if not drift >= 1.0:
            return None
        way, since = more or (0.0, (NEWEST - 1) * self.every)
        what, of = ("spread", pstdev) if abs(way) == 2.0 else ("level", mean)
        before, after = self._sides(since, of)
        verb = ("rose" if after >= before else "fell") if what == "level" else ("grew" if way > 0.0 else "shrank")
        text = f"{name}: the {what} {verb} from {before:.6g} to {after:.6g}"
        return Found("value-drift", text + (f" in {span(self._windows(since) * self.every)}" if more else ""), after)

    def _changed(self, watch: Watch) -> Found | None:
        told = float(watch.state["told"][0])
        certainty, ago = watch.said([self.recent[-1]], self.every)[0].tolist()
        if float(watch.state["told"][0]) == told:
            return None
        before, after = self._sides(ago, mean)
        text = f"bocpd: with {100 * certainty:.1f} % a change {span(ago)} ago, from {before:.6g} to {after:.6g}"
        return Found("change-point", text, after)

    def _sides(self, since: float, of: Callable[[list[float]], float]) -> tuple[float, float]:
        """Return a number of the values before and of those after a change so many seconds ago, as far as they are held."""
        values = list(self.recent)
        k = min(max(self._windows(since), 2), len(values) - 1)
        return of(values[:-k] or values), of(values[-k:])

    def _windows(self, since: float) -> int:
        return round(since / self.every) + 1
