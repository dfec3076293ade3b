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
        self.near, *self.far = (Learn(plan, Budget(series), _saved(state, plan.step)) for plan in plans)
        for it in (self.near, *self.far):
            if it.cold:
                log.warning("%s", it.cold)

    def on_batch(self, values: list[Windows]) -> tuple[Iterable[Learnt], bool]:
        before = self.near.modelled, self.near.refused
        news = [it for value in values for it in self._update(value)]
        LEARN_SERIES.labels("modelled").inc(self.near.modelled - before[0])
        LEARN_SERIES.labels("refused").inc(self.near.refused - before[1])
        return news, False

    def _update(self, value: Windows) -> list[Learnt]:
        """Of longer windows only what is foretold: scores and events are of one length, or they would have no order."""
        told = (it for far in self.far for it in far.update(value))
        return [
            *self.near.update(value),
            *(it for it in told if isinstance(it, Rows) or (isinstance(it, Scored) and it.step == "breaches")),
        ]

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
    """Learn the windows of the first `series` series of every shard; plans beyond the first, of longer windows, forecast only."""
    news = op.stateful_batch("models", up, lambda state: _Logic(plans, series, state))
    return Lessons(
        op.filter_map_value("scored", news, lambda it: it if isinstance(it, Scored) else None),
        op.filter_map_value("forecasts", news, lambda it: it if isinstance(it, Rows) else None),
        op.filter_map_value("events", news, lambda it: it if isinstance(it, Event) else None),
    )


def _saved(state: Any, step: str) -> LearnSnapshot | None:
    """Return what was saved of a step; an older version saved one step without its name."""
    return state.get(step) if isinstance(state, dict) else state
