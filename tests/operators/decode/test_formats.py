"""The rules of each format that no capture shows, and what tells formats from one another."""

import gzip
import json
import struct

import cramjam
import pytest

from config.records import Poll
from operators.decode import Decoder, Names
from operators.decode.remote_write import STALE, WriteRequest
from tests.operators.decode.reading import STAMP, read, refusal, rows

MS = 1_767_225_600_000
NS = MS * 10**6


def request(*series: tuple[dict[str, str], list[tuple[int, float]]]) -> bytes:
    it = WriteRequest()
    for labels, samples in series:
        one = it.timeseries.add()
        for name, text in labels.items():
            one.labels.add(name=name, value=text)
        for time, value in samples:
            one.samples.add(timestamp=time, value=value)
    return bytes(cramjam.snappy.compress_raw(it.SerializeToString()))


def test_a_stale_marker_ends_a_series_and_is_no_value() -> None:
    (stale,) = struct.unpack("<d", STALE)
    up, down = {"__name__": "up", "job": "a", "empty": ""}, {"__name__": "down_total"}
    body = request((up, [(MS, 1.0), (MS + 1, stale)]), (down, [(MS, float("nan")), (MS, float("inf"))]))
    decoded = Decoder(Names()).update(Poll.of([b"x y=1", body]))
    assert repr(rows(decoded)[1:]) == repr(
        [("up,job=a value", NS, 1.0), ("down_total value", NS, float("nan")), ("down_total value", NS, float("inf"))]
    )
    series = decoded.points.series
    assert [(series.names[code], message) for code, message in decoded.ended.tolist()] == [("up,job=a value", 1)]


@pytest.mark.parametrize("size", range(1, 130))
def test_remote_write_of_any_length_is_told(size: int) -> None:
    assert read([request(({"__name__": "m" * size}, [(MS, 2.5)]))]) == [("m" * size + " value", NS, 2.5)]


def test_remote_write_counters_are_told_by_their_names() -> None:
    names = ["a_total", "a_count", "a_sum", "a_bucket", "a", "total"]
    decoded = Decoder(Names()).update(Poll.of([request(*(({"__name__": name}, [(MS, 1.0)]) for name in names))]))
    assert list(map(bool, decoded.points.series.counter)) == [True, True, True, True, False, False]


def test_remote_write_without_a_name_or_of_the_second_kind() -> None:
    assert refusal(request(({"job": "a"}, [(MS, 1.0)]))) == "undecodable"
    second = cramjam.snappy.compress_raw(b"\x22\x02up\x2a\x04\x0a\x02\x00\x01")
    assert refusal(bytes(second)) == "unsupported"


def test_bombs() -> None:
    zeros = bytes(17_000_000)
    bomb = bytes(cramjam.snappy.compress_raw(zeros))
    assert len(bomb) < 1 << 20
    assert refusal(bomb) == "too-large"
    assert refusal(b"\xff\xff\xff\xff\x0f\x00x", "remote-write") == "too-large"
    assert refusal(gzip.compress(zeros)) == "too-large"
    assert refusal(gzip.compress(b"cpu x=1")[:-3]) == "undecodable"
    assert read([gzip.compress(b"cpu x=1 1")]) == [("cpu x", 10**9, 1.0)]


def test_adapter_json() -> None:
    sent = [
        {
            "timestamp": "2026-01-01T00:00:00Z",
            "value": value,
            "name": "up",
            "labels": {"__name__": "up", "z": "1", "a": "", "b": "2"},
        }
        for value in ("1.5", "NaN", "+Inf", "-Inf", 2, 2.5)
    ]
    found = read([json.dumps(it).encode() for it in sent])
    assert {row[:2] for row in found} == {("up,b=2,z=1 value", NS)}
    assert list(map(repr, (value for _, _, value in found))) == ["1.5", "nan", "inf", "-inf", "2.0", "2.5"]


