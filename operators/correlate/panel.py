"""The newest windows of a counted number of series, a row each."""

from __future__ import annotations

from typing import Any

import numpy as np

from config.packing import SnapshotError
from config.records import Float
from operators.correlate.align import NEVER, Column


class Panel:
    """Series by row and windows by column, NaN where there is none.

    Rows go to the series that come first, by name within a window; one without any window in the panel gives its row back.

    Parameters
    ----------
    series, windows
        Its shape.

    Examples
    --------
    >>> from operators.correlate.arrivals import Cell
    >>> panel = Panel(series=2, windows=3)
    >>> for n in (7, 8, 10): panel.add(Column(n, [Cell(s, n, n / 2, 0, False) for s in ("a x", "b x", "c x")]))
    >>> panel.slots, panel.refused, panel.recent()[0].tolist()
    ({'a x': 0, 'b x': 1}, 3, [4.0, nan, 5.0])
    """

    VERSION = "panel-1"

    def __init__(self, series: int, windows: int) -> None:
        self.values: Float = np.full((series, windows), np.nan)
        self.names = [""] * series
        self.slots: dict[str, int] = {}
        self.counters: set[str] = set()
        self.newest = NEVER
        self.refused = 0

    def add(self, column: Column) -> None:
        """Take in the next column."""
        self._forward(column.number)
        self._release()
        at = column.number % self.values.shape[1]
        free = iter([k for k, name in enumerate(self.names) if not name])
        for cell in column.cells:
            row = self.slots.get(cell.series)
            if row is None:
                row = next(free, None)
                if row is None:
                    self.refused += 1
                    continue
                self.slots[cell.series], self.names[row] = row, cell.series
            if cell.rate and cell.series not in self.counters:
                self.counters.add(cell.series)
                self.values[row] = np.nan  # until now it looked like a gauge
            if cell.rate or cell.series not in self.counters:
                self.values[row, at] = cell.value

    def recent(self) -> Float:
        """Return the windows in order of time, shape (series, windows)."""
        return np.roll(self.values, -(self.newest % self.values.shape[1]) - 1, axis=1)

    def snapshot(self) -> tuple[Any, ...]:
        """Return all of it, as immutable bytes."""
        return (
            self.VERSION,
            self.values.shape,
            tuple(self.names),
            tuple(sorted(self.counters)),
            self.newest,
            self.values.tobytes(),
        )

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Go on from what was saved.

        Raises
        ------
        SnapshotError
            The panel had another shape then.
        """
        version, shape, names, counters, self.newest, values = snapshot
        if (version, shape) != (self.VERSION, self.values.shape):
            raise SnapshotError(
                f"correlate.series and correlate.windows were {shape} when state was saved ({version}): "
                "set them back, or start with an empty recovery store"
            )
        self.names, self.counters = list(names), set(counters)
        self.slots.update({name: row for row, name in enumerate(names) if name})
        self.values = np.frombuffer(values).reshape(shape).copy()

    def _forward(self, number: int) -> None:
        """Make room for a column: what lies a whole panel behind it is forgotten."""
        windows = self.values.shape[1]
        for n in range(max(self.newest + 1, number - windows + 1), number + 1):
            self.values[:, n % windows] = np.nan
        self.newest = number

    def _release(self) -> None:
        for row in np.flatnonzero(np.isnan(self.values).all(1)).tolist():
            if self.names[row]:
                del self.slots[self.names[row]]
                self.counters.discard(self.names[row])
                self.names[row] = ""
