"""The peers' work as a flow of the product's own parts: ``python -m bytewax.run scripts.measures.flow``.

Source, decoder, detectors, window and Kafka sink are those of `flows.main`; the detectors have the textbook's form and the peers'
parameters.  As in the peers' work points that are not finite are dropped, and nothing else is checked.
"""

from __future__ import annotations

import gc

import bytewax.operators as op
import msgspec
import numpy as np
from bytewax.dataflow import Dataflow

from config.logs import setup
from config.records import NOTHING, SECOND, Checked, Decoded, Poll, Rows, Scored, Silences
from config.recovery import begin
from config.settings import Settings, load_or_exit
from config.telemetry import POINTS
from flows.main import reading
from operators.anomaly.cusum import cusum
from operators.anomaly.ewma import ewma
from operators.decode import Names, decode
from operators.detect import detect
from operators.only import only
from operators.window import window
from scripts.measures.load import ALPHA, DECISION, LIMIT, SLACK, WARM, WINDOW
from sinks.http import serve
from sinks.kafka import Outbox, Produced
from sinks.message import Message
from sinks.writer import Sink
from sources.kafka import KafkaSource

DETECTORS = (
    ewma(limit=LIMIT, weight=ALPHA, warmup=WARM, plain=True),
    cusum(limit=DECISION, slack=SLACK, weight=ALPHA, warmup=WARM, plain=True),
)
ACCEPTED = POINTS.labels("accepted")


def finite(decoded: Decoded) -> Checked:
    """Drop what is no finite number; the decoder's numbers are the slots."""
    points = decoded.points
    good = np.isfinite(points.value)
    if not good.all():
        points = points.where(good)
    ACCEPTED.inc(len(points))
    forward = np.ones(len(points), np.bool_)
    return Checked(points, forward, points.value, NOTHING, Silences.none(), points.poll.idle)


def alerts(scored: Scored, topic: str) -> list[Message]:
    """Return the points more than `LIMIT` deviations off."""
    ewm, cus = scored.scores["ewma"], scored.scores["cusum"]
    messages = []
    for i in np.flatnonzero(ewm.score > 1.0).tolist():
        series = scored.series.names[scored.codes[i]].rpartition(" ")[0]
        x, yhat, half = float(scored.value[i]), float(ewm.yhat[i]), float(ewm.upper[i] - ewm.yhat[i])
        body = {
            "series": series,
            "timestamp": int(scored.time[i]) // SECOND,
            "value": x,
            "z": LIMIT * (x - yhat) / half,
            "cusum": DECISION * float(cus.score[i]),
        }
        messages.append(Message(topic, series.encode(), msgspec.json.encode(body)))
    return messages


def summaries(rows: Rows, topic: str) -> list[Message]:
    """Return windows."""
    columns = [rows.fields[name] for name in ("count", "min", "max", "mean")]
    messages = []
    for code, time, *row in zip(rows.codes.tolist(), rows.time.tolist(), *map(list, columns), strict=True):
        series = rows.series.names[code].rpartition(" ")[0]
        numbers = dict(zip(("count", "min", "max", "mean"), map(float, row), strict=True))
        body = {"series": series, "start": time // SECOND} | numbers
        messages.append(Message(topic, series.encode(), msgspec.json.encode(body)))
    return messages


def bench(s: Settings) -> Dataflow:
    """Draw the graph."""
    graph, outbox = Dataflow("bench"), Outbox(s)
    arrived = op.input("arrived", graph, KafkaSource(s.kafka, s.topics.metrics.name, s.lanes))
    decoded = decode("decoded", only("polls", arrived, Poll), Names(4 * s.limits.series), "", reading(s))
    points = op.map_value("finite", decoded, finite)
    scored = detect("points", points, DETECTORS, [], "none")
    lateness = int(s.time.allowed_lateness * SECOND)
    windows = window("windows", points, [WINDOW], lateness, ["count", "min", "max", "mean"])
    above, whole = s.topics.alerts.name, s.topics.results.name
    op.output("alerts", scored, Sink(lambda: Produced(outbox, lambda it: alerts(it, above))))
    op.output("summaries", windows.rows, Sink(lambda: Produced(outbox, lambda it: summaries(it, whole))))
    return graph


def flow() -> Dataflow:
    """Run on the Kafka of the settings."""
    settings = load_or_exit()
    setup(settings)
    begin(settings)
    graph = bench(settings)
    gc.freeze()  # as flows.main does
    gc.set_threshold(200_000, 50, 100)
    serve(settings)
    return graph
