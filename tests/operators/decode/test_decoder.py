"""A poll of any messages: each alone, whatever its bytes, however the polls are cut."""

import json
import random
from itertools import pairwise

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import Decoded, Poll
from operators.decode import FORMATS, Decoder, Names, Points, decode, decode_message
from operators.decode.errors import Refused
from tests.operators.decode.reading import STAMP, Row, bodies, refusal, rows

BROKEN = [
    b"",
    b"{",
    b'{"name":',
    b"\xff\xfe\x00",
    b"not a metric at all",
    b"[1,2,3]",
    b'{"name":"x","fields":{"a":1e999},"timestamp":1}',
    b'{"name":"x","fields":{"a":' + b"9" * 400 + b'},"timestamp":1}',
    b'{"name":"x","fields":{"a":1},"timestamp":"yesterday"}',
    b'{"name":"x","fields":{"a":1},"tags":{"a":[]}}',
    b'{"name":"x","fields":{"a":1},"tags":{"a":"\xff"}}',
    b'{"name":"x","fields":{"a":1}}{"name":"y","fields":{"a":1}}',
    b'{"name":"x","fields":{}}',
    b'{"name":"","fields":{"a":1}}',
    b'{"name":"x","fields":{"":1}}',
    b'{"name":"x","fields":{"a":1},"z":[{}',
    b'{}],"timestamp":1}',
    b"cpu,host= usage=1 1",
    b'{"name":"x"}',
    b"[" * 5000,
]
GOOD = [b'{"name":"cpu","tags":{"host":"a"},"fields":{"x":%d},"timestamp":%d}' % (i, i) for i in range(100)]


@pytest.mark.parametrize("body", BROKEN)
def test_broken_messages_say_so(body: bytes) -> None:
    assert refusal(body) in ("undecodable", "unsupported")


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("place", [0, 1, 63, 64, 99])
def test_a_broken_message_rejects_itself_only(body: bytes, place: int) -> None:
    decoded = Decoder(Names()).update(Poll.of([*GOOD[:place], body, *GOOD[place:]]))
    assert [(reject.message, reject.code) for reject in decoded.rejects] == [(place, refusal(body))]
    assert decoded.points.value.tolist() == list(range(100))
    assert decoded.points.message.tolist() == [i for i in range(101) if i != place]


def test_messages_that_fit_together_are_not_joined() -> None:
    halves = [
        b'{"name":"a","fields":{"x":1},"z":[{}',
        b"{}]}",
        b'{"name":"a","fields":{"x":1}}\n{"name":"b","fields":{"x":1}}',
    ]
    decoded = Decoder(Names()).update(Poll.of(halves))
    assert len(decoded.points) == 0
    assert [reject.message for reject in decoded.rejects] == [0, 1, 2]


@pytest.fixture(scope="module")
def stream() -> list[bytes]:
    names = ["telegraf-json", "telegraf-influx", "collectd-json", "collectd-graphite", "otlp-http-protobuf", "kcat"]
    messages = [body for name in names for body in bodies(f"{name}.jsonl")] + BROKEN
    random.Random(1).shuffle(messages)
    return messages


def run(stream: list[bytes], cuts: list[int], restart: bool = False) -> tuple[list[Row], list[tuple[int, str, str]]]:
    decoder, points, rejects = Decoder(Names()), [], []
    for first, last in pairwise([0, *cuts, len(stream)]):
        if restart:
            decoder = Decoder(Names(), snapshot=decoder.snapshot())
        decoded = decoder.update(Poll.of(stream[first:last], offset=first, stamp=range(STAMP + first, STAMP + last)))
        points += rows(decoded)
        rejects += [(r.message + first, r.code, r.error) for r in decoded.rejects]
    return points, rejects


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("restart", [False, True])
def test_cuts_and_restarts_change_nothing(stream: list[bytes], size: int, restart: bool) -> None:
    cuts = list(range(size, len(stream), size))
    found, want = run(stream, cuts, restart), run(stream, [])
    assert repr(found) == repr(want)
    assert len(want[0]) > 1500


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", *FORMATS]))
def test_any_bytes_are_points_or_a_refusal(body: bytes, format: str) -> None:
    check(body, format)


