"""Learning as a step of a flow."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic
from prometheus_client import Gauge

from config.records import Event, Rows, Scored, Windows
from config.telemetry import REGISTRY
from operators.learn.budget import Budget
from operators.learn.plan import Plan
from operators.learn.shard import Learn, LearnSnapshot, Learnt

log = logging.getLogger(__name__)
LEARN_SERIES = Gauge("alluse_learn_series", "Series by whether they got models.", ["state"], registry=REGISTRY)


Saved = dict[str, LearnSnapshot]


class _Logic(StatefulBatchLogic[Windows, Learnt, Saved]):
    def __init__(self, plans: Sequence[Plan], series: int, state: Any) -> None:
        step, saved = plans[0].step, _by_step(state, plans[0].step)
        self.near = Learn(plans[0], Budget(series), saved.get(step))
        self.far = [Learn(plan, Budget(series), saved.get(plan.step), self.near) for plan in plans[1:]]
        if saved and step not in saved:
            self.near.cold = f"models start cold: none were saved of {step}, only of {', '.join(saved)}"
        self._say_once()

    def on_batch(self, values: list[Windows]) -> tuple[Iterable[Learnt], bool]:
        before = self.near.modelled, self.near.refused
        news = [it for value in values for it in self._update(value)]
        LEARN_SERIES.labels("modelled").inc(self.near.modelled - before[0])
        LEARN_SERIES.labels("refused").inc(self.near.refused - before[1])
        return news, False

    def _update(self, value: Windows) -> list[Learnt]:
        """Of longer windows only what is foretold, and lost: scores and other events are of one length, or they would have no order."""
        near = self.near.update(value)
        return [*near, *(it for far in self.far for it in far.update(value) if _told_of_longer(it))]

    def _say_once(self) -> None:
        """Have the near models say what starts cold: events of one type, series and time are one row."""
        cold = [it.cold for it in (self.near, *self.far) if it.cold]
        for text in cold:
            log.warning("%s", text)
        for it in self.far:
            it.cold = ""
        self.near.cold = "; ".join(cold)

    def snapshot(self) -> Saved:
        return {it.plan.step: it.snapshot() for it in (self.near, *self.far)}


@dataclass(frozen=True)
class Lessons:
    """What learning gives: scores and breaches for rules and stores, forecasts and how they turned out for stores, events."""

    scored: KeyedStream[Scored]
    forecasts: KeyedStream[Rows]
    events: KeyedStream[Event]


@operator
def learn(step_id: str, up: KeyedStream[Windows], plans: Sequence[Plan], series: int) -> Lessons:
    """Learn the windows of the first `series` series of every shard; longer windows, of plans beyond the first, only forecast them."""
    news = op.stateful_batch("models", up, lambda state: _Logic(plans, series, state))
    return Lessons(
        op.filter_map_value("scored", news, lambda it: it if isinstance(it, Scored) else None),
        op.filter_map_value("forecasts", news, lambda it: it if isinstance(it, Rows) else None),
        op.filter_map_value("events", news, lambda it: it if isinstance(it, Event) else None),
    )


def _told_of_longer(it: Learnt) -> bool:
    if isinstance(it, Event):
        return it.type == "model-reset"
    return isinstance(it, Rows) or it.step == "breaches"


def _by_step(state: Any, step: str) -> Saved:
    """Return what was saved, by step; an older version saved one step without its name."""
    if state is None:
        return {}
    return state if isinstance(state, dict) else {step: state}
