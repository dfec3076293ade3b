"""A flow of nothing but the source: writes what it reads to a file, one line an item, with the count that its state holds.

Started as ``python -m bytewax.run tests.sources.tiny:flow()``, settings from the environment, ``TINY_OUT`` the file.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from config.layers import ConfigError
from config.records import Event, Poll
from config.recovery import begin
from config.settings import load
from config.telemetry import READY
from sources.kafka import KafkaSource


class Lines(FixedPartitionedSink[str, None]):
    def list_parts(self) -> list[str]:
        return [f"lines-{os.environ.get('BYTEWAX_PROCESS_ID', '0')}"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> LinesPart:
        return LinesPart()


class LinesPart(StatefulSinkPartition[str, None]):
    def __init__(self) -> None:
        self.file: IO[str] = open(os.environ["TINY_OUT"], "a")  # noqa: SIM115

    def write_batch(self, items: list[str]) -> None:
        self.file.writelines(items)
        self.file.flush()

    def snapshot(self) -> None:
        return None


def count(state: int | None, item: Poll | Event) -> tuple[int | None, str]:
    n = state or 0
    if isinstance(item, Event):
        return n, json.dumps({"event": item.type, "text": item.text, "value": item.value}) + "\n"
    offsets = item.offsets.tolist()
    line = {"shard": item.shard, "before": n, "offsets": offsets, "values": [v.decode() for v in item.values]}
    line |= {"keys": [k.decode() if k else None for k in item.keys], "idle": item.idle, "pid": os.getpid()}
    line |= {"clock": bool((item.received != item.stamps).any()), "reasons": READY.reasons()}
    return n + len(item), json.dumps(line) + "\n"


def flow() -> Dataflow:
    settings = load()
    begin(settings)
    graph = Dataflow("tiny")
    try:
        source = KafkaSource(settings.kafka, settings.topics.metrics.name, settings.lanes)
    except ConfigError as e:
        print(e, file=sys.stderr)
        sys.exit(2)
    items: op.KeyedStream[Poll | Event] = op.input("metrics", graph, source)
    counted = op.stateful_map("counted", items, count)
    op.output("lines", counted, Lines())
    return graph