@pytest.mark.parametrize(
    "name", ["telegraf-json", "telegraf-influx", "collectd-json", "otlp-http-protobuf", "otel-collector-otlp_json"]
)
def test_damaged_captures_are_points_or_a_refusal(name: str) -> None:
    dice = random.Random(2)
    for body in bodies(f"{name}.jsonl")[:10]:
        for _ in range(20):
            damaged = bytearray(body)
            for _ in range(dice.choice([1, 1, 3])):
                at = dice.randrange(len(damaged))
                damaged[at : at + dice.choice([0, 1, 5])] = dice.randbytes(dice.choice([0, 1, 1, 4]))
            check(bytes(damaged), "")


def check(body: bytes, format: str) -> None:
    decoded = Decoder(Names(), format).update(Poll.of([body]))
    assert len(decoded.rejects) <= 1
    assert not (decoded.rejects and (len(decoded.points) or decoded.skipped or len(decoded.ended)))
    try:
        decode_message(body, Points(Names()), 0, format)
    except Refused:
        assert decoded.rejects


def test_too_large() -> None:
    assert refusal(GOOD[0] + b" " * 1000, limit=1000) == "too-large"


def test_an_idle_poll_passes() -> None:
    decoded = Decoder(Names()).update(Poll("metrics", 3, [], [], idle=5))
    assert (len(decoded.points), decoded.points.poll.idle) == (0, 5)
    assert decoded.ended.shape == (0, 2)


def test_producers_and_sequence_numbers() -> None:
    said = [b'{"name":"a","fields":{"x":1},"producer":"p%d","seq":%d}' % (i % 2, 2**62 + i) for i in range(3)]
    batch = b'{"metrics":[{"name":"a","fields":{"x":1}}],"producer":"p1","seq":9}'
    decoded = Decoder(Names()).update(Poll.of([GOOD[0], *said, batch, b"{"]))
    assert decoded.producers == ["p0", "p1"]
    assert decoded.producer.tolist() == [-1, 0, 1, 0, 1, -1]
    assert decoded.seq.tolist() == [-1, 2**62, 2**62 + 1, 2**62 + 2, 9, -1]


def test_the_table_of_series_is_bounded_and_shared() -> None:
    names = Names(bound=50)
    one, other = Decoder(names), Decoder(names)
    first = one.update(Poll.of([b"a,i=%d x=1 1" % i for i in range(60)]))
    again = other.update(Poll.of([b"a,i=59 x=1 1"]))
    assert len(first.points.series) == 60
    assert again.points.series is not first.points.series
    assert again.points.series.names == ["a,i=59 x"]
    assert one.update(Poll.of([b"a,i=59 x=1 1"])).points.series is again.points.series


def test_settings_say_what_is_a_counter() -> None:
    says = {("net", "up"): True, ("net", "down"): False}
    names = Names(counters=lambda measurement, field: says.get((measurement, field)))
    body = b'{"name":"net","type":"counter","fields":{"up":1,"down":1,"other":1}}'
    series = Decoder(names).update(Poll.of([body, b"net up=1,down=1,other=1"])).points.series
    found = dict(zip(series.names, series.counter, strict=True))
    assert sorted(zip(series.names, series.counter, strict=True)) == [
        ("net down", False),
        ("net other", False),
        ("net other", True),
        ("net up", True),
    ]
    assert found["net up"]


def test_the_flow_is_the_class(stream: list[bytes]) -> None:
    polls = [Poll.of(stream[i : i + 20], offset=i, partition=i % 3) for i in range(0, len(stream), 20)]
    flow, out = Dataflow("decode"), list[tuple[str, Decoded]]()
    keyed = op.input("in", flow, TestingSource([(poll.shard, poll) for poll in polls]))
    op.output("out", decode("decode", keyed, Names()), TestingSink(out))
    run_main(flow)  # type: ignore[no-untyped-call]
    for partition in range(3):
        decoder = Decoder(Names())
        want = [rows(decoder.update(poll)) for poll in polls if poll.partition == partition]
        assert repr([rows(decoded) for shard, decoded in out if shard == f"metrics-{partition}"]) == repr(want)


def test_json_numbers_are_those_of_python() -> None:
    texts = [
        "-0.0",
        "1e-7",
        "5e-324",
        "1.7976931348623157e308",
        "0.1",
        "123456789012345678",
        "18446744073709551617",
        "2.5E+3",
    ]
    body = '{{"name":"a","fields":{{{}}}}}'.format(",".join(f'"f{i}":{text}' for i, text in enumerate(texts)))
    found = Decoder(Names()).update(Poll.of([body.encode()])).points.value.tolist()
    assert list(map(repr, found)) == [repr(float(json.loads(text))) for text in texts]
