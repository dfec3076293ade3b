"""Learning as a step of a flow."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

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


class _Logic(StatefulBatchLogic[Windows, Learnt, LearnSnapshot]):
    def __init__(self, learn: Learn) -> None:
        self.learn = learn
        if learn.cold:
            log.warning("%s", learn.cold)

    def on_batch(self, values: list[Windows]) -> tuple[Iterable[Learnt], bool]:
        before = self.learn.modelled, self.learn.refused
        news = [it for value in values for it in self.learn.update(value)]
        LEARN_SERIES.labels("modelled").inc(self.learn.modelled - before[0])
        LEARN_SERIES.labels("refused").inc(self.learn.refused - before[1])
        return news, False

    def snapshot(self) -> LearnSnapshot:
        return self.learn.snapshot()


@dataclass(frozen=True)
class Lessons:
    """What learning gives: scores for rules and stores, forecasts for stores, events."""

    scored: KeyedStream[Scored]
    forecasts: KeyedStream[Rows]
    events: KeyedStream[Event]


@operator
def learn(step_id: str, up: KeyedStream[Windows], plan: Plan, series: int) -> Lessons:
    """Learn the windows of the first `series` series of every shard."""
    news = op.stateful_batch("models", up, lambda state: _Logic(Learn(plan, Budget(series), state)))
    return Lessons(
        op.filter_map_value("scored", news, lambda it: it if isinstance(it, Scored) else None),
        op.filter_map_value("forecasts", news, lambda it: it if isinstance(it, Rows) else None),
        op.filter_map_value("events", news, lambda it: it if isinstance(it, Event) else None),
    )