@pytest.mark.parametrize("value", ['"1_0"', '"x"', '""', '"1e999"', "1e999", "null", "[]", '" 1"'])
def test_adapter_json_with_another_value(value: str) -> None:
    assert refusal(f'{{"name":"up","labels":{{}},"value":{value}}}'.encode()) == "undecodable"


def test_one_bad_line_refuses_a_page() -> None:
    good = b'# TYPE a counter\na_total{x="1"} 1\n'
    assert len(read([good])) == 1
    for line in (b"a{x=1} 1\n", b"a{x 1\n", b"a one\n", b'a{x="1"} 1 now\n', b"9a 1\n", b"a\n"):
        assert refusal(good + line) == "undecodable"
    assert refusal(good + b"# EOF\nb 1\n# EOF\n") == "undecodable"


def test_counters_keep_their_names() -> None:
    text = b"# TYPE a counter\na 1\n# TYPE b_total counter\nb_total 2\n# TYPE c gauge\nc 3\nd_total 4\n"
    decoded = Decoder(Names()).update(Poll.of([text]))
    series = decoded.points.series
    assert dict(zip(series.names, map(bool, series.counter), strict=True)) == {
        "a value": True,
        "b_total value": True,
        "c value": False,
        "d_total value": False,
    }


def test_labels_of_pages() -> None:
    text = b'a{x="1,\\"2\\" \\\\ \\n",empty="",b="c=d"} +Inf 1767225600000\n'
    assert read([text]) == [('a,b=c\\=d,x=1\\,"2"\\ \\\\ \\n value', NS, float("inf"))]


def test_histograms_that_are_not_whole_stay_as_they_came() -> None:
    text = b'# TYPE h histogram\nh_bucket{le="1"} 3\nh_count 4\nh_sum 5\n# TYPE s summary\ns{quantile="0.5"} 2\n'
    decoded = Decoder(Names()).update(Poll.of([text]))
    series = decoded.points.series
    assert dict(zip(series.names, map(bool, series.counter), strict=True)) == {
        "h_bucket,le=1 value": True,
        "h_count value": True,
        "h_sum value": True,
        "s,quantile=0.5 value": False,
    }


def test_whole_histograms_and_summaries() -> None:
    def page(scale: int, seconds: int) -> bytes:
        buckets = "".join(f'h_bucket{{le="{le}",a="b"}} {n * scale}\n' for le, n in (("1", 2), ("2", 4), ("+Inf", 4)))
        return (
            f'# TYPE h histogram\n{buckets}h_sum{{a="b"}} 5\nh_count{{a="b"}} {4 * scale}\n'
            f'# TYPE s summary\ns{{quantile="0"}} 1\ns{{quantile="0.25"}} 2\ns{{quantile="0.999"}} 3\ns_sum 4\ns_count 5\n'
        ).encode()

    decoded = Decoder(Names()).update(Poll.of([page(1, 0), page(2, 1)], stamp=[STAMP, STAMP + 1]))
    found = {name: value for name, time, value in rows(decoded) if time == STAMP + 1}
    assert found == {
        "h,a=b sum": 5.0,
        "h,a=b count": 8.0,
        "h,a=b p50": 1.0,
        "h,a=b p95": pytest.approx(1.9),
        "h,a=b p99": pytest.approx(1.98),
        "s sum": 4.0,
        "s count": 5.0,
        "s min": 1.0,
        "s p25": 2.0,
        "s p99.9": 3.0,
    }


def test_openmetrics_stamps_are_seconds_to_the_nanosecond() -> None:
    text = b'# TYPE a counter\na_total{x="1"} 3 1767225600.123456789 # {id="7"} 1 1767225600\n# EOF\n'
    assert read([text]) == [("a_total,x=1 value", NS + 123456789, 3.0)]


