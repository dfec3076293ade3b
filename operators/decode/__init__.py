"""Decode: messages of any known format to points in columns.

Formats, by the names that a topic's setting `format` takes (without it each message tells its own): ``json`` (Telegraf's shape), ``influx``
(line protocol), ``collectd``, ``graphite``, ``prometheus-json`` (adapters), ``prometheus`` (text), ``openmetrics``, ``remote-write``,
``otlp-json``, ``otlp-proto``, ``cloudevents`` (with any of these as data).

A message that cannot be read gives nothing but its reject; an empty one (a tombstone) is undecodable.
"""

from __future__ import annotations

from typing import Any

import bytewax.operators as op
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream, StatefulBatchLogic

from config.records import Decoded, Poll
from config.telemetry import POINTS
from operators.decode.decoder import Decoder, Snapshot
from operators.decode.message import FORMATS, decode_message
from operators.decode.names import Names
from operators.decode.points import Points
from operators.decode.template import Templates

__all__ = ["FORMATS", "Decoder", "Names", "Points", "Templates", "decode", "decode_message"]


class _Logic(StatefulBatchLogic[Poll, Decoded, Snapshot]):
    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder

    def on_batch(self, values: list[Poll]) -> tuple[list[Decoded], bool]:
        out = [self.decoder.update(poll) for poll in values]
        POINTS.labels("skipped").inc(sum(decoded.skipped for decoded in out))
        return out, False

    def snapshot(self) -> Snapshot:
        return self.decoder.snapshot()


@operator
def decode(
    step_id: str, up: KeyedStream[Poll], names: Names, format: str = "", options: dict[str, Any] | None = None
) -> KeyedStream[Decoded]:
    """Decode the polls of each shard.

    Parameters
    ----------
    step_id
        Unique in the flow.
    up
        Polls, keyed by their shard.
    names
        Numbers of series, one table for the process.
    format
        The topic's fixed format, or ``""``.
    options
        `limit` and `max_future` of `Decoder`.
    """
    chosen = options or {}
    templates = Templates(names, format, chosen.get("limit", 1 << 20))

    def build(snapshot: Snapshot | None) -> _Logic:
        return _Logic(Decoder(names, format, snapshot=snapshot, templates=templates, **chosen))

    return op.stateful_batch("each", up, build)
