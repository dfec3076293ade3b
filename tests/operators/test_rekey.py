"""Rekey: what main makes of the copies is what it would have made of the messages."""

from __future__ import annotations

import struct

import cramjam
import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from config.records import SECOND, Decoded, Poll
from operators.decode import Decoder, Names
from operators.decode.remote_write import STALE, WriteRequest
from operators.rekey import Keyed, Rekey

STAMP = 1767225600 * SECOND
JSON = (
    b'[{"name":"cpu load","tags":{"host":"a=b,c"},"fields":{"x":0.1,"y y":1e-7},"timestamp":1767225600123},'
    b'{"name":"net","tags":{"host":"a"},"fields":{"bytes":12,"drops":3},"timestamp":1767225601,"type":"counter"},'
    b'{"name":"cpu load","tags":{"host":"a=b,c"},"fields":{"x":0.2},"timestamp":1767225602}]'
)
LINES = (
    b"cpu,host=a x=1,y=2i 1767225600000000001\ncpu,host=b x=3 1767225600000000001\ncpu,host=a x=1.5 1767225600000000002"
)


def exposition() -> bytes:
    registry = CollectorRegistry()
    Gauge("temperature", "", ["room"], registry=registry).labels("k").set(21.5)
    Gauge("odd", "", registry=registry).set(float("nan"))
    Histogram("seconds", "", buckets=(0.1, 1), registry=registry).observe(0.5)
    return generate_latest(registry)


def remote_write() -> bytes:
    request = WriteRequest()
    for n, value in enumerate((1.0, struct.unpack("<d", STALE)[0], 3.0)):
        series = request.timeseries.add()
        series.labels.add(name="__name__", value=f"m{n}_total")
        series.labels.add(name="job", value="j")
        series.samples.add(value=value, timestamp=1767225600000)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def decode(bodies: list[bytes]) -> Decoded:
    return Decoder(Names()).update(Poll.of(bodies, stamp=STAMP))


def told(decoded: Decoded) -> dict[str, list[tuple[bool, int, str]]]:
    """Return what is known of each series, in its order; texts, so that NaN equals itself."""
    points, series = decoded.points, decoded.points.series
    out: dict[str, list[tuple[bool, int, str]]] = {}
    for code, time, value in zip(points.codes.tolist(), points.time.tolist(), points.value.tolist(), strict=True):
        out.setdefault(series.names[code], []).append((bool(series.counter[code]), time, repr(value)))
    for code in decoded.ended[:, 0].tolist():
        out.setdefault(series.names[code], []).append((bool(series.counter[code]), 0, "ended"))
    return out


@pytest.mark.parametrize(
    "body", [JSON, LINES, exposition(), remote_write()], ids=["json", "lines", "prometheus", "remote"]
)
def test_copies_say_the_same_of_every_series(body: bytes) -> None:
    original = decode([body])
    copies = Rekey().update(original)
    later = Decoder(Names()).update(Poll.of([c.value for c in copies], stamp=STAMP + 5 * SECOND))
    assert later.rejects == []
    assert told(later) == told(original)


@pytest.mark.parametrize(
    "body", [JSON, LINES, exposition(), remote_write()], ids=["json", "lines", "prometheus", "remote"]
)
def test_every_copy_is_keyed_by_its_only_series(body: bytes) -> None:
    for copy in Rekey().update(decode([body])):
        names = told(decode([copy.value]))
        assert copy.key is not None
        assert names
        assert all(name.startswith(copy.key.decode() + " ") for name in names)


def test_one_series_goes_on_byte_for_byte() -> None:
    body = b'{"fields":{"x":1, "y":"text"},"name":"cpu","tags":{"host":"a"},"timestamp":1767225600}'
    assert Rekey().update(decode([body, body])) == [Keyed(b"cpu,host=a", body)] * 2


def test_a_borrowed_stamp_is_written_down() -> None:
    (copy,) = Rekey().update(decode([b"cpu,host=a x=1"]))
    assert told(Decoder(Names()).update(Poll.of([copy.value], stamp=0))) == {"cpu,host=a x": [(False, STAMP, "1.0")]}


def test_what_cannot_be_read_keeps_its_key_and_place() -> None:
    poll = Poll.of([b"a x=1 1767225600", b"{", b"b x=1 1767225600"], keys=[b"1", b"2", b"3"])
    copies = Rekey().update(Decoder(Names()).update(poll))
    assert [c.key for c in copies] == [b"a", b"2", b"b"]
    assert [c.value for c in copies] == list(poll.values)


def test_a_producers_number_is_counted_once() -> None:
    one = b'{"name":"%b","fields":{"x":1},"timestamp":1767225600}'
    body = b'{"producer":"p","seq":7,"metrics":[' + one % b"a" + b"," + one % b"b" + b"]}"
    copies = decode([c.value for c in Rekey().update(decode([body]))])
    assert copies.seq.tolist() == [7, -1]
    assert [copies.producers[p] for p in copies.producer.tolist() if p >= 0] == ["p"]
