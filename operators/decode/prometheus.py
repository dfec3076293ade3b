"""Prometheus: text exposition, OpenMetrics, and the JSON of its remote-write adapters for Kafka.

`prometheus_client` reads the text; one fault refuses the whole message.  A sample's field is ``value``; samples of a family of type
counter are counters (``_created`` is not).  A histogram or summary that is whole in the message (with its count, a histogram with the
bucket ``+Inf``) becomes one measurement with `count` and `sum` (counters), `p50` …; quantiles 0 and 1 of a summary are `min` and
`max`.  What is not whole stays as it came, `_bucket`, `_count` and `_sum` being counters.  Native histograms are skipped and
counted, exemplars passed over.

In the adapters' JSON `value` is text, also ``NaN`` and ``+Inf``, and a name that ends in `SUFFIXES` is a counter, for no type is sent.

References
----------
https://prometheus.io/docs/instrumenting/exposition_formats/ · https://prometheus.io/docs/specs/om/open_metrics_spec/ ·
https://github.com/Telefonica/prometheus-kafka-adapter
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Raw
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample, Timestamp

from operators.decode import histogram, json, stamps
from operators.decode.buckets import Explicit
from operators.decode.graphite import number
from operators.decode.names import quantile_name
from operators.decode.points import Points

SUFFIXES = ("_total", "_count", "_sum", "_bucket")
_COUNTERS = re.compile(r"^#[ \t]+TYPE[ \t]+(\S+)[ \t]+counter[ \t]*\r?$", re.MULTILINE)


class Adapted(msgspec.Struct):
    """One sample as an adapter sends it."""

    value: str | int | float
    name: str = ""
    labels: Raw = json.NONE
    timestamp: Raw = json.NONE


_ADAPTED = msgspec.json.Decoder(Adapted)


def decode_json(body: bytes, out: Points, stamp: int) -> None:
    """Read one sample of an adapter.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode_json(b'{"timestamp":"1970-01-01T00:00:01Z","value":"-Inf","name":"up","labels":{"__name__":"up","job":"a"}}', out, 0)
    >>> out.names.series.names, out.time, out.value
    (['up,job=a value'], [1000000000], [-inf])
    """
    it = _ADAPTED.decode(body)
    labels = bytes(it.labels)
    fields = out.names.known.get(("adapter", it.name, labels))
    if fields is None:
        tags = dict(json.tags_of(labels))
        name = it.name or tags.get("__name__", "")
        tags.pop("__name__", None)
        fields = out.names.of(name, tags.items(), name.endswith(SUFFIXES))
        out.names.keep(("adapter", it.name, labels), len(name) + len(labels), fields)
    value = number(it.value) if isinstance(it.value, str) else float(it.value)
    time = stamp if bytes(it.timestamp) in (b"", b"null") else json.time_of(bytes(it.timestamp))
    out.add(fields["value"], time, value)


def decode_text(body: bytes, out: Points, stamp: int) -> None:
    r"""Read a page of the text format.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode_text(b'# TYPE sent counter\nsent{to="a"} 7 1767225600123\nup 1\n', out, 5)
    >>> out.names.series.names, out.names.series.counters().tolist(), out.time
    (['sent,to=a value', 'up value'], [True, False], [1767225600123000000, 5])
    """
    text = body.decode()
    bare = {name for name in _COUNTERS.findall(text) if not name.endswith("_total")}
    for family in parse_text(text):
        if family.type == "counter" and family.name in bare:  # the parser has put _total to their names
            family.samples = [s._replace(name=s.name.removesuffix("_total")) for s in family.samples]
        _family(family, out, stamp, milliseconds=True)


def decode_openmetrics(body: bytes, out: Points, stamp: int) -> None:
    r"""Read a page of OpenMetrics.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode_openmetrics(b'# TYPE sent counter\nsent_total{to="a"} 7 1767225600.123\n# EOF\n', out, 0)
    >>> out.names.series.names, out.names.series.counters().tolist(), out.time
    (['sent_total,to=a value'], [True], [1767225600123000000])
    """
    families: Iterable[Metric] = openmetrics.text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]
    for family in families:
        _family(family, out, stamp)


def _family(family: Metric, out: Points, stamp: int, milliseconds: bool = False) -> None:
    groups: dict[object, list[tuple[Sample, int]]] = {}
    part = {"histogram": "le", "summary": "quantile"}.get(family.type)
    for s in family.samples:
        if s.native_histogram is not None:
            out.skipped += 1
            continue
        time = stamp if s.timestamp is None else _time(s.timestamp, milliseconds)
        if part is None or s.name.endswith("_created"):
            _loose(s, time, out, family.type == "counter")
        else:
            groups.setdefault((time, *sorted((k, v) for k, v in s.labels.items() if k != part)), []).append((s, time))
    for group in groups.values():
        time, samples = group[0][1], [s for s, _ in group]
        taken = (
            _histogram(family.name, samples, out, time) if part == "le" else _summary(family.name, samples, out, time)
        )
        if not taken:
            for s in samples:
                _loose(s, time, out, s.name.endswith(SUFFIXES))


def _time(t: float | Timestamp, milliseconds: bool) -> int:
    if isinstance(t, Timestamp):
        return stamps.of_number(Decimal(str(t)))
    return stamps.of_number(round(t * 1000)) if milliseconds else stamps.of_float(t)


def _loose(s: Sample, time: int, out: Points, counter: bool) -> None:
    fields = out.names.tagged(s.name, s.labels, counter and not s.name.endswith("_created"))
    out.add(fields["value"], time, float(s.value))


def _histogram(name: str, samples: list[Sample], out: Points, time: int) -> bool:
    buckets = {float(s.labels.get("le", "nan")): float(s.value) for s in samples if s.name == f"{name}_bucket"}
    count = next((s for s in samples if s.name == f"{name}_count"), None)
    if count is None or float("inf") not in buckets:
        return False
    _count_and_sum(name, samples, count.labels, out, time)
    bounds = sorted(buckets)
    totals = [buckets[le] for le in bounds]
    counts = [now - before for now, before in zip(totals, [0.0, *totals], strict=False)]
    shape = Explicit(tuple(bounds[:-1]), tuple(counts))
    fields = out.names.tagged(name, count.labels)
    out.samples.append(histogram.Sample(fields, time, 0, shape))
    return True


def _summary(name: str, samples: list[Sample], out: Points, time: int) -> bool:
    count = next((s for s in samples if s.name == f"{name}_count"), None)
    if count is None:
        return False
    _count_and_sum(name, samples, count.labels, out, time)
    fields = out.names.tagged(name, count.labels)
    for s in samples:
        if s.name == name:
            out.add(fields[quantile_name(s.labels["quantile"])], time, float(s.value))
    return True


def _count_and_sum(name: str, samples: Iterable[Sample], labels: Mapping[str, str], out: Points, time: int) -> None:
    fields = out.names.tagged(name, labels, True)
    for s in samples:
        if s.name in (f"{name}_count", f"{name}_sum"):
            out.add(fields[s.name.removeprefix(f"{name}_")], time, float(s.value))
