"""Correlation across series: windows of all partitions joined, and every few windows the pairs that move together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import bytewax.operators as op
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import SnapshotError, pack, restored
from config.records import SECOND, Poll, Row
from config.telemetry import POINTS, REJECTS
from operators.correlate.align import Align
from operators.correlate.arrivals import Arrived, Reading
from operators.correlate.pairs import Pairs, pairs
from operators.correlate.panel import Panel

TOGETHER = "all"  # key of the one state: a pair may be any two series of any two partitions


class Plan(NamedTuple):
    """What is correlated: windows of `length` seconds, `lateness` seconds after they ended, of the first `series` series.

    Every `every` windows the newest `windows` are looked at, at lags of up to `lags`.
    """

    length: int
    lateness: float
    series: int
    windows: int
    every: int
    lags: int


class Correlate:
    """All partitions' windows in, rows of the measurement `correlations` out.

    What it says depends on what each partition holds alone, never on how reads of them were mixed: see `Align`.

    Parameters
    ----------
    plan
        What is correlated.
    shards
        All partitions of the topic, as `Poll.shard` names them.
    snapshot
        What `snapshot` returned, to go on from there.

    Examples
    --------
    >>> import numpy as np
    >>> from operators.correlate.arrivals import Cell
    >>> x = np.random.default_rng(3).normal(size=(4, 100)).cumsum(1)
    >>> x[1, 2:] = x[0, :-2] + 0.1 * x[1, 2:]
    >>> plan = Plan(60, 0, series=10, windows=80, every=40, lags=5)
    >>> correlate, said = Correlate(plan, ["results-0"]), []
    >>> for t in range(100):
    ...     cells = [Cell(f"cpu,host={h} idle", t * 60 * SECOND, x[k, t], 0, False) for k, h in enumerate("abcd")]
    ...     said += correlate.update(Arrived("results-0", cells, 0, 0))
    >>> for row in said: print(row.time // SECOND, row.series, row.tags["other_series"], row.fields["lag"], row.fields["seconds"])
    4800 cpu,host=a idle cpu,host=b idle 2 120.0
    4800 cpu,host=b idle cpu,host=a idle -2 -120.0
    """

    VERSION = "correlate-2"

    def __init__(self, plan: Plan, shards: Collection[str], snapshot: tuple[Any, ...] | None = None) -> None:
        self.plan = plan
        self.panel = Panel(plan.series, plan.windows)
        lateness = int(plan.lateness * SECOND)
        self.align = Align(plan.length * SECOND, lateness, plan.series, plan.windows, shards)
        if snapshot is not None:
            self._restore(snapshot)

    def update(self, arrived: Arrived) -> list[Row]:
        """Take in what a partition brought; return what can be said now."""
        rows: list[Row] = []
        for column in self.align.update(arrived):
            self.panel.add(column)
            if column.number % self.plan.every == 0:
                rows += self._said(column.number)
        return rows

    def snapshot(self) -> tuple[Any, ...]:
        """Return all of it: the panel, open windows, how far each partition is."""
        return self.VERSION, self.plan.length, self.panel.snapshot(), self.align.snapshot()

    def counted(self) -> dict[str, int]:
        """Return how many windows came late or found no place since this was last asked."""
        counts = {"late": self.align.late, "cardinality": self.align.refused + self.panel.refused}
        self.align.late = self.align.refused = self.panel.refused = 0
        return counts

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        version, length, panel, align = snapshot
        if version != self.VERSION:
            raise SnapshotError(f"snapshot {version} is not {self.VERSION}: start with an empty recovery store")
        if length != self.plan.length:
            raise SnapshotError(
                f"the shortest of windows.every was {length} when state was saved: "
                "set it back, or start with an empty recovery store"
            )
        self.panel.restore(panel)
        self.align.restore(align)

    def _said(self, number: int) -> Iterator[Row]:
        found = pairs(self.panel.recent(), self.plan.lags)
        for k in range(len(found.first)):
            yield self._row(number, found, k, 1)
            yield self._row(number, found, k, -1)

    def _row(self, number: int, found: Pairs, k: int, way: int) -> Row:
        """Return a pair as seen from its first series, or with `way` -1 from its second."""
        one, other = (self.panel.names[int(rows[k])] for rows in (found.first, found.second)[::way])
        lag = way * int(found.lag[k])
        fields: dict[str, float | int | str] = {"lag": lag, "seconds": float(lag * self.plan.length)}
        fields |= {name: float(getattr(found, name)[k]) for name in ("pearson", "spearman", "raw", "p")}
        tags = {"length": f"{self.plan.length}s", "other_series": other}
        return Row("correlations", number * self.align.length, tags, fields | {"n": int(found.n[k])}, one)


class _Logic(StatefulBatchLogic[Arrived, Row, bytes]):
    def __init__(self, correlate: Correlate) -> None:
        self.correlate = correlate

    def on_batch(self, values: list[Arrived]) -> tuple[list[Row], bool]:
        out = [row for arrived in values for row in self.correlate.update(arrived)]
        counts = self.correlate.counted()
        POINTS.labels("accepted").inc(sum(len(arrived.cells) for arrived in values) - counts["late"])
        POINTS.labels("skipped").inc(sum(arrived.skipped for arrived in values))
        POINTS.labels("late").inc(counts["late"])  # ordinary here: windows are written anew after they closed
        REJECTS.labels("cardinality").inc(counts["cardinality"])
        return out, False

    def snapshot(self) -> bytes:
        return pack(self.correlate.snapshot())


@operator
def correlate(
    step_id: str, up: KeyedStream[Poll], plan: Plan, shards: Callable[[], Collection[str]]
) -> KeyedStream[Row]:
    """Say which series move together: see `Correlate`.

    Parameters
    ----------
    step_id
        Unique in the flow.
    up
        Polls of all partitions of the topic `results`.
    plan
        What is correlated.
    shards
        Returns all partitions, once the source knows them.
    """
    reading = Reading(f"{plan.length}s")
    arrived = op.map_value("windows", up, reading.update)
    gathered = op.map("gathered", arrived, lambda it: (TOGETHER, it[1]))

    def build(packed: bytes | None) -> _Logic:
        return _Logic(restored(lambda snapshot: Correlate(plan, shards(), snapshot), packed))

    return op.stateful_batch("all", gathered, build)
