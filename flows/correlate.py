"""Which series move together: reads the rows of `windows` that `flows.main` writes to the topic `results`, writes `correlations`.

A pair may be any two series, so one process reads all partitions, whatever `lanes.count` says; what it reads is reduced a hundredfold
already.  Needs a recovery store and an `http.port` of its own where it runs beside `flows.main`; ``scripts/run correlate`` gives it the
former, ``ALLUSE_HTTP__PORT=8081`` before it the latter.
"""

from __future__ import annotations

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from config.layers import ConfigError
from config.records import Event, Poll
from config.settings import Lanes, Settings
from flows.start import start
from operators.correlate import Plan, correlate
from operators.only import only
from sinks.kafka import Outbox
from sinks.kafka import events as event_topic
from sinks.stores import stores
from sources.kafka import KafkaSource

EVENLY = {
    "queued.max.messages.kbytes": 1024
}  # no partition is read far ahead of another: what waits for the others is state


def correlating(s: Settings) -> Dataflow:
    """Draw the graph."""
    graph, outbox = Dataflow("correlate"), Outbox(s)
    kafka = s.kafka.model_copy(update={"client": EVENLY | s.kafka.client})
    source = KafkaSource(kafka, s.topics.results.name, Lanes(count=1, index=0))
    arrived = op.input("arrived", graph, source)
    rows = correlate("correlations", only("polls", arrived, Poll), plan(s), lambda: source.parts)
    for kind, store in stores(s, outbox).items():
        op.output(f"to_{kind}", rows, store)
    op.output("to_events", only("noticed", arrived, Event), event_topic(s, outbox))
    return graph


def plan(s: Settings) -> Plan:
    """Return what settings want correlated.

    Raises
    ------
    ConfigError
        `flows.main` does not write what is read here.

    Examples
    --------
    >>> from config.settings import load
    >>> plan(load({"ALLUSE_STORE__KIND": "sqlite,kafka"}))
    Plan(length=60, lateness=300.0, series=1000, windows=120, every=10, lags=10)
    >>> plan(load({}))
    Traceback (most recent call last):
    config.layers.ConfigError: store.kind is ['influx'], without kafka: flows.main writes no rows to the topic results; add kafka
    """
    if "kafka" not in s.store.kind:
        raise ConfigError(
            f"store.kind is {s.store.kind}, without kafka: flows.main writes no rows to the topic "
            f"{s.topics.results.name}; add kafka"
        )
    if "mean" not in s.windows.fields:
        raise ConfigError("windows.fields is without mean: there is nothing to correlate; add mean")
    c = s.correlate
    return Plan(min(s.windows.every), s.time.allowed_lateness, c.series, c.windows, c.every, c.lags)


def flow() -> Dataflow:
    """Run live: ``python -m bytewax.run flows.correlate``."""
    return start("correlate", correlating)
