"""Give every message the key of its series, and every series a message of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import bytewax.operators as op
import cramjam
import msgspec
import numpy as np
from bytewax.dataflow import operator
from bytewax.operators import KeyedStream

from config.records import SECOND, Decoded, Series
from config.series import Name
from operators.decode.remote_write import STALE, WriteRequest


class Keyed(NamedTuple):
    """A message to send: its key decides the partition."""

    key: bytes | None
    value: bytes


class Point(NamedTuple):
    """One point of a message that is to be written anew."""

    name: Name
    counter: bool
    time: int
    value: float


class Rekey:
    r"""Makes messages keyed by series.

    A message that holds points of one series key goes on byte for byte.  One that holds several is written anew, a message each, in
    Telegraf's JSON with stamps to the nanosecond; so is one whose points had to borrow the Kafka record's stamp, which the copy will
    not have.  What cannot be decoded, or holds no points, goes on unchanged with the key it came with.

    Examples
    --------
    >>> from config.records import Poll
    >>> from operators.decode import Decoder, Names
    >>> decoded = Decoder(Names()).update(Poll.of([b"cpu,host=a x=1 1767225600", b"cpu x=1 1767225600\nmem x=2 1767225600", b"{"]))
    >>> for key, value in Rekey().update(decoded): print(key, value)
    b'cpu,host=a' b'cpu,host=a x=1 1767225600'
    b'cpu' b'[{"name":"cpu","tags":{},"fields":{"x":1.0},"timestamp":"2026-01-01T00:00:00.000000000Z"}]'
    b'mem' b'[{"name":"mem","tags":{},"fields":{"x":2.0},"timestamp":"2026-01-01T00:00:00.000000000Z"}]'
    None b'{'
    """

    def __init__(self) -> None:
        self._series = Series()
        self._names: list[Name] = []

    def update(self, decoded: Decoded) -> list[Keyed]:
        """Return the messages to send for a poll, in order."""
        points, poll = decoded.points, decoded.points.poll
        self._learn(points.series)
        edges = np.searchsorted(points.message, np.arange(len(poll) + 1)).tolist()
        codes, times, values = points.codes.tolist(), points.time.tolist(), points.value.tolist()
        out: list[Keyed] = []
        for i, stamp in enumerate(poll.stamps.tolist()):
            run = range(edges[i], edges[i + 1])
            ended = [self._names[code] for code, message in decoded.ended.tolist() if message == i]
            keys = {self._names[codes[j]].key for j in run} | {name.key for name in ended}
            borrowed = any(times[j] == stamp for j in run) and str(stamp // SECOND).encode() not in poll.values[i]
            if not keys:
                out.append(Keyed(poll.keys[i], poll.values[i]))
            elif len(keys) == 1 and not borrowed:
                out.append(Keyed(keys.pop().encode(), poll.values[i]))
            else:
                anew = [
                    Point(self._names[codes[j]], bool(points.series.counter[codes[j]]), times[j], values[j])
                    for j in run
                ]
                out += _anew(anew, ended, stamp, _source(decoded, i))
        return out

    def _learn(self, series: Series) -> None:
        if series is not self._series:
            self._series, self._names = series, []
        self._names += [Name.of(name) for name in series.names[len(self._names) :]]


def _anew(points: list[Point], ended: list[Name], stamp: int, source: dict[str, Any]) -> Iterator[Keyed]:
    """Write points anew, a message for each series key; stale markers and what JSON cannot hold in messages of their own."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for point in points:
        if math.isfinite(point.value):
            _add(groups.setdefault(point.name.key, []), point)
    for key, metrics in groups.items():
        metrics[0] |= source
        source = {}  # the number counts messages of the producer: once
        yield Keyed(key.encode(), msgspec.json.encode(metrics))
    for point in points:
        if not math.isfinite(point.value):
            yield Keyed(point.name.key.encode(), _odd(point))
    for name in ended:
        yield Keyed(name.key.encode(), _stale(name, stamp))


def _add(metrics: list[dict[str, Any]], point: Point) -> None:
    kind = {"type": "counter"} if point.counter else {}
    like = {"name": point.name.metric, "tags": dict(point.name.tags), "timestamp": _rfc3339(point.time)} | kind
    for metric in metrics:
        if point.name.field not in metric["fields"] and {k: v for k, v in metric.items() if k != "fields"} == like:
            metric["fields"][point.name.field] = point.value
            return
    head = {"name": like.pop("name"), "tags": like.pop("tags"), "fields": {point.name.field: point.value}}
    metrics.append(head | like)


def _odd(point: Point) -> bytes:
    """Write a value that is not finite as Prometheus' adapters do, whose only field is ``value``; it will be rejected as not finite."""
    name = point.name.metric if point.name.field == "value" else f"{point.name.metric}_{point.name.field}"
    body = {"name": name, "labels": dict(point.name.tags), "timestamp": _rfc3339(point.time), "value": str(point.value)}
    return msgspec.json.encode(body)


def _stale(name: Name, stamp: int) -> bytes:
    """Write the end of a series as remote write does."""
    request = WriteRequest()
    series = request.timeseries.add()
    for label, value in {"__name__": name.metric, **dict(name.tags)}.items():
        series.labels.add(name=label, value=value)
    series.samples.add(value=np.frombuffer(STALE, np.float64)[0], timestamp=stamp // 1_000_000)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _source(decoded: Decoded, message: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if decoded.producer[message] >= 0:
        said["producer"] = decoded.producers[decoded.producer[message]]
    if decoded.seq[message] >= 0:
        said["seq"] = int(decoded.seq[message])
    return said


def _rfc3339(time: int) -> str:
    seconds, ns = divmod(time, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


@operator
def rekey(step_id: str, up: KeyedStream[Decoded]) -> KeyedStream[Keyed]:
    """Give every message the key of its series; see `Rekey`.

    Parameters
    ----------
    step_id
        Unique in the flow.
    up
        Decoded polls, keyed by their shard.
    """
    every = Rekey()
    return op.flat_map_value("each", up, every.update)
