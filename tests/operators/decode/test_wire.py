"""Every capture of a real producer, number by number, against another reading of the same bytes."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from config.records import Poll
from operators.decode import Decoder, Names
from tests.operators.decode.reading import STAMP, Row, bodies, capture, exact, key, read, records, refusal

QUANTILE = re.compile(r".* p(50|95|99)")


def test_telegraf_json() -> None:
    want = []
    for body in bodies("telegraf-json.jsonl"):
        m = json.loads(body)
        for field, value in m["fields"].items():
            if not isinstance(value, str):
                want.append((key(m["name"], m["tags"], field), m["timestamp"] * 10**9, value))
    assert len(want) == 606
    assert exact(read(bodies("telegraf-json.jsonl"))) == exact(want)


def test_telegraf_line_protocol() -> None:
    want = []
    for body in bodies("telegraf-influx.jsonl"):
        for line in body.decode().splitlines():
            head, rest = line.split(" ", 1)
            fields, time = rest.rsplit(" ", 1)
            for pair in re.split(r",(?=[a-z_0-9]+=)", fields):
                field, value = pair.split("=")
                if not value.startswith('"'):
                    want.append((f"{head} {field}", int(time), float(value.rstrip("iu"))))
    assert len(want) == 606
    assert exact(read(bodies("telegraf-influx.jsonl"))) == exact(want)


def test_collectd_json() -> None:
    want = []
    for body in bodies("collectd-json.jsonl"):
        text = body.decode()
        for it in json.loads(text):
            seconds, _, fraction = re.findall(r'"time":(\d+)(\.(\d+))?', text)[0]
            time = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
            tags = {name: it[name] for name in ("host", "plugin_instance", "type", "type_instance")}
            for field, value in zip(it["dsnames"], it["values"], strict=True):
                if value is not None:
                    want.append((key(it["plugin"], tags, field), time, value))
    assert len(want) == 92
    assert exact(read(bodies("collectd-json.jsonl"))) == exact(want)


def test_collectd_counters() -> None:
    series = Decoder(Names()).update(Poll.of(bodies("collectd-json.jsonl"))).points.series
    counters = {name for name, counter in zip(series.names, series.counter, strict=True) if counter}
    assert counters == {name for name in series.names if "type=if_" in name}


def test_graphite() -> None:
    want = []
    for body in bodies("collectd-graphite.jsonl"):
        for path, value, seconds in (line.split() for line in body.decode().split("\r\n") if line):
            want.append((f"{path} value", int(seconds) * 10**9, float(value)))
    assert len(want) == 100
    assert exact(read(bodies("collectd-graphite.jsonl"))) == exact(want)


def otlp(exports: list[Any]) -> Iterator[Row]:
    """Numbers that are as they were sent, of OTLP's JSON mapping."""
    for export in exports:
        for resource in export["resourceMetrics"]:
            for scope in resource["scopeMetrics"]:
                named = {"otel.scope." + name: scope["scope"][name] for name in ("name", "version")}
                for metric in scope["metrics"]:
                    (kind,) = metric.keys() & {"gauge", "sum", "histogram", "exponentialHistogram"}
                    for point in metric[kind]["dataPoints"]:
                        attributes = resource["resource"]["attributes"] + point.get("attributes", [])
                        tags = {a["key"]: str(next(iter(a["value"].values()))) for a in attributes} | named
                        fields = {"value": point.get("asInt", point.get("asDouble"))}
                        if kind in ("histogram", "exponentialHistogram"):
                            fields = {name: point[name] for name in ("count", "sum", "min", "max")}
                        for field, value in fields.items():
                            yield key(metric["name"], tags, field), int(point["timeUnixNano"]), float(value)


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("otlp-http-protobuf.jsonl", "otlp-http-protobuf.decoded.jsonl"),
        ("otlp-http-protobuf-delta-gzip.jsonl", "otlp-http-protobuf-delta-gzip.decoded.jsonl"),
    ],
)
def test_otlp_protobuf(name: str, twin: str) -> None:
    found = read(bodies(name))
    assert exact(row for row in found if not QUANTILE.fullmatch(row[0])) == exact(otlp(records(twin)))
    assert any(QUANTILE.fullmatch(row[0]) for row in found)


def test_otlp_json() -> None:
    found = read(bodies("otel-collector-otlp_json.jsonl"))
    exports = [json.loads(body) for body in bodies("otel-collector-otlp_json.jsonl")]
    assert exact(row for row in found if not QUANTILE.fullmatch(row[0])) == exact(otlp(exports))


def test_otlp_from_the_collector_is_the_same_in_both_encodings() -> None:
    assert exact(read(bodies("otel-collector-otlp_proto.jsonl"))) == exact(
        read(bodies("otel-collector-otlp_json.jsonl"))
    )


