"""Watch: whether level and spread of a series are still what they were, when it began anew, and which shapes it shows again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from statistics import mean, pstdev
from typing import NamedTuple

from operators.drift import DRIFTS, Drift, Watch
from operators.drift.drift import Snapshot
from operators.forecast.breach import span
from operators.motif import Met, motif
from operators.trend.bocpd import bocpd

HELD = 64  # newest values, from which it is said what changed
NEWEST = 12  # of them are after the change, where a drift does not say since when
WATCHES: dict[str, Callable[..., Drift]] = {**DRIFTS, "bocpd": bocpd, "motif": motif}
Saved = tuple[dict[str, Snapshot], tuple[float, ...]]


class Found(NamedTuple):
    """What was found: type of the event, what happened, and the new level or spread, of a shape the number of its template."""

    type: str
    text: str
    value: float


class Watches:
    """What watches the values of one series.

    A drift says that the stream is not what it was, a change point also how sure that is and how long ago it began: the delay; a motif
    which shape is shown again.

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
    ...     for it in watches.update(i * 7 % 11 / 10 + (i >= 300) * 5.0, i):
    ...         print(i, it.type, it.text)
    303 value-drift shiryaev: the level rose from 0.495 to 5.675 in 4 min
    303 change-point bocpd: with 99.8 % a change 3 min ago, from 0.495 to 5.675
    """

    def __init__(self, drifts: Mapping[str, Drift], every: float, saved: Saved | None = None) -> None:
        snapshots, recent = saved or ({}, ())
        self.watches = {name: Watch(drift, snapshots.get(name)) for name, drift in drifts.items()}
        self.every, self.recent = every, deque(recent, HELD)

    def update(self, y: float, number: int) -> list[Found]:
        """Take the next value, and which window since 1970 it is of; return what is no longer as it was, or is again."""
        if self.watches:
            self.recent.append(y)
        return [it for name, watch in self.watches.items() if (it := self._found(name, watch, number))]

    def state(self) -> Saved:
        """Return all that is remembered, as plain values."""
        return {name: watch.snapshot() for name, watch in self.watches.items()}, tuple(self.recent)

    def _found(self, name: str, watch: Watch, number: int) -> Found | None:
        if name == "motif":
            return self._met(watch, number)
        return self._changed(watch) if name == "bocpd" else self._drifted(name, watch)

    def _met(self, watch: Watch, number: int) -> Found | None:
        watch.seen = number  # its times pass over windows that never came
        met = Met(*watch.said([self.recent[-1]], self.every)[0].tolist())
        if not met.template >= 1.0:
            return None
        text = f"motif: template {met.template:.0f} again, the {nth(met.times)} time, {span(met.since)} after the time before"
        return Found("motif", f"{text}; it began {span(met.ago)} ago", met.template)

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


def nth(count: float) -> str:
    """Say which of several.

    Examples
    --------
    >>> [nth(n) for n in (2, 3, 4, 11, 21, 112)]
    ['2nd', '3rd', '4th', '11th', '21st', '112th']
    """
    ending = "th" if count // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(int(count % 10), "th")
    return f"{count:.0f}{ending}"
