"""The captures of real producers, and what an independent reading of each expects to be stored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tests.integration.live import series_key
from tests.operators.decode.reading import _bytes, bodies, capture, key, records
from tests.operators.decode.test_wire import QUANTILE, otlp, page

PAGES = ("node-exporter.prom", "python-app.openmetrics", "python-app.prom")
MS = 1_000_000
SCRAPED = 1_795_270_000_000  # ms; the pages' own record time, a second apart: two of them are of the same series
Row = tuple[str, int, float]
__all__ = ["QUANTILE", "READ", "REFUSED", "Record", "sent"]


class Record(NamedTuple):
    """A message as it was captured; `timestamp` in ms."""

    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: list[tuple[str, bytes | None]]


def sent(name: str) -> list[Record]:
    """Return the messages of a capture; a page is one message, a request over HTTP is its body."""
    if name in PAGES:
        return [Record(None, capture(name), SCRAPED + 1000 * PAGES.index(name), [])]
    found = []
    for r in records(name):
        headers = r["headers"].items() if "received" in r else r["headers"]
        found.append(
            Record(
                None if r.get("key") is None else _bytes(r["key"]),
                None if r["value"] is None else _bytes(r["value"]),
                r.get("timestamp") or r["received"],
                [(k, v.encode() if isinstance(v, str) else v and _bytes(v)) for k, v in headers],
            )
        )
    return found


def telegraf_json(name: str) -> Iterator[Row]:
    for m in map(json.loads, bodies(name)):
        for field, value in m["fields"].items():
            if not isinstance(value, str):
                yield key(m["name"], m["tags"], field), m["timestamp"] * 10**9, value


def telegraf_influx(name: str) -> Iterator[Row]:
    for line in b"".join(bodies(name)).decode().splitlines():
        head, rest = line.split(" ", 1)
        fields, time = rest.rsplit(" ", 1)
        for field, value in (pair.split("=") for pair in re.split(r",(?=[a-z_0-9]+=)", fields)):
            if not value.startswith('"'):
                yield f"{head} {field}", int(time), float(value.rstrip("iu"))


def collectd_json(name: str) -> Iterator[Row]:
    for text in map(bytes.decode, bodies(name)):
        (it,) = json.loads(text)
        ((seconds, fraction),) = re.findall(r'"time":(\d+)\.(\d+)', text)
        tags = {tag: it[tag] for tag in ("host", "plugin_instance", "type", "type_instance")}
        for field, value in zip(it["dsnames"], it["values"], strict=True):
            if value is not None:
                yield key(it["plugin"], tags, field), int(seconds + fraction.ljust(9, "0")), value


def graphite(name: str) -> Iterator[Row]:
    for line in "".join(map(bytes.decode, bodies(name))).splitlines():
        path, value, seconds = line.split()
        yield f"{path} value", int(seconds) * 10**9, float(value)


def remote_write(name: str) -> Iterator[Row]:
    for request in records(name.replace(".jsonl", ".decoded.jsonl")):
        for series in request["timeseries"]:
            labels = dict(series["labels"])
            metric = labels.pop("__name__")
            for ms, value in series["samples"]:
                yield f"{series_key(metric, labels)} value", ms * MS, float(value)


def scraped(name: str) -> Iterator[Row]:
    (record,) = sent(name)
    for series, _, value in page(capture(name).decode()):
        yield series, record.timestamp * MS, value


def twin(name: str) -> Iterator[Row]:
    return otlp(records(name.replace(".jsonl", ".decoded.jsonl")))


def collector(name: str) -> Iterator[Row]:
    return otlp([json.loads(body) for body in bodies("otel-collector-otlp_json.jsonl")])


def console(name: str) -> Iterator[Row]:
    third = sent(name)[2]
    yield "cpu,host=node-1 usage", 1795264716 * 10**9, 12.5
    yield "cpu,host=node-2 usage", 1795264716 * 10**9, 3.5
    yield "cpu value", third.timestamp * MS, 1.0


def kcat(name: str) -> Iterator[Row]:
    yield "cpu,host=a v", 1795265844 * 10**9, 1.0
    yield "cpu,host=a v", 1795265845 * 10**9, 2.0


def performance(name: str) -> Iterator[Row]:
    for record in sent(name)[:20]:
        series = "mem,host=a used" if record.value == b"mem,host=a used=1i" else "mem used"
        yield series, record.timestamp * MS, 1.0


def nothing(name: str) -> Iterator[Row]:
    return iter(())


# capture: (an independent reading, how many numbers it has)
READ: dict[str, tuple[Callable[[str], Iterable[Row]], int]] = {
    "telegraf-json.jsonl": (telegraf_json, 606),
    "telegraf-influx.jsonl": (telegraf_influx, 606),
    "collectd-json.jsonl": (collectd_json, 92),
    "collectd-graphite.jsonl": (graphite, 100),
    "prometheus-remote-write.jsonl": (remote_write, 3600),
    "node-exporter.prom": (scraped, 507),
    "python-app.openmetrics": (scraped, 15),
    "python-app.prom": (scraped, 15),
    "otlp-http-protobuf.jsonl": (twin, 406),
    "otlp-http-protobuf-delta-gzip.jsonl": (twin, 232),
    "otel-collector-otlp_json.jsonl": (collector, 232),
    "otel-collector-otlp_proto.jsonl": (collector, 232),
    "kafka-console-producer.jsonl": (console, 3),
    "kcat.jsonl": (kcat, 2),
    "kafka-producer-performance.jsonl": (performance, 20),
    "alertmanager-webhook.jsonl": (nothing, 0),
}
# what is no metric: reject codes by message, in order
REFUSED = {
    "kafka-console-producer.jsonl": ["undecodable", "unsupported", "undecodable", "undecodable"],
    "kcat.jsonl": ["unsupported"] * 2 + ["undecodable"] * 5,
    "kafka-producer-performance.jsonl": ["undecodable"] * 5,
    "alertmanager-webhook.jsonl": ["unsupported"] * 10,
}
