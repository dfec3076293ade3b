"""For producers without a fixed key: copies their topics to `metrics`, every message keyed by its series.

From then on a series stays in one partition, in the order that was fixed here.  Needs a recovery store and an `http.port` of its own
where it runs beside `flows.main`; ``scripts/run rekey`` gives it the former.
"""

from __future__ import annotations

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream

from config.layers import ConfigError
from config.records import SECOND, Event, Poll
from config.settings import Settings
from flows.start import start
from operators.decode import Names, decode
from operators.only import only
from operators.rekey import Keyed, rekey
from sinks.kafka import Outbox, Produced
from sinks.kafka import events as event_topic
from sinks.message import Message
from sinks.writer import Sink
from sources.kafka import KafkaSource

AS_JAVA = {"partitioner": "murmur2_random"}  # a series goes where a producer that keys by it would send it


def rekeying(s: Settings) -> Dataflow:
    """Draw the graph."""
    if not s.topics.rekey:
        raise ConfigError("topics.rekey names no topic: there is nothing to rekey")
    graph, names, outbox = Dataflow("rekey"), Names(), Outbox(_partitioned(s))
    options = {"limit": s.limits.message_bytes, "max_future": int(s.time.max_future * SECOND)}
    keyed: list[Stream[tuple[str, Keyed]]] = []
    noticed: list[Stream[tuple[str, Event]]] = []
    for number, topic in enumerate(s.topics.rekey):
        arrived = op.input(f"arrived_{number}", graph, KafkaSource(s.kafka, topic.name, s.lanes))
        polls = only(f"polls_{number}", arrived, Poll)
        decoded = decode(f"decoded_{number}", polls, names, topic.format, options)
        keyed.append(rekey(f"keyed_{number}", decoded))
        noticed.append(only(f"noticed_{number}", arrived, Event))
    op.output("to_metrics", op.merge("keyed", *keyed), metrics(s, outbox))
    op.output("to_events", op.merge("noticed", *noticed), event_topic(s, outbox))
    return graph


def metrics(s: Settings, outbox: Outbox) -> Sink:
    """Return the sink of keyed messages, to `topics.metrics`."""
    return Sink(lambda: Produced(outbox, lambda it: [Message(s.topics.metrics.name, it.key, it.value)]))


def flow() -> Dataflow:
    """Run live: ``python -m bytewax.run flows.rekey``."""
    return start("rekey", rekeying)


def _partitioned(s: Settings) -> Settings:
    kafka = s.kafka.model_copy(update={"client": AS_JAVA | s.kafka.client})
    return s.model_copy(update={"kafka": kafka})
