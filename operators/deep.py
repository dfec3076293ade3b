"""Deep: detectors too large for every series, for a counted number of them, first come, first served."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from config.records import NOTHING, Bool, Float, Int, Scores
from operators.detector import Bank, Detector, Snapshot

UNKNOWN, REFUSED = -1, -2
DeepSnapshot = tuple[int, bytes, Snapshot]


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
    snapshot
        What `snapshot` returned.  A larger budget takes effect at once, a smaller one for series that are new.

    Examples
    --------
    >>> from operators.anomaly.zscore import zscore
    >>> deep = Deep([zscore(warmup=2)], 1)
    >>> codes, time, value = np.array([7, 2, 7, 7, 7]), np.arange(5), np.array([1.0, 8.0, 3.0, 2.0, 9.0])
    >>> deep.update(codes, time, value, NOTHING)["zscore"].score.tolist(), deep.used
    ([nan, nan, nan, 0.0, 2.1433], 1)
    """

    def __init__(self, detectors: Sequence[Detector], budget: int, snapshot: DeepSnapshot | None = None) -> None:
        self.budget = budget
        self.used, slots, bank = snapshot or (0, b"", None)
        self.slots: Int = np.frombuffer(slots, np.int64).copy()
        self.slots[self.slots == REFUSED] = UNKNOWN  # the budget may have grown
        self.bank = Bank(detectors, bank)

    def update(self, codes: Int, time: Int, value: Float, fresh: Int, want_all: bool = False) -> dict[str, Scores]:
        """Score then learn, as `Bank.update` does; of series without a row there is no score."""
        self._grant(codes[~np.isnan(value)], fresh)
        slots = self.slots[codes] if len(codes) else NOTHING
        mine = slots >= 0
        again = self.slots[fresh]
        found = self.bank.update(slots[mine], time[mine], value[mine], again[again >= 0], want_all)
        return {name: _spread(scores, mine) for name, scores in found.items()}

    def snapshot(self) -> DeepSnapshot:
        """Return who has a row, and the rows."""
        return self.used, self.slots.tobytes(), self.bank.snapshot()

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
            self.used += len(room)


def _spread(scores: Scores, mine: Bool) -> Scores:
    """Return scores of all readings, NaN for those that were not asked about; what was held back as no news is told too."""
    columns = np.full((4, len(mine)), np.nan)
    told = scores.score if scores.rank is None else np.where(np.isnan(scores.rank), scores.score, scores.rank)
    for column, of_mine in zip(columns, (told, scores.yhat, scores.lower, scores.upper), strict=True):
        column[mine] = of_mine
    return Scores(*columns)
