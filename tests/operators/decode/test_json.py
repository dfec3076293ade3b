"""Telegraf's shape: what is written comes back, and the rules of the topic `metrics`."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import Poll
from operators.decode import Decoder, Names
from operators.decode.names import field_key, series_key
from tests.operators.decode.reading import STAMP, exact, read, refusal, rows

words = st.text(st.characters(codec="utf-8", exclude_characters="\\"), min_size=1, max_size=8)
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=3),
    st.none(),
)
metrics = st.fixed_dictionaries(
    {
        "name": words,
        "fields": st.dictionaries(words, numbers, min_size=1, max_size=4),
        "tags": st.dictionaries(
            words, st.text(st.characters(codec="utf-8", exclude_characters="\\"), max_size=5), max_size=3
        ),
        "timestamp": st.integers(10**17, 2**62),
    }
)


def wanted(metric: dict[str, Any]) -> list[tuple[str, int, float]]:
    series = series_key(metric["name"], metric["tags"].items())
    return [
        (f"{series} {field_key(field)}", metric["timestamp"], float(value))
        for field, value in metric["fields"].items()
        if isinstance(value, int | float)
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(metrics, min_size=1, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_what_is_written_comes_back(sent: list[dict[str, Any]], ascii: bool, indent: int | None) -> None:
    want = [row for metric in sent for row in wanted(metric)]
    single = [json.dumps(metric, ensure_ascii=ascii, indent=indent).encode() for metric in sent]
    assert exact(read(single)) == exact(want)
    assert exact(read([json.dumps(sent, ensure_ascii=ascii).encode()])) == exact(want)
    assert exact(read([json.dumps({"metrics": sent}, ensure_ascii=ascii).encode()], "json")) == exact(want)
    event = {"specversion": "1.0", "id": "1", "source": "x", "type": "t", "data": sent[0]}
    assert exact(read([json.dumps(event, ensure_ascii=ascii).encode()])) == exact(wanted(sent[0]))


def test_what_is_no_number_is_skipped_and_counted() -> None:
    body = b'{"name":"a","fields":{"x":1,"text":"2","none":null,"list":[1],"object":{"a":1},"yes":true,"no":false}}'
    decoded = Decoder(Names()).update(Poll.of([body], stamp=7))
    assert rows(decoded) == [("a x", 7, 1.0), ("a yes", 7, 1.0), ("a no", 7, 0.0)]
    assert decoded.skipped == 4


def test_skipped_fields_of_a_refused_message_do_not_count() -> None:
    decoded = Decoder(Names()).update(Poll.of([b'{"name":"a","fields":{"text":"x","":1}}']))
    assert (decoded.skipped, len(decoded.rejects)) == (0, 1)


def test_of_a_repeated_key_the_last_counts() -> None:
    body = b'{"name":"a","fields":{"x":1,"x":2},"tags":{"h":"1","h":"2"},"name":"b"}'
    assert read([body]) == [("b,h=2 x", STAMP, 2.0)]


def test_tags_are_sorted_and_empty_ones_dropped() -> None:
    bodies = [
        b'{"name":"a","fields":{"x":1},"tags":{"z":"1","b":"","c":null,"a":"2"}}',
        b'{"tags":{"a":"2","z":"1"},"fields":{"x":2},"name":"a"}',
        b'{"name":"a","fields":{"x":3},"tags":{"a":2,"z":true}}',
    ]
    assert [name for name, _, _ in read(bodies)] == ["a,a=2,z=1 x", "a,a=2,z=1 x", "a,a=2,z=true x"]


def test_names_are_escaped_as_in_line_protocol() -> None:
    body = json.dumps({"name": "a b,c=d", "tags": {"k =": "v,\\"}, "fields": {"f g=\n": 1}}).encode()
    assert read([body])[0][0] == "a\\ b\\,c=d,k\\ \\==v\\, f\\ g\\=\\n"


def test_types() -> None:
    sent = [
        b'{"name":"%s","type":"%s","fields":{"count":1}}' % (kind, kind)
        for kind in (b"counter", b"gauge", b"summary", b"histogram")
    ]
    series = Decoder(Names()).update(Poll.of(sent)).points.series
    assert dict(zip(series.names, series.counter, strict=True)) == {
        "counter count": True,
        "gauge count": False,
        "summary count": False,
        "histogram count": False,
    }


def test_a_series_that_becomes_a_counter_is_another_number() -> None:
    sent = [b'{"name":"a","fields":{"x":1}}', b'{"name":"a","type":"counter","fields":{"x":1}}']
    points = Decoder(Names()).update(Poll.of(sent)).points
    assert points.codes.tolist() == [0, 1]
    assert list(map(bool, points.series.counter)) == [False, True]


@pytest.mark.parametrize("text", ["null", '"2023-11-14T22:13:20Z"', "1700000000", "1.7e9", '"1700000000"'])
def test_stamps(text: str) -> None:
    body = '{"name":"a","fields":{"x":1},"timestamp":%s}' % text  # noqa: UP031
    assert read([body.encode()])[0][1] == (STAMP if text == "null" else 1_700_000_000 * 10**9)


def test_stamps_before_1970_and_beyond_64_bits_stay_what_they_are() -> None:
    sent = [
        b'{"name":"a","fields":{"x":1},"timestamp":%s}' % t
        for t in (b"-5", b'"0001-01-01T00:00:00Z"', b"1" + b"0" * 30)
    ]
    times = [time for _, time, _ in read(sent)]
    assert times[0] == -5 * 10**9
    assert times[1] < 0
    assert times[2] == 2**63 - 1


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("influx", b'{"name":"a","fields":{"x":1}}'),
        ("json", b"a x=1"),
        ("json", b'{"name":"a","value":"1","labels":{}}'),
        ("collectd", b'{"name":"a","fields":{"x":1}}'),
        ("remote-write", b"a x=1"),
    ],
)
def test_a_fixed_format_takes_no_other(format: str, body: bytes) -> None:
    assert refusal(body, format) == "undecodable"
    assert read([body])
