"""Learn on windows: the models of a shard's series, what they say, and what happens to them."""

from __future__ import annotations

from importlib.metadata import version
from math import nan

import numpy as np

from config.records import SECOND, Event, Int, Rows, Scored, Windows
from operators.learn.budget import Budget
from operators.learn.crossing import bounds_of, crossings
from operators.learn.kept import Kept, KeptState, save_due
from operators.learn.learner import LARGEST
from operators.learn.neighbours import BESIDE, Neighbours, NeighboursState, Waiting
from operators.learn.plan import Plan
from operators.learn.report import Judged, news, report
from operators.learn.subject import Subject

_VERSION = "learn-2"
RIVER = version("river")
UNKNOWN, MODELLED, REFUSED = range(3)
Learnt = Scored | Rows | Event
LearnSnapshot = tuple[str, str, str, NeighboursState, bytes, tuple[KeptState, ...], tuple[int, ...]]
LONG_AGO = -(2**62)


class Learn:
    """River models of a shard's series, as many series as the budget grants.

    A window is judged when those beside it are in (see `Neighbours`), so its `position` is that of the window that completed it.

    Parameters
    ----------
    plan
        What is to be learnt.
    budget
        Of this shard and these windows.
    snapshot
        What `snapshot` returned.  Models of another River, other settings or another layout start cold, and the first
        update says so by an event ``model-reset``.  It holds pickles: only our own recovery store may hand it in.
    near
        Of the same shard, on shorter windows: only series that have models there get some here, which the budget then never refuses.
        Update it first with what the same points closed.

    Examples
    --------
    >>> from config.records import MetricBatch, Silences
    >>> from operators.learn import build
    >>> learn = Learn(build("60s", ["holt_winters"]), Budget(64))
    >>> b = MetricBatch.of([("a x", 60 * t, t % 3) for t in range(50)], seconds=True)
    >>> w = Windows("60s", b.poll, b.series, b.codes, b.time, b.value, {}, np.arange(50), b.offset, b.offset, b.codes[:1], Silences.none())
    >>> scored, *rows = learn.update(w)
    >>> scored.step, len(scored), bool(scored.scores["holt_winters"].score[-1] < 1), [r.tags["horizon"] for r in rows]
    ('models', 50, True, ['60s', '900s'])
    """

    def __init__(
        self, plan: Plan, budget: Budget, snapshot: LearnSnapshot | None = None, near: Learn | None = None
    ) -> None:
        self.plan, self.budget, self.near = plan, budget, near
        self.neighbours = Neighbours(plan.length)
        self.kept: dict[int, Kept] = {}
        self.begun: dict[int, int] = {}
        self.granted = np.zeros(0, np.int8)
        self.cold = ""
        if snapshot is not None:
            self._restore(snapshot)

    def update(self, item: Windows) -> list[Learnt]:
        """Judge and learn the windows of one item.

        Returns
        -------
        list
            One `Scored` of step ``models`` (also for silences alone) and, where there are bounds, one of step ``breaches``;
            `Rows` of ``forecasts``, ``forecast_errors``, ``breaches``; events ``value-drift``,
            ``change-point``, ``motif``, ``drift``, ``new-normal``, ``model-reset``, ``not-modelled``.
        """
        if item.step != self.plan.step:
            return []
        self._reset(item.fresh)
        self._grow(item)
        judged: list[Judged] = []
        rows = self._in_order(item)
        events = self._cold(item, rows)
        for i in rows:
            slot, time, value = int(item.codes[i]), int(item.time[i]), _usable(float(item.value[i]))
            if self.granted[slot] == UNKNOWN and value == value and self._may(slot, time):
                events += self._grant(slot, item.series.names[slot], time)
            if self.granted[slot] == MODELLED:
                window = Waiting(slot, time, value, int(item.first[i]), int(item.last[i]))
                judged += self._learn(window, int(item.position[i]))
        return [*report(item, judged, self.plan), *events, *news(item, judged)]

    def snapshot(self) -> LearnSnapshot:
        """Return what is needed to go on exactly; pickles a few models that are due."""
        save_due(list(self.kept.values()))
        states = tuple(self.kept[slot].state() for slot in self.neighbours.names)
        begun = tuple(self.begun[slot] for slot in self.neighbours.names)
        return _VERSION, RIVER, self.plan.config, self.neighbours.state(), self.granted.tobytes(), states, begun

    @property
    def modelled(self) -> int:
        """How many series of the shard have models."""
        return len(self.kept)

    @property
    def refused(self) -> int:
        """How many series of the shard came when the budget was spent."""
        return int((self.granted == REFUSED).sum())

    def _learn(self, window: Waiting, position: int) -> list[Judged]:
        complete = self.neighbours.add(window)
        return [self._judged(w, position, x) for w, x in complete if w.value == w.value]

    def _judged(self, window: Waiting, position: int, beside: tuple[float, ...]) -> Judged:
        w, kept = window, self.kept[window.slot]
        lesson = kept.learn((w.value, w.time // self.plan.length, *beside))
        bounds = bounds_of(kept.subject.name, self.plan.bounds) if self.plan.bounds else {}
        said = kept.subject.course() if bounds else None
        step = self.plan.length / SECOND
        return Judged(w, position, lesson, crossings(said, bounds, w.value, step) if said else None)

    def _in_order(self, item: Windows) -> list[int]:
        """Return the rows that may have models, as they were closed; the order of rows closed by one point is made ours."""
        order = np.lexsort((item.codes, item.time, item.position))
        rows: list[int] = order[self.granted[item.codes[order]] != REFUSED].tolist()
        return rows

    def _may(self, slot: int, time: int) -> bool:
        """Tell whether the near windows allow it: by ends, because near windows of later points may be known already."""
        if self.near is None:
            return True
        begun = self.near.begun.get(slot)
        return begun is not None and begun <= time + self.plan.length

    def _grant(self, slot: int, name: str, time: int) -> list[Event]:
        if self.budget.take():
            self.granted[slot], self.begun[slot] = MODELLED, time + self.plan.length
            self.neighbours.join(slot, name)
            self.kept[slot] = self._new(name)
            return []
        first, self.granted[slot] = self.refused == 0, REFUSED
        text = f"this and later series get no models: the partition's {self.budget.limit} (learn.series) are in use"
        return [Event("not-modelled", time, name, text, float(self.budget.limit))] if first else []

    def _new(self, name: str, state: KeptState | None = None) -> Kept:
        return Kept(Subject(name, self.plan), 2 + BESIDE, state)

    def _reset(self, fresh: Int) -> None:
        for slot in fresh[fresh < len(self.granted)].tolist():
            if self.granted[slot] == MODELLED:
                self.neighbours.leave(slot)
                del self.kept[slot], self.begun[slot]
                self.budget.give_back()
            self.granted[slot] = UNKNOWN

    def _grow(self, item: Windows) -> None:
        more = int(item.codes.max(initial=-1)) + 1 - len(self.granted)
        if more > 0:
            self.granted = np.concatenate([self.granted, np.zeros(2 * more, np.int8)])

    def _cold(self, item: Windows, rows: list[int]) -> list[Event]:
        if not self.cold or not rows:
            return []
        text, self.cold = self.cold, ""
        return [Event("model-reset", int(item.time[rows[0]]), "", text)]

    def _restore(self, snapshot: LearnSnapshot) -> None:
        layout, of_river, config, neighbours, granted, states, *more = snapshot  # older ones do not say when it began
        if (layout, of_river, config) != (_VERSION, RIVER, self.plan.config):
            self.cold = (
                f"models start cold: River {of_river}, {layout}, {config}; now {RIVER}, {_VERSION}, {self.plan.config}"
            )
            return
        self.neighbours = Neighbours(self.plan.length, neighbours)
        self.granted = np.frombuffer(granted, np.int8).copy()
        began = more[0] if more else [LONG_AGO] * len(states)
        for (slot, name), state, begun in zip(list(self.neighbours.names.items()), states, began, strict=True):
            stays = self.near is None or slot in self.near.begun
            if stays and self.budget.take():
                self.kept[slot], self.begun[slot] = self._new(name, state), begun
            else:
                self.neighbours.leave(slot)
                self.granted[slot] = REFUSED if stays else UNKNOWN
        if self.near is not None:
            self.granted[self.granted == REFUSED] = UNKNOWN  # older versions let every length refuse for itself


def _usable(value: float) -> float:
    return value if abs(value) <= LARGEST else nan
