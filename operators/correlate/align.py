"""Windows of all series side by side, from partitions that are read at paces of their own.

A column is one window of all series.  It closes when every partition has brought windows that are `lateness` further: nothing but what the
partitions hold decides, never how reads of them were mixed, so a replay closes the same columns with the same windows.  A partition that
holds the others up, is read to its end and stays silent for one window by the process's clock is not waited for until it
brings windows again: the one thing that a clock decides, and it matters only where that partition then brings what is older.

What waits is bounded.  Of each partition the first `room` series to come take part: its own order decides that, so a column is the same
windows however reads were mixed.  Beyond that only a partition that lies far behind the others lets columns close early: see `Align`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from operators.correlate.arrivals import Arrived, Cell

NEVER = -(2**62)
Snapshot = tuple[
    int,
    tuple[tuple[str, int], ...],
    tuple[str, ...],
    tuple[tuple[str, tuple[tuple[str, int], ...]], ...],
    tuple[tuple[int, tuple[tuple[str, float, int, bool], ...]], ...],
]
AHEAD = 100  # windows of `room` series that wait for a partition behind the others


class Column(NamedTuple):
    """One window of all series: its number (start / length), and the windows in the order of their series' names."""

    number: int
    cells: list[Cell]


class Align:
    """Joins windows of a topic's partitions to columns.

    Parameters
    ----------
    length
        Of a window, ns.
    lateness
        ns by which a window may come behind the newest of its partition.
    room
        How many series of a partition take part.  What waits is at most the windows of so many of each partition that lateness keeps
        open, and `AHEAD` windows of `room` series; beyond, the oldest column closes without the partition that is behind.
    windows
        A series without any so long, by its partition's newest, makes room for another.
    shards
        All partitions of the topic, as `Poll.shard` names them.

    Examples
    --------
    >>> def at(shard, series, t): return Arrived(shard, [Cell(series, t, 1.0, 0, False)], 0, 0)
    >>> align = Align(60, 0, 10, 120, ["results-0", "results-1"])
    >>> [list(align.update(at("results-0", "a x", t))) for t in (0, 60, 120)]
    [[], [], []]
    >>> [[c.number for c in align.update(at("results-1", "b x", t))] for t in (0, 60, 120)]
    [[], [0], [1]]
    """

    def __init__(self, length: int, lateness: int, room: int, windows: int, shards: Collection[str]) -> None:
        self.length, self.room, self.windows = length, room, windows
        self.behind = -(-lateness // length) + 1
        self.most = room * (AHEAD + (self.behind + 1) * len(shards))
        self.newest = dict.fromkeys(shards, NEVER)
        self.idle = dict.fromkeys(shards, 0)
        self.held = dict.fromkeys(shards, 0)
        self.silent: set[str] = set()
        self.open: dict[int, dict[str, Cell]] = {}
        self.members: dict[str, dict[str, int]] = {shard: {} for shard in shards}  # their newest windows
        self.closed = NEVER
        self.waiting = self.late = self.refused = 0

    def update(self, arrived: Arrived) -> Iterator[Column]:
        """Take in what a partition brought; yield the columns that are whole now, oldest first."""
        shard = arrived.shard
        for cell in arrived.cells:
            number = cell.start // self.length
            if number <= self.newest[shard] - self.behind:  # by the partition's own newest: others decide nothing
                self.late += 1
            elif not self._member(shard, cell.series, number):
                self.refused += 1
            elif number <= self.closed:
                self.late += 1
            else:
                self._put(number, cell)
        if arrived.cells:
            self.silent.discard(shard)
            self.held[shard] = 0
        self._listen(shard, arrived.idle)
        while self.open and ((first := min(self.open)) <= self._front() - self.behind or self.waiting > self.most):
            yield self._close(first)

    def snapshot(self) -> Snapshot:
        """Return what is open, how far each partition is and which of its series take part."""
        cells = ((n, [self.open[n][name] for name in sorted(self.open[n])]) for n in sorted(self.open))
        return (
            self.closed,
            tuple(sorted(self.newest.items())),
            tuple(sorted(self.silent)),
            tuple((shard, tuple(sorted(of.items()))) for shard, of in sorted(self.members.items())),
            tuple((n, tuple((c.series, c.value, c.revision, c.rate) for c in column)) for n, column in cells),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from what was saved; partitions that the topic had not then are new."""
        self.closed, newest, silent, members, columns = snapshot
        self.newest |= dict(newest)
        self.silent |= set(silent)
        self.members |= {shard: dict(of) for shard, of in members}
        for number, cells in columns:
            for name, value, revision, rate in cells:
                self._put(number, Cell(name, number * self.length, value, revision, rate))

    def _put(self, number: int, cell: Cell) -> None:
        column = self.open.setdefault(number, {})
        before = column.get(cell.series)
        if before is None:
            column[cell.series] = cell
            self.waiting += 1
        elif cell.revision >= before.revision:  # after a crash older ones come again
            column[cell.series] = cell

    def _member(self, shard: str, series: str, number: int) -> bool:
        """Say whether a series takes part; what decides is its own partition alone."""
        members = self.members[shard]
        if number > self.newest[shard]:
            self.newest[shard] = number
            for gone in [name for name, last in members.items() if last <= number - self.windows]:
                del members[gone]
        if series not in members and len(members) >= self.room:
            return False
        members[series] = max(members.get(series, NEVER), number)
        return True

    def _front(self) -> int:
        return min((n for shard, n in self.newest.items() if shard not in self.silent), default=NEVER)

    def _listen(self, shard: str, idle: int) -> None:
        """Count for how long a partition that is read to its end holds the others up."""
        passed, self.idle[shard] = max(idle - self.idle[shard], 0), idle
        if self.newest[shard] + self.behind < max(self.newest.values()) and idle:
            self.held[shard] += passed
            if self.held[shard] >= self.length:
                self.silent.add(shard)

    def _close(self, number: int) -> Column:
        column = self.open.pop(number)
        self.waiting -= len(column)
        self.closed = number
        return Column(number, [column[name] for name in sorted(column)])
