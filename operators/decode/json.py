"""JSON: Telegraf's shape, one metric or many, and telling it from the other formats that are JSON.

A metric is ``{"name", "fields", "tags"?, "timestamp"?, "type"?, "producer"?, "seq"?}``; other keys are passed over, of a key
given twice the last counts.  Numbers and booleans are points, anything else in `fields` is skipped and counted.
``"type": "counter"`` makes all fields counters; ``"histogram"`` and ``"summary"`` do not, for how their fields add up is not said.
Tags may be numbers or booleans (their JSON text); null and empty ones are dropped.  Of many metrics in a message the last
`producer` and `seq` count.  An integer ``-0`` is 0.0.

`msgspec` reads the text; integers beyond 64 bits are the nearest float, numbers beyond float64 make the message undecodable.

References
----------
https://github.com/influxdata/telegraf/tree/master/plugins/serializers/json
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from operators.decode import stamps
from operators.decode.errors import Undecodable
from operators.decode.names import Fields
from operators.decode.points import Points

NONE = Raw(b"")
_NO_TIME = (b"", b"null")


class Metric(msgspec.Struct):
    """One metric in Telegraf's shape; tags and time stamp as they stand."""

    name: str
    fields: dict[str, Any]
    tags: Raw = NONE
    timestamp: Raw = NONE
    type: str | None = None
    producer: str | None = None
    seq: int | None = None


class Batch(msgspec.Struct):
    """Many metrics, and perhaps one producer and number for all."""

    metrics: list[Metric]
    producer: str | None = None
    seq: int | None = None


METRIC = msgspec.json.Decoder(Metric)
METRICS = msgspec.json.Decoder(list[Metric])
BATCH = msgspec.json.Decoder(Batch)
_TAGS = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_STAMP = msgspec.json.Decoder(str)


def decode(body: bytes, out: Points, stamp: int) -> None:
    """Read a metric, an array of metrics or ``{"metrics": […]}``.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode(b'{"name":"cpu","tags":{"host":"a"},"fields":{"idle":98.2,"on":true,"who":"x"},"timestamp":1767225600}', out, 0)
    >>> out.names.series.names, out.value, out.time[0], out.skipped
    (['cpu,host=a idle', 'cpu,host=a on'], [98.2, 1.0], 1767225600000000000, 1)
    """
    for metric in _metrics(body, out):
        take(metric, out, stamp)


def _metrics(body: bytes, out: Points) -> Iterable[Metric]:
    if body.lstrip()[:1] == b"[":
        return METRICS.decode(body)
    try:
        return (METRIC.decode(body),)
    except msgspec.ValidationError:
        if b'"metrics"' not in body:
            raise
    batch = BATCH.decode(body)
    _says(batch, out)
    return batch.metrics


def lines(bodies: list[bytes]) -> list[Metric] | None:
    r"""Read many messages at once; ``None`` unless each of them is surely one metric.

    Between ``}`` and ``{`` JSON allows a line break only outside of any object, array or string; so where messages begin with
    ``{``, end with ``}``, hold no line break, and there are as many metrics as messages, no message was joined to another.

    Examples
    --------
    >>> [m.name for m in lines([b'{"name":"a","fields":{}}', b'{"name":"b","fields":{}}\n'])]
    ['a', 'b']
    >>> lines([b'{"name":"a","fields":{}}{"name":"b","fields":{}}', b'{']) is None
    True
    """
    text = b"\n".join([body.strip() for body in bodies])
    gaps = len(bodies) - 1
    if text[:1] != b"{" or text[-1:] != b"}" or text.count(b"\n") != gaps or text.count(b"}\n{") != gaps:
        return None
    try:
        metrics = METRIC.decode_lines(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return metrics if len(metrics) == len(bodies) else None


def take(metric: Metric, out: Points, stamp: int) -> None:
    """Add a metric's points; `stamp` (ns) is its time when it has none."""
    fields = out.names.known.get((metric.name, bytes(metric.tags), metric.type))
    if fields is None:
        fields = _learn(metric, out)
    text = bytes(metric.timestamp)
    time = stamp if text in _NO_TIME else time_of(text)
    codes, times, values = out.codes, out.time, out.value
    for field, value in metric.fields.items():
        kind = value.__class__
        if kind is float:
            values.append(value)
        elif kind is int or kind is bool:
            values.append(to_float(value))
        else:
            out.skipped += 1
            continue
        codes.append(fields[field])
        times.append(time)
    if not metric.fields:
        raise Undecodable(f"The metric {metric.name!r} has no fields.")
    if metric.producer or metric.seq is not None:
        _says(metric, out)


@lru_cache(8192)
def time_of(text: bytes) -> int:
    """Return the time of a JSON number or string."""
    return stamps.of_text(_STAMP.decode(text) if text[:1] == b'"' else text.decode())


def to_float(value: int) -> float:
    """Return the float nearest to an integer, or refuse it."""
    try:
        return float(value)
    except OverflowError:
        raise Undecodable("JSON: a number is beyond float64.") from None


def tags_of(raw: bytes) -> list[tuple[str, str]]:
    """Return the tags of a JSON object, its values as text, null ones dropped."""
    if raw in _NO_TIME:
        return []
    return [(k, v if isinstance(v, str) else text_of(v)) for k, v in _TAGS.decode(raw).items() if v is not None]


def text_of(value: object) -> str:
    """Return a value's JSON text."""
    return msgspec.json.encode(value).decode()


def _learn(metric: Metric, out: Points) -> Fields:
    raw = bytes(metric.tags)
    fields = out.names.of(metric.name, tags_of(raw), metric.type == "counter")
    return out.names.keep((metric.name, raw, metric.type), len(metric.name) + len(raw), fields)


def _says(it: Metric | Batch, out: Points) -> None:
    if it.producer:
        out.producer = it.producer
    if it.seq is not None and 0 <= it.seq < 1 << 63:
        out.seq = it.seq
