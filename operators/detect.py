"""Detect: every detector on the points and the windows of a shard."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import bytewax.operators as op
import numpy as np
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.packing import pack, unpack
from config.records import NOTHING, Checked, Int, Scored, Windows
from config.shelf import Keeper, Nowhere
from config.telemetry import ANOMALIES
from operators.deep import Deep, DeepSnapshot
from operators.detector import Bank, Detector, Snapshot
from operators.kind import Keep, Kinds
from operators.kind import rows as rows
from operators.sessions import EVERYWHERE, Exchanges
from operators.settle import Settle
from operators.settle import Snapshot as Settled

__all__ = ["Deeply", "Detect", "detect", "rows"]

log = logging.getLogger(__name__)

DetectSnapshot = tuple[
    str,
    tuple[tuple[str, Snapshot], ...],
    tuple[tuple[str, Any], ...],
    DeepSnapshot | None,
    tuple[tuple[str, Settled], ...],
    tuple[str, ...],
]


class Deeply(NamedTuple):
    """Detectors for the first `series` series of a shard, on windows of one length, where rows are kept, and calendars: see `Deep`."""

    step: str
    detectors: Sequence[Detector]
    series: int
    keeper: Keeper
    exchanges: Exchanges = EVERYWHERE


NONE = Deeply("", (), 0, Nowhere())


class Detect:
    """Detectors on points and on windows of a shard: a bank a step, and the kinds of what they found.

    Parameters
    ----------
    points, windows
        Detectors for accepted points and for windows of each length.
    deeply
        Detectors for a counted number of series, on windows of one length.
    keep
        Which scores will be stored (``none``, ``windows``, ``all``): of those every band is told, of others only that of anomalies.
    snapshot
        What `snapshot` returned.

    Examples
    --------
    >>> from config.records import MetricBatch, Silences
    >>> from operators.anomaly.zscore import zscore
    >>> b = MetricBatch.of([("a x", t, x) for t, x in enumerate([1.0, 3.0, 2.0, 9.0])])
    >>> checked = Checked(b, np.ones(4, bool), b.value, np.array([0]), Silences.none())
    >>> scored = Detect([zscore(warmup=2)], []).update(checked)
    >>> scored.step, scored.scores["zscore"].score.tolist(), scored.scores["zscore"].yhat
    ('points', [nan, nan, 0.0, 0.1837], array([nan, nan, nan, nan]))
    """

    def __init__(
        self,
        points: Sequence[Detector],
        windows: Sequence[Detector],
        keep: Keep = "windows",
        deeply: Deeply = NONE,
        snapshot: DetectSnapshot | None = None,
    ) -> None:
        self.points, self.windows, self.keep = points, windows, keep
        saved = (*(snapshot or ("", (), (), None)), (), ())[:6]  # the last two are younger than some snapshots
        _, banks, kinds, deep, incidents, codes = cast(DetectSnapshot, saved)
        self.step, self.exchanges = deeply.step, deeply.exchanges
        if deep is not None:
            deep = deep._replace(calendar=self.exchanges.renumbered(codes, deep.calendar))
        self.deep = Deep([self._bound(d) for d in deeply.detectors], deeply.series, deeply.keeper, deep)
        self.calendar = np.zeros(0, np.int64)
        self.banks = {step: Bank(self._detectors(step), bank) for step, bank in banks}
        self.kinds = {step: Kinds(kept) for step, kept in kinds}
        known = dict(incidents)
        self.settle = {d.name: Settle(d.name, known.get(d.name)) for d in deeply.detectors}

    def update(self, item: Checked | Windows) -> Scored:
        """Score the points or windows of one item; an item without any passes what it says of silences."""
        if isinstance(item, Windows):
            return self._score(Scored.of(item, item.step, item.fields), item.fresh)
        return self._score(_from_points(item), item.fresh)

    def snapshot(self) -> DetectSnapshot:
        """Return banks by step, and what is not settled yet."""
        banks = tuple((step, bank.snapshot()) for step, bank in self.banks.items())
        kinds = tuple((step, kinds.snapshot()) for step, kinds in self.kinds.items())
        incidents = tuple((name, settle.snapshot()) for name, settle in self.settle.items())
        deep = self.deep.snapshot() if self.deep.budget else None
        return "detect-3", banks, kinds, deep, incidents, self.exchanges.codes

    @property
    def cold(self) -> list[str]:
        """Detectors (with their step) that a restart found no usable state for."""
        lost = [f"{self.deep.cold} rows of {d.name}" for d in self.deep.bank.detectors if self.deep.cold]
        return [f"{step} {name}" for step, bank in self.banks.items() for name in bank.cold] + lost

    def _detectors(self, step: str) -> Sequence[Detector]:
        return self.points if step == "points" else self.windows

    def _bound(self, d: Detector) -> Detector:
        """Hand a detector the sessions of exchanges, if it asks for them."""
        asks = "sessions" in d.params._fields
        return d._replace(params=d.params._replace(sessions=self.exchanges.sessions)) if asks else d

    def _calendar(self, it: Scored, fresh: Int) -> Int:
        """Return the calendar of each item's series, by name; a slot changes its series only when it is fresh."""
        if not self.exchanges.codes:
            return np.zeros(len(it), np.int64)
        names, have = it.series.names, len(self.calendar)
        self.calendar = np.append(self.calendar, self.exchanges.numbers(names[have:]))
        for slot in fresh[fresh < have].tolist():
            self.calendar[slot] = self.exchanges.number(names[slot])
        return self.calendar[it.codes]

    def _score(self, it: Scored, fresh: Int) -> Scored:
        bank = self.banks.get(it.step)
        if bank is None:
            bank = self.banks[it.step] = Bank(self._detectors(it.step))
            self.kinds[it.step] = Kinds()
        want_all = self.keep == "all" or (self.keep == "windows" and it.step != "points")
        it.scores.update(bank.update(it.codes, it.time, it.value, fresh, want_all))
        if it.step == self.step and self.deep.budget:
            self.deep.shard = it.poll.shard
            calendar = self._calendar(it, fresh)
            deep = self.deep.update(it.codes, it.time, it.value, fresh, True, calendar)  # what settles needs the band
            it.scores.update(deep)
            for name, scores in deep.items():
                it.events.extend(self.settle[name].update(it, scores, fresh))
        it.settled.extend(self.kinds[it.step].update(it, fresh))
        return it