def test_graphite() -> None:
    body = b"a.b;z=1;c=2 1.5 1767225600\r\na.b nan -1\n\na.c -2e3 1767225600.25\n"
    assert repr(read([body])) == repr(
        [("a.b,c=2,z=1 value", NS, 1.5), ("a.b value", STAMP, float("nan")), ("a.c value", NS + 250_000_000, -2000.0)]
    )
    assert read([b"a.b 7"], "graphite") == [("a.b value", STAMP, 7.0)]


@pytest.mark.parametrize(
    "body", [b"a.b x 1", b"a.b 1 x", b"a.b 1e999 1", b"a.b 1 1 1", b"a;b 1 1", b"a.b", b"\n", b"a 1 1\nb"]
)
def test_graphite_faults(body: bytes) -> None:
    assert refusal(body, "graphite") == "undecodable"


def test_collectd_kinds() -> None:
    kinds = ["counter", "derive", "gauge", "absolute"]
    body = {
        "values": [1, 2, 3, None],
        "dstypes": kinds,
        "dsnames": kinds,
        "time": MS / 1000 + 0.25,
        "plugin": "p",
        "host": "h",
    }
    decoded = Decoder(Names()).update(Poll.of([json.dumps(body).encode()]))
    assert rows(decoded) == [
        (f"p,host=h {kind}", NS + 250_000_000, n) for kind, n in zip(kinds, [1.0, 2.0, 3.0], strict=False)
    ]
    assert list(map(bool, decoded.points.series.counter)) == [True, True, False]
    assert decoded.skipped == 1
    body["dsnames"] = kinds[:2]
    assert refusal(json.dumps([body]).encode()) == "undecodable"


def test_arrays_may_mix_shapes() -> None:
    adapter = b'{"name":"up","labels":{},"value":"1","timestamp":1767225600}'
    assert read([b'[{"name":"a","fields":{"x":1},"timestamp":1767225600},' + adapter + b"]"]) == [
        ("a x", NS, 1.0),
        ("up value", NS, 1.0),
    ]
    assert read([b"[]"]) == []
    assert refusal(b"[" + adapter + b',{"name":"x"}]') == "unsupported"


def test_cloudevents_carry_any_format() -> None:
    def event(**data: object) -> bytes:
        return json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t", **data}).encode()

    want = [("a x", NS, 1.0)]
    metric = {"name": "a", "fields": {"x": 1}, "timestamp": MS}
    assert read([event(data=metric)]) == want
    assert read([event(data=[metric])], "cloudevents") == want
    assert read([event(data=f"a x=1 {NS}")]) == want
    assert read([event(data_base64="YSB4PTEgMTc2NzIyNTYwMA==")]) == want
    assert refusal(event()) == refusal(event(data=None)) == refusal(event(data_base64="?")) == "undecodable"
    assert refusal(event(data={"v": 1})) == "unsupported"


def test_otlp_json_sums_and_attributes() -> None:
    def sum_(name: str, monotonic: bool, temporality: int) -> dict[str, object]:
        values = {
            "i": {"intValue": "7"},
            "b": {"boolValue": True},
            "l": {"arrayValue": {"values": [{"stringValue": "x"}]}},
            "e": {"stringValue": ""},
        }
        point = {"asInt": "9007199254740993", "attributes": [{"key": k, "value": v} for k, v in values.items()]}
        return {
            "name": name,
            "sum": {"isMonotonic": monotonic, "aggregationTemporality": temporality, "dataPoints": [point]},
        }

    sums = [sum_("up", True, 2), sum_("delta", True, 1), sum_("level", False, 2)]
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [*sums, {"name": "none"}]}]}]}).encode()
    decoded = Decoder(Names()).update(Poll.of([body], stamp=5))
    tags = ',b=true,i=7,l=["x"] value'
    assert rows(decoded) == [(name + tags, 5, 9007199254740992.0) for name in ("up", "delta", "level")]
    assert list(map(bool, decoded.points.series.counter)) == [True, False, False]
    assert decoded.skipped == 1