def test_a_delta_tells_quantiles_at_once_and_cumulative_counts_from_the_second_sample() -> None:
    quantile = r".* p50"
    delta = [row for row in read(bodies("otlp-http-protobuf-delta-gzip.jsonl")[:1]) if re.fullmatch(quantile, row[0])]
    first, second = bodies("otlp-http-protobuf.jsonl")[:2]
    assert delta
    assert not [row for row in read([first]) if re.fullmatch(quantile, row[0])]
    assert [row for row in read([first, second]) if re.fullmatch(quantile, row[0])]


def test_remote_write() -> None:
    want = []
    for request in records("prometheus-remote-write.decoded.jsonl"):
        for series in request["timeseries"]:
            labels = dict(series["labels"])
            name = labels.pop("__name__")
            series_key = name + "".join(f",{k}={escaped(v)}" for k, v in sorted(labels.items()) if v)
            want += [(f"{series_key} value", ms * 10**6, float(value)) for ms, value in series["samples"]]
    assert len(want) == 3600
    assert exact(read(bodies("prometheus-remote-write.jsonl"))) == exact(want)


def escaped(text: str) -> str:
    return re.sub("([, =])", r"\\\1", text)


SAMPLE = re.compile(r"([a-z_A-Z0-9:]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_A-Z0-9]+)="((?:[^"\\]|\\.)*)"')


def page(text: str) -> Iterator[Row]:
    """Samples of a page that stay as they are: all but buckets; quantiles, counts and sums under the family's name."""
    whole = dict(re.findall(r"# TYPE (\S+) (summary|histogram)", text))
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, inside, value = SAMPLE.fullmatch(line).groups()  # type: ignore[union-attr]
        labels = {k: re.sub(r"\\(.)", r"\1", v) for k, v in LABEL.findall(inside or "")}
        family, _, suffix = name.rpartition("_")
        field = "value"
        if family in whole and suffix == "bucket":
            continue
        if family in whole and suffix in ("count", "sum"):
            name, field = family, suffix
        if name in whole and "quantile" in labels:
            q = float(labels.pop("quantile"))
            field = {0.0: "min", 1.0: "max"}.get(q, f"p{100 * q:g}")
        tags = "".join(f",{k}={escaped(v)}" for k, v in sorted(labels.items()) if v)
        yield f"{name}{tags} {field}", STAMP, float(value)


@pytest.mark.parametrize("name", ["node-exporter.prom", "python-app.prom", "python-app.openmetrics"])
def test_pages(name: str) -> None:
    want = list(page(capture(name).decode()))
    assert len(want) >= 14
    assert exact(read([capture(name)])) == exact(want)


def test_pages_say_what_is_a_counter() -> None:
    for name in ("python-app.prom", "python-app.openmetrics"):
        series = Decoder(Names()).update(Poll.of([capture(name)])).points.series
        counters = {s for s, counter in zip(series.names, series.counter, strict=True) if counter}
        assert counters == {
            "orders_total,region=eu value",
            "orders_total,region=us value",
            *(f"checkout_seconds,route=/{page} {field}" for page in ("cart", "pay") for field in ("count", "sum")),
            "payload_bytes count",
            "payload_bytes sum",
        }


def test_other_tools() -> None:
    found = [read([body]) for body in bodies("kafka-console-producer.jsonl")[:3]]
    assert found == [
        [("cpu,host=node-1 usage", 1795264716 * 10**9, 12.5)],
        [("cpu,host=node-2 usage", 1795264716 * 10**9, 3.5)],
        [("cpu value", STAMP, 1.0)],
    ]
    codes = [refusal(body) for body in bodies("kafka-console-producer.jsonl")[3:]]
    assert codes == ["undecodable", "unsupported", "undecodable", "undecodable"]
    assert {refusal(body) for body in bodies("alertmanager-webhook.jsonl")} == {"unsupported"}


def test_kcat() -> None:
    sent = bodies("kcat.jsonl")
    assert read(sent[4:6]) == [("cpu,host=a v", 1795265844 * 10**9, 1.0), ("cpu,host=a v", 1795265845 * 10**9, 2.0)]
    codes = [refusal(body) for body in sent[:4] + sent[6:]]
    assert codes == ["unsupported"] * 2 + ["undecodable"] * 5


def test_producer_performance() -> None:
    sent = bodies("kafka-producer-performance.jsonl")
    assert {name for name, _, _ in read(sent[:20])} == {"mem,host=a used", "mem used"}
    assert {refusal(body) for body in sent[20:]} == {"undecodable"}


def test_any_capture_may_come_as_gzip() -> None:
    plain = bodies("prometheus-remote-write.jsonl")[:3] + bodies("telegraf-json.jsonl")[:3]
    assert read(map(gzip.compress, plain)) == read(plain)
