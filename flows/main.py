"""The live flow: read it top to bottom beside the drawing in the README."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from config import VERSION
from config.exchange import Trading, trading
from config.layers import ConfigError
from config.logs import setup
from config.records import SECOND, Alert, Event, MetricBatch, Poll, Reject, Row, Rows
from config.recovery import begin
from config.rules import Rule, heard, rules_of, silences
from config.settings import DEEP, Settings, load_or_exit
from config.shelf import Keeper, Nowhere, shelf
from config.telemetry import BUILD
from operators import anomaly, learn, trend
from operators.alert import alert
from operators.decode import Names, decode
from operators.detect import Deeply, detect
from operators.kernel import cold
from operators.kind import rows
from operators.only import only
from operators.policy import Policy
from operators.sessions import Exchanges
from operators.validate import validate
from operators.window import window
from sinks.http import serve
from sinks.kafka import Outbox
from sinks.kafka import alerts as alert_topics
from sinks.kafka import events as event_topic
from sinks.kafka import rejects as reject_topic
from sinks.stores import stores
from sources.kafka import KafkaSource


@dataclass(frozen=True)
class Ends:
    """Where a flow begins and ends; live, backfill and tests differ only here."""

    metrics: Source[tuple[str, Poll | Event]]
    stores: Mapping[str, Sink[tuple[str, MetricBatch | Rows | Row]]]
    alerts: Sink[tuple[str, Alert]]
    rejects: Sink[tuple[str, Reject]]
    events: Sink[tuple[str, Event]]
    rows: Keeper = field(default_factory=Nowhere)
    trading: Callable[[Iterable[str]], list[Trading]] = trading


def learning(settings: Settings, rules: Sequence[Rule], ends: Ends) -> Dataflow:
    """Draw the graph between two ends."""
    s = settings
    graph = Dataflow("main")

    # Read
    arrived = op.input("arrived", graph, ends.metrics)
    decoded = decode(
        "decoded", only("polls", arrived, Poll), Names(4 * s.limits.series), s.topics.metrics.format, reading(s)
    )

    # Prepare
    exchanges = Exchanges(s.time.calendar, ends.trading(Exchanges.named(s.time.calendar)))
    policy = Policy.of(s, silences(rules), exchanges)
    checked = validate("checked", decoded, policy, s.limits.series)
    windows = window("windows", checked.points, s.windows.every, policy.lateness, s.windows.fields)

    # Detect and learn
    points = detect("points", checked.points, anomaly.build(s.detect.points, s.detector), [], s.store.scores)
    shortest = f"{min(s.windows.every)}s"
    deep = anomaly.build([d for d in DEEP if d not in s.detect.windows], heard(rules, s))
    deeply = Deeply(shortest, deep, s.detect.deep, ends.rows, exchanges)
    light = anomaly.build(s.detect.windows, s.detector)
    judged = detect("judged", windows.judged, [], light, s.store.scores, deeply)
    trends = trend.trend("trends", windows.judged, trend.build(s.trend.windows, s.detector), shortest)
    models = learn.learn("models", windows.judged, learn.plans(s), s.learn.series)

    # Decide
    steps = {"points": points} | {f"{n}s": judged for n in s.windows.every}
    steps |= {"trends": trends.scored, "models": models.scored, "breaches": models.scored}
    ruled = (alert(f"alert_{step}", up, rules, step, s.config_hash, VERSION) for step, up in steps.items())
    changes = op.merge("changes", *ruled)
    settled = op.flat_map_value("settled", judged, lambda it: it.events)
    events = op.merge("events", only("noticed", arrived, Event), checked.events, models.events, settled)

    # Deliver
    scored = (points, judged, models.scored)
    stored = op.merge(
        "stored",
        *([op.map_value("accepted", checked.points, lambda c: c.points)] if s.store.points else ()),
        *(op.flat_map_value(f"scores_{k}", up, partial(rows, keep=s.store.scores)) for k, up in enumerate(scored)),
        windows.rows,
        trends.rows,
        models.forecasts,
        checked.quality,
        only("alert_rows", changes, Row),
        op.map_value("event_rows", events, event_row),
    )
    for kind, store in ends.stores.items():
        op.output(f"to_{kind}", stored, store)
    op.output("to_alerts", only("alert_records", changes, Alert), ends.alerts)
    op.output("to_rejects", checked.rejects, ends.rejects)
    op.output("to_events", events, ends.events)
    return graph


def reading(s: Settings) -> dict[str, int]:
    """Return what the decoder needs of settings."""
    return {"limit": s.limits.message_bytes, "max_future": int(s.time.max_future * SECOND)}


def event_row(event: Event) -> Row:
    """Return an event as a row of the measurement `events`."""
    tags = {"type": event.type} | ({"detector": event.detector} if event.detector else {})
    return Row("events", event.time, tags, {"text": event.text, "value": event.value}, event.series)


def live(s: Settings) -> Ends:
    """Return the ends of the live flow: Kafka, and the stores that settings choose."""
    outbox = Outbox(s)
    return Ends(
        KafkaSource(s.kafka, s.topics.metrics.name, s.lanes),
        stores(s, outbox),
        alert_topics(s, outbox),
        reject_topic(s, outbox),
        event_topic(s, outbox),
        shelf(),
    )


def flow() -> Dataflow:
    """Run live on Kafka and the chosen stores: ``python -m bytewax.run flows.main``."""
    settings = load_or_exit()
    setup(settings)
    begin(settings)
    try:
        graph = learning(settings, rules_of(settings), live(settings))
    except (ConfigError, ValueError, KeyError) as e:
        print(f"wrong configuration:\n{e}", file=sys.stderr)
        sys.exit(2)
    gc.freeze()  # what stands now stays: no collection need look at it again
    gc.set_threshold(200_000, 50, 100)  # a poll is ten thousand messages, all freed by their counts
    if cold():  # nothing compiled yet: two processes are faster than one
        subprocess.Popen([sys.executable, "-m", "flows.warm", "beside"])
    BUILD.info({"version": VERSION, "config_hash": settings.config_hash})
    serve(settings)
    return graph
