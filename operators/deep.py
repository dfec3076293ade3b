"""Deep: detectors too large for every series, for a counted number of them, first come, first served.

A row of tens of kilobytes is not saved with every snapshot but by itself, now and then, beside the recovery store; the snapshot holds
the readings since, and a restart absorbs them again, which gives the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from config.records import NOTHING, Bool, Float, Int, Scores
from config.shelf import Keeper, Nowhere
from operators.detector import Bank, Detector, layout

UNKNOWN, REFUSED = -1, -2
SINCE = 64  # readings absorbed since a row was saved, at most


class DeepSnapshot(NamedTuple):
    """Who has a row, the number of each saved row, the readings since, and the calendar of each row's series; arrays as bytes."""

    shard: str
    layouts: tuple[str, ...]
    slots: bytes
    number: bytes
    counter: bytes
    held: bytes
    time: bytes
    value: bytes
    calendar: bytes = b""


class Deep:
    """A bank whose rows belong to the first `budget` series of a shard that have a reading.

    Counted a shard, not a process: which series are looked at so closely then depends on the messages of their partition alone, and
    is the same after any crash.  A series keeps its row until its slot goes to another one, which takes the row over, afresh.

    Parameters
    ----------
    detectors
        What to run, in order.
    budget
        Rows, at most.
    keeper
        Where rows are kept.
    snapshot
        What `snapshot` returned.  A larger budget takes effect at once, a smaller one for series that are new.  Rows that the
        keeper has no more, or of another layout, start cold (see `cold`).

    Examples
    --------
    >>> from operators.anomaly.zscore import zscore
    >>> deep = Deep([zscore(warmup=2)], 1)
    >>> codes, time, value = np.array([7, 2, 7, 7, 7]), np.arange(5), np.array([1.0, 8.0, 3.0, 2.0, 9.0])
    >>> deep.update(codes, time, value, NOTHING)["zscore"].score.tolist(), deep.used
    ([nan, nan, nan, 0.0, 0.1837], 1)
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        budget: int,
        keeper: Keeper | None = None,
        snapshot: DeepSnapshot | None = None,
    ) -> None:
        self.budget, self.keeper = budget, keeper or Nowhere()
        self.shard, self.used, self.cold = "", 0, 0
        self.bank = Bank(detectors)
        self.layouts = tuple(f"{d.name} {layout(d.row)}" for d in detectors)
        self.slots: Int = np.zeros(0, np.int64)
        self.number: Int = np.zeros(
            0, np.int64
        )  # of the row that was saved last; 0: none, its past is in what it has since
        self.counter: Int = np.zeros(0, np.int64)  # of rows saved in a slot, whoever had it
        self.held: Int = np.zeros(0, np.int64)
        self.time: Int = np.zeros((0, SINCE), np.int64)
        self.value: Float = np.zeros((0, SINCE))
        self.calendar: Int = np.zeros(0, np.int64)
        self.unsaved: dict[int, tuple[int, bytes]] = {}
        self.named: dict[int, int] = {}
        if snapshot is not None:
            self._restore(snapshot)

    def update(
        self, codes: Int, time: Int, value: Float, fresh: Int, want_all: bool = False, calendar: Int | None = None
    ) -> dict[str, Scores]:
        """Score then learn, as `Bank.update` does; of series without a row there is no score."""
        self._grant(codes[~np.isnan(value)], fresh)
        slots = self.slots[codes] if len(codes) else NOTHING
        mine = slots >= 0
        again = self.slots[fresh]
        again = again[again >= 0]
        self.held[again] = self.number[again] = 0
        if calendar is not None:
            self.calendar[slots[mine]] = calendar[mine]
        found = self.bank.update(slots[mine], time[mine], value[mine], again, want_all, self.calendar[slots[mine]])
        self._note(slots[mine], time[mine], value[mine])
        return {name: _spread(scores, mine) for name, scores in found.items()}

    def snapshot(self) -> DeepSnapshot:
        """Have the keeper save what is due, and return the rest."""
        self.keeper.put(self.shard, self.unsaved, self.named)
        self.unsaved = {}
        self.named = {slot: number for slot, number in enumerate(self.number.tolist()) if number}
        since = np.arange(SINCE) < self.held[:, None]
        arrays = (self.slots, self.number, self.counter, self.held, self.time[since], self.value[since], self.calendar)
        return DeepSnapshot(self.shard, self.layouts, *(a.tobytes() for a in arrays))

    def _grant(self, codes: Int, fresh: Int) -> None:
        most = int(max(codes.max(initial=-1), fresh.max(initial=-1))) + 1
        if most > len(self.slots):
            self.slots = np.append(self.slots, np.full(2 * most - len(self.slots), UNKNOWN))
        self.slots[fresh[self.slots[fresh] == REFUSED]] = UNKNOWN
        new = codes[self.slots[codes] == UNKNOWN]
        if len(new):
            found, first = np.unique(new, return_index=True)
            in_order = found[np.argsort(first)]
            room = in_order[: max(0, self.budget - self.used)]
            self.slots[room] = np.arange(self.used, self.used + len(room))
            self.slots[in_order[len(room) :]] = REFUSED
            self._grow(self.used + len(room))

    def _grow(self, used: int) -> None:
        more = used - self.used
        self.number, self.counter = np.pad(self.number, (0, more)), np.pad(self.counter, (0, more))
        self.held, self.calendar = np.pad(self.held, (0, more)), np.pad(self.calendar, (0, more))
        self.time = np.pad(self.time, ((0, more), (0, 0)))
        self.value = np.pad(self.value, ((0, more), (0, 0)))
        self.used = used

    def _note(self, slots: Int, time: Int, value: Float) -> None:
        """Write down what was absorbed; a row with more than its room is to be saved instead."""
        count = np.bincount(slots, minlength=self.used)
        room = SINCE // 2 + np.arange(self.used) * 37 % (SINCE // 2)  # not all in the same minute
        full = np.flatnonzero(self.held + count > room)
        for slot in full[count[full] > 0].tolist():
            self.counter[slot] += 1
            self.number[slot], self.held[slot] = self.counter[slot], 0
            self.unsaved[slot] = int(self.number[slot]), self.bank.piece(slot)
            count[slot] = 0
        some = np.isin(slots, np.flatnonzero(count))
        slots, time, value = slots[some], time[some], value[some]
        order = np.argsort(slots, kind="stable")
        place = self.held[slots[order]] + np.arange(len(slots)) - np.searchsorted(slots[order], slots[order])
        self.time[slots[order], place], self.value[slots[order], place] = time[order], value[order]
        self.held += count

    def _restore(self, snapshot: DeepSnapshot) -> None:
        self.shard, arrays = snapshot.shard, [np.frombuffer(a, np.int64).copy() for a in snapshot[2:7]]
        self.slots, self.number, self.counter, self.held, time = arrays
        self.slots[self.slots == REFUSED] = UNKNOWN  # the budget may have grown
        self.used = len(self.held)
        self.calendar = np.zeros(self.used, np.int64)
        calendar = np.frombuffer(snapshot.calendar, np.int64)
        self.calendar[: len(calendar)] = calendar
        self.time, self.value = np.zeros((self.used, SINCE), np.int64), np.zeros((self.used, SINCE))
        since = np.arange(SINCE) < self.held[:, None]
        self.time[since], self.value[since] = time, np.frombuffer(snapshot.value)
        self.named = {slot: number for slot, number in enumerate(self.number.tolist()) if number}
        pieces = self.keeper.take(self.shard, self.named)
        known = snapshot.layouts == self.layouts
        lost = [slot for slot in self.named if not known or slot not in pieces]
        self.cold = len(lost)
        self.number[lost] = self.held[lost] = 0
        for slot, piece in pieces.items() if known else ():
            self.bank.lay(slot, piece)
        since = np.arange(SINCE) < self.held[:, None]
        slots = np.repeat(np.arange(self.used), self.held)
        self.bank.update(slots, self.time[since], self.value[since], NOTHING, False, self.calendar[slots])


def _spread(scores: Scores, mine: Bool) -> Scores:
    """Return scores of all readings, NaN for those that were not asked about; what was held back as no news is told too."""
    columns = np.full((4, len(mine)), np.nan)
    told = scores.score if scores.rank is None else np.where(np.isnan(scores.rank), scores.score, scores.rank)
    for column, of_mine in zip(columns, (told, scores.yhat, scores.lower, scores.upper), strict=True):
        column[mine] = of_mine
    return Scores(*columns)
