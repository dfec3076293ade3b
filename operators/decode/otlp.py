"""OpenTelemetry metrics (OTLP), protobuf and JSON.

Name = the metric's; tags = the resource's attributes, the scope's name and version (``otel.scope.name``, ``otel.scope.version``),
the point's attributes, the later winning; attributes that are no text by their JSON text, empty ones dropped.  Fields: gauges and sums
`value`; histograms, exponential too, `count sum min max p50 p95 p99`; summaries `count sum` and every quantile (0 and 1: `min`, `max`).

Counters are cumulative monotonic sums and cumulative `count` and `sum` (the `sum` too, though negative values may let it fall).
A delta is the increase itself, and so no counter.  A point flagged as without a value ends its series, as a stale marker does.
A point without a time gets the record's, one without a number is skipped and counted.  Descriptions, units and exemplars are passed over.

References
----------
https://opentelemetry.io/docs/specs/otlp/ · https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from math import nan
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from operators.decode import buckets, histogram, json, stamps
from operators.decode.errors import Undecodable
from operators.decode.names import Fields, quantile_name
from operators.decode.points import Points

Tags = dict[str, str]
SCALES = 32  # of exponential histograms; senders keep to -10 … 20
_CUMULATIVE = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
_NO_VALUE = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


def decode_json(body: bytes, out: Points, stamp: int) -> None:
    """Read an export in OTLP's JSON mapping.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode_json(b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asInt":"5","timeUnixNano":"7"}]'
    ...             b'}}]}]}]}', out, 0)
    >>> out.names.series.names, out.time, out.value
    (['a value'], [7], [5.0])
    """
    try:
        data = json_format.Parse(body, pb.MetricsData(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Undecodable(f"OTLP: {str(error)[:300]}.") from None
    _take(data, out, stamp)


def decode(body: bytes, out: Points, stamp: int) -> None:
    """Read an export in protobuf; one whose outer layers hold unknown fields is something else."""
    data = pb.MetricsData()
    try:
        data.ParseFromString(body)
    except DecodeError:
        raise Undecodable("OTLP: no protobuf of metrics.") from None
    layers = [data, *data.resource_metrics, *(scope for r in data.resource_metrics for scope in r.scope_metrics)]
    if not data.resource_metrics or any(len(UnknownFieldSet(layer)) for layer in layers):
        raise Undecodable("OTLP: a protobuf of something else.")
    _take(data, out, stamp)


def _take(data: Any, out: Points, stamp: int) -> None:
    for of_resource in data.resource_metrics:
        tags = _tags(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            scope = {"otel.scope.name": of_scope.scope.name, "otel.scope.version": of_scope.scope.version}
            for metric in of_scope.metrics:
                _metric(metric, {**tags, **scope}, out, stamp)


def _metric(metric: Any, tags: Tags, out: Points, stamp: int) -> None:
    kind = metric.WhichOneof("data")
    if kind is None:
        out.skipped += 1
        return
    data = getattr(metric, kind)
    cumulative = kind == "summary" or getattr(data, "aggregation_temporality", None) == _CUMULATIVE
    for point in data.data_points:
        own = {**tags, **_tags(point.attributes)}
        counts = out.names.tagged(metric.name, own, cumulative and (kind != "sum" or data.is_monotonic))
        time = _clip(point.time_unix_nano) or stamp
        if point.flags & _NO_VALUE:
            _end(kind, counts, out.names.tagged(metric.name, own), out)
        elif kind in ("gauge", "sum"):
            _number(point, counts, time, out)
        elif kind == "summary":
            _summary(point, counts, out.names.tagged(metric.name, own), time, out)
        else:
            _histogram(point, counts, out.names.tagged(metric.name, own), time, out)


def _clip(time: int) -> int:
    return min(time, stamps.LATEST)


def _end(kind: str, counts: Fields, others: Fields, out: Points) -> None:
    plain = kind in ("gauge", "sum")
    out.ended.extend(counts[field] for field in (("value",) if plain else ("count", "sum")))
    if not plain:
        out.ended.extend(others[field] for field in ("min", "max", *buckets.QUANTILES))


def _number(point: Any, fields: Fields, time: int, out: Points) -> None:
    which = point.WhichOneof("value")
    if which is None:
        out.skipped += 1
    else:
        out.add(fields["value"], time, float(getattr(point, which)))


def _summary(point: Any, counts: Fields, others: Fields, time: int, out: Points) -> None:
    out.add(counts["count"], time, float(point.count))
    out.add(counts["sum"], time, point.sum)
    for it in point.quantile_values:
        out.add(others[quantile_name(it.quantile)], time, it.value)


def _histogram(point: Any, counts: Fields, others: Fields, time: int, out: Points) -> None:
    out.add(counts["count"], time, float(point.count))
    if point.HasField("sum"):
        out.add(counts["sum"], time, point.sum)
    edges = {name: getattr(point, name) for name in ("min", "max") if point.HasField(name)}
    for name, value in edges.items():
        out.add(others[name], time, value)
    held = _buckets(point)
    if held is not None:
        low, high = edges.get("min", nan), edges.get("max", nan)
        start = _clip(point.start_time_unix_nano)
        out.samples.append(histogram.Sample(others, time, start, held, counts.counter, low, high))


def _buckets(point: Any) -> buckets.Buckets | None:
    if isinstance(point, pb.ExponentialHistogramDataPoint):
        if abs(point.scale) > SCALES:
            raise Undecodable(f"OTLP: an exponential histogram has the scale {point.scale}.")
        return buckets.Exponential(
            point.scale,
            point.zero_threshold,
            float(point.zero_count),
            _indexed(point.positive),
            _indexed(point.negative),
        )
    if not point.bucket_counts:
        return None
    if len(point.bucket_counts) != len(point.explicit_bounds) + 1:
        raise Undecodable("OTLP: a histogram's bounds and counts do not fit.")
    return buckets.Explicit(tuple(point.explicit_bounds), tuple(map(float, point.bucket_counts)))


def _indexed(side: Any) -> dict[int, float]:
    return {side.offset + i: float(n) for i, n in enumerate(side.bucket_counts) if n}


def _tags(attributes: Iterable[Any]) -> Tags:
    return {a.key: _text(a.value) for a in attributes}


def _text(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else "" if plain is None else json.text_of(plain)


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [_plain(v) for v in held.values]
    if kind == "kvlist_value":
        return {kv.key: _plain(kv.value) for kv in held.values}
    return base64.b64encode(held).decode() if kind == "bytes_value" else held