def _from_points(item: Checked) -> Scored:
    points = item.points
    offset = points.offset if len(points) else NOTHING
    return Scored(
        step="points",
        poll=points.poll,
        series=points.series,
        codes=points.codes,
        time=points.time,
        position=np.arange(len(points)) + 1,  # silences stand before the point of their position, items before silences
        value=item.rate if item.forward.all() else np.where(item.forward, item.rate, np.nan),
        fields={"value": points.value},
        scores={},
        first=offset,
        last=offset,
        silences=item.silences,
    )


class _Logic(StatefulBatchLogic[Checked | Windows, Scored, bytes]):
    def __init__(self, shard: Detect) -> None:
        self.shard = shard
        if shard.cold:
            log.warning("detectors that start cold, their state has another layout: %s", ", ".join(shard.cold))

    def on_batch(self, values: list[Checked | Windows]) -> tuple[Iterable[Scored], bool]:
        scored = [self.shard.update(it) for it in values]
        for it in scored:
            for name, scores in it.scores.items():
                ANOMALIES.labels(name).inc(int((scores.score >= 1.0).sum()))
        return scored, False

    def snapshot(self) -> bytes:
        return pack(self.shard.snapshot())


@operator
def detect(
    step_id: str,
    up: KeyedStream[Checked | Windows],
    points: Sequence[Detector],
    windows: Sequence[Detector],
    keep: Keep = "windows",
    deeply: Deeply = NONE,
) -> KeyedStream[Scored]:
    """Score every point and window of every shard."""
    return op.stateful_batch("bank", up, lambda packed: _Logic(Detect(points, windows, keep, deeply, unpack(packed))))
