"""Decoding by template equals the ordinary decoder to the last bit, whatever the messages, and stays within its bounds."""

import random
import re
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.records import Decoded, Poll
from operators.decode import Decoder, Names, Points, decode_message, stamps
from operators.decode.errors import Refused
from operators.decode.number import NUMBER, read, real
from operators.decode.template import Templates
from operators.decode.template_match import KNOWN, LEARN, ORDINARY, UNKNOWN, digest, nanoseconds
from operators.decode.template_scan import LONGEST, PAD, SLOTS, UNITS
from operators.decode.template_store import enter
from tests.operators.decode.reading import bodies

Said = tuple[list[tuple[str, bool, int, bytes, int]], list[tuple[int, str]], int, list[tuple[str, int]]]

MESSAGES = [
    b'{"name":"cpu","tags":{"host":"a"},"fields":{"v":1.5,"n":3,"on":true,"s":"x1"},"timestamp":1767225600,"producer":"p","seq":12}',
    b'{"name":"cpu","fields":{"v":1.5},"timestamp":1767225600.1234567}',
    b'{"name":"cpu","fields":{"v":1.5}}',
    b'{"name":"cpu","type":"counter","fields":{"v":1.5,"v":2,"z":null},"timestamp":1767225600123}',
    b'[{"name":"a","fields":{"x":1},"timestamp":1767225600,"seq":1},{"name":"b","fields":{"y":2},"timestamp":17,"seq":2}]',
    b'{"metrics":[{"name":"a","fields":{"x":1},"timestamp":1767225600},{"name":"b","fields":{"y":2}}],"producer":"q","seq":5}',
    b'{"name":"cpu","tags":{"rack":12},"fields":{"v":1},"extra":{"z":[1,2,{"k":3}]}}',
    b'{"name":"c\\"p\\u00e9","fields":{"a b":1e3,"neg":-0.0},"timestamp":"2026-01-01T00:00:00Z"}\n',
    b'{"labels":{"__name__":"up","job":"a"},"name":"up","timestamp":"2026-01-01T00:00:00Z","value":"1"}',
    b'cpu,host=a v=1.5,n=3i,u=7u,on=t,s="x 1" 1767225600000000000\nmem free=1\n',
    b"cpu,host=a\\ 1 v\\=2=1.5 1767225600",
    b"cpu,host=a v=1,v=2",
    b"cpu v=-1.5e-3 1767225600000",
    b"m,t=\xc3\xa9 f=1",
    b"a b=1\n\n#x\nc d=2 5\n",
    b"a b=1 1767225600\r\n",
    b'a b="q\\"1",c=12345678901234567890 17',
    b"{a b=1 2",
    b"a.b.c 4.5 1767225600",
    b"# TYPE up gauge\nup 1\n",
]
NUMBERS = (
    b"0 -0 -0.0 01 1. .5 - +1 1e999 1E5 1e-400 9007199254740993 18446744073709551615 123456789012345678901234567890 1767225600 -5 1e23 "
    b"1767225600123 1767225600123456789 1.7976931348623157e308 5e-324 2.2250738585072014e-308 1e22 8.5e15 1767225600.1234567891 "
    b"9223372036854775807 9223372036854775808 99999999999.9999999999 2.5e-9 1e18 null true NaN 99999999999 100000000000 1_0 0x10 "
    b"1e+05 0.00012345678901234567 123456789012345678 0.10000000000000000555 100000000000000008388608.5 \xd9\xa3 00 1e 1e+ 1ee5"
).split()
BYTES = [
    b"1",
    b"-",
    b".",
    b"e",
    b'"',
    b"\\",
    b" ",
    b",",
    b"=",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"#",
    b"\t",
    b"\r",
    b"i",
    b"u",
    b"0",
    b"\x01",
    b"\x00",
    b"\xff",
]
NUMBER_IN = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def number(r: random.Random) -> bytes:
    """A number's text: of ordinary data, of any float, at the edges, or hardly one."""
    return r.choice(
        [
            r.choice(NUMBERS),
            repr(struct.unpack("d", r.randbytes(8))[0]).encode(),
            repr(round(r.uniform(-1e3, 1e3), r.randrange(12))).encode(),
            repr(r.uniform(-1e3, 1e3)).encode(),
            b"%d" % r.randrange(10 ** r.randrange(1, 21)),
        ]
    )


def changed(r: random.Random, body: bytes) -> bytes:
    """The message with other numbers, or broken somewhere."""
    kind = r.random()
    found = list(NUMBER_IN.finditer(body))
    if kind < 0.7 and found:
        for match in sorted(r.sample(found, r.choice([1, 1, len(found)])), key=lambda m: -m.start()):
            body = body[: match.start()] + number(r) + body[match.end() :]
        return body
    place = r.randrange(len(body) + 1)
    if kind < 0.8:
        return body[:place]
    if kind < 0.9:
        return body[:place] + r.choice(BYTES) + body[place:]
    return body + b"\n" + r.choice(MESSAGES) if kind < 0.95 else body[:place] + r.randbytes(1) + body[place + 1 :]


def said(decoded: Decoded) -> Said:
    """All that a decoded poll says, floats as bits."""
    p, series = decoded.points, decoded.points.series
    names = [(series.names[c], bool(series.counter[c])) for c in p.codes.tolist()]
    bits = [struct.pack("d", x) for x in p.value.tolist()]
    points = [(*n, t, b, m) for n, t, b, m in zip(names, p.time.tolist(), bits, p.message.tolist(), strict=True)]
    who = ["" if i < 0 else decoded.producers[i] for i in decoded.producer.tolist()]
    rejects = [(reject.message, reject.code) for reject in decoded.rejects]
    return points, rejects, decoded.skipped, list(zip(who, decoded.seq.tolist(), strict=True))


def truth(poll: Poll, format: str = "") -> Said:
    """The same, message by message, by the ordinary decoder."""
    out = Points(Names())
    series = out.names.series
    points, rejects, says = [], [], []
    for i, (body, stamp) in enumerate(zip(poll.values, poll.stamps.tolist(), strict=True)):
        mark = out.mark()
        try:
            decode_message(body, out, stamp, format)
        except Refused as error:
            out.back(mark)
            rejects.append((i, error.code))
        says.append((out.producer, out.seq))
        for code, time, value in zip(out.codes[mark[0] :], out.time[mark[0] :], out.value[mark[0] :], strict=True):
            points.append((series.names[code], bool(series.counter[code]), time, struct.pack("d", value), i))
    return points, rejects, out.skipped, says


def metric(host: int, value: float = 0.5, at: int = 0) -> bytes:
    return b'{"fields":{"x":%r},"name":"cpu","tags":{"host":"h%d"},"timestamp":%d}' % (value, host, 1767225600 + at)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), format=st.sampled_from(["", "", "json", "influx"]), bound=st.sampled_from([8, 5000]))
def test_equals_the_ordinary_decoder(seed: int, format: str, bound: int) -> None:
    r, names = random.Random(seed), Names()
    decoder = Decoder(names, format, templates=Templates(names, format, bound=bound))
    stock = list(MESSAGES)
    for _ in range(8):
        poll = Poll.of([changed(r, r.choice(stock)) for _ in range(r.choice([1, 7, 40]))], stamp=r.randrange(10**18))
        assert said(decoder.update(poll)) == truth(poll, format)
        stock += poll.values[:3]


@pytest.mark.parametrize("body", MESSAGES)
def test_every_number_in_every_place_of_a_known_message(body: bytes) -> None:
    decoder = Decoder(Names())
    for _ in range(3):
        decoder.update(Poll.of([body]))
    found = NUMBER_IN.finditer(body)
    poll = Poll.of([body[: m.start()] + x + body[m.end() :] for m in found for x in NUMBERS] + [body], stamp=5)
    assert said(decoder.update(poll)) == truth(poll)


def test_a_number_ends_with_its_message() -> None:
    decoder, messages = Decoder(Names()), [b"a b=1", b"7m x=1", b"a b=2", b"7m x=3", b"a b=4"]
    for _ in range(3):
        poll = Poll.of(messages)
        assert said(decoder.update(poll)) == truth(poll)
    assert (decoder.templates.match(messages, poll.stamps).verdict == KNOWN).all()


def test_a_known_message_may_grow_too_large() -> None:
    decoder = Decoder(Names(), limit=12)
    for _ in range(3):
        decoder.update(Poll.of([b"cpu x=1"]))
    decoded = decoder.update(Poll.of([b"cpu x=0.2500", b"cpu x=0.25000"]))
    assert decoded.points.value.tolist() == [0.25]
    assert [(reject.message, reject.code) for reject in decoded.rejects] == [(1, "too-large")]


def test_templates_of_one_hash_are_told_apart() -> None:
    templates, at = Templates(Names()), np.zeros(1, np.int64)
    templates.learn(metric(1))
    ((_, (words, size), _),) = templates._units(metric(2))
    places = templates.store.table.places
    places["template"] = UNKNOWN
    with np.errstate(over="ignore"):
        enter(np.uint64(digest(words, 0, size)), 0, places)
    assert templates.match([metric(2)], at).verdict[0] == ORDINARY


@pytest.mark.parametrize("capture", ["telegraf-json.jsonl", "telegraf-influx.jsonl"])
def test_captures_with_other_numbers(capture: str) -> None:
    r, messages, decoder = random.Random(1), bodies(capture), Decoder(Names())
    for _ in range(3):
        decoder.update(Poll.of(messages))
    for _ in range(3):
        poll = Poll.of([NUMBER_IN.sub(lambda m: number(r) if r.random() < 0.02 else m[0], body) for body in messages])
        assert said(decoder.update(poll)) == truth(poll)
    fresh = decoder.templates.match(messages, np.zeros(len(messages), np.int64))
    assert (fresh.verdict == KNOWN).mean() > 0.95


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_where_polls_are_cut_changes_nothing(size: int) -> None:
    r = random.Random(2)
    messages = [changed(r, r.choice(MESSAGES)) if r.random() < 0.3 else r.choice(MESSAGES) for _ in range(400)]
    whole, decoder, at = truth(Poll.of(messages)), Decoder(Names()), 0
    for first in range(0, len(messages), size):
        points, _, _, who = said(decoder.update(Poll.of(messages[first : first + size])))
        assert [(*p[:4], p[4] + first) for p in points] == whole[0][at : at + len(points)]
        assert who == whole[3][first : first + size]
        at += len(points)
    assert at == len(whole[0])


def decimal(text: bytes) -> float | None:
    """The number as the compiled reader has it; ``None`` where it is none."""
    rows, buf = np.zeros(1, NUMBER), np.frombuffer(text + PAD, np.uint8)
    with np.errstate(over="ignore"):
        if read(buf, 0, len(text), rows, 0) != len(text):
            return None
        return real(rows[0]["mantissa"], rows[0]["power"], rows[0]["form"])


@settings(max_examples=300, deadline=None)
@example("9007199254740993.0000000000000000001")
@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
        st.tuples(st.integers(2**52, 2**53 - 1), st.integers(0, 10)).map(lambda x: str((2 * x[0] + 1) << x[1])),
    )
)
def test_numbers_are_the_nearest_float_or_left_alone(text: str) -> None:
    found = decimal(text.encode())
    assert found is not None
    assert found != found or struct.pack("d", found) == struct.pack("d", float(text))


@pytest.mark.parametrize(
    "text",
    [
        "98.25",
        "0.1",
        "9007199254740993",
        "9223372036854775807",
        "1e23",
        "0.00012345678901234567",
        "5e22",
        "10000000000000000000000",
    ],
)
def test_numbers_that_must_not_be_left_alone(text: str) -> None:
    assert decimal(text.encode()) == float(text)


@pytest.mark.parametrize("text", ["", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "--1", "1e99999", "x"])
def test_no_numbers(text: str) -> None:
    assert decimal((text or " ").encode()) is None


@settings(max_examples=300, deadline=None)
@example("99999999999")
@example("100000000000")
@example("99999999999999")
@example("100000000000000")
@example("99999999999999999")
@example("100000000000000000")
@example("1767225600123.0000005")
@given(st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?(e[0-9])?", fullmatch=True))
def test_stamps_follow_the_ordinary_rule_or_are_left_alone(text: str) -> None:
    rows = np.zeros(1, NUMBER)
    read(np.frombuffer(text.encode(), np.uint8), 0, len(text), rows, 0)
    found = nanoseconds(rows[0]["mantissa"], rows[0]["power"], rows[0]["form"])
    expected = stamps.of_text(text)
    assert found == expected or found == -1
    assert found >= 0 or "e" in text or len(text) > 18 or expected == stamps.LATEST


def test_a_template_is_learnt_at_its_second_sight() -> None:
    templates, body, at = Templates(Names()), metric(1), np.zeros(1, np.int64)
    assert [int(templates.match([body], at).verdict[0]) for _ in range(2)] == [ORDINARY, LEARN]
    assert templates.learn(body) == 1
    found = templates.match([metric(1, 0.25, 7)], at)
    assert (found.verdict[0], found.value[0], found.time[0]) == (KNOWN, 0.25, 1767225607 * 10**9)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"a","tags":{"rack":12},"fields":{"x":1}}',
        b'{"name":"a","fields":{"x":1},"timestamp":"2026-01-01T00:00:00Z"}',
        b"a.b.c 1 1767225600",
        b'{"name":"a","fields":{' + b",".join(b'"f%d":%d' % (i, i) for i in range(SLOTS)) + b'},"timestamp":1}',
        b'{"name":"' + b"a" * LONGEST + b'","fields":{"x":1}}',
    ],
)
def test_what_is_not_plain_stays_with_the_ordinary_decoder(body: bytes) -> None:
    decoder = Decoder(Names())
    for _ in range(4):
        poll = Poll.of([body] * 3, stamp=5)
        assert said(decoder.update(poll)) == truth(poll)
    assert decoder.templates.match([body], np.zeros(1, np.int64)).verdict[0] != KNOWN


def test_bundles_of_known_lines_are_known() -> None:
    lines = [b"m%d x=%d,y=2i %d" % (i, i, 1767225600 + i) for i in range(50)]
    decoder = Decoder(Names())
    for _ in range(2):
        decoder.update(Poll.of(lines))
    r = random.Random(3)
    bundles = [b"\n".join(r.choices(lines, k=r.randrange(1, 200))) for _ in range(20)] + [
        b"\n".join(lines * (UNITS // 50 + 2))
    ]
    poll = Poll.of(bundles)
    assert said(decoder.update(poll)) == truth(poll)
    assert decoder.templates.match(bundles, np.zeros(21, np.int64)).verdict.tolist() == [KNOWN] * 20 + [ORDINARY]


def test_the_table_grows() -> None:
    decoder = Decoder(Names())
    for at in range(12):
        decoder.update(Poll.of([metric(i, 0.5, at) for i in range(1500)]))
    poll = Poll.of([metric(i, i + 0.25, i) for i in range(1500)])
    assert len(decoder.templates) == 1500
    assert (decoder.templates.match(poll.values, poll.stamps).verdict == KNOWN).all()
    assert said(decoder.update(poll)) == truth(poll)


def test_messages_that_never_repeat_are_not_kept() -> None:
    decoder = Decoder(Names())
    for first in range(0, 3000, 500):
        decoder.update(
            Poll.of([b'{"name":"a","tags":{"id":"x%d"},"fields":{"v":1}}' % i for i in range(first, first + 500)])
        )
    assert len(decoder.templates) == 0


def test_the_bound_holds_and_what_is_in_use_stays() -> None:
    names = Names()
    decoder = Decoder(names, templates=Templates(names, bound=64))
    for at in range(40):
        turn = range(at * 10, at * 10 + 10)  # ten new series in each round, seen thrice; series 0 for ever
        for again in range(3):
            poll = Poll.of([metric(0, again)] + [metric(i, again) for i in turn for _ in range(3)])
            assert said(decoder.update(poll)) == truth(poll)
        assert len(decoder.templates) <= 64
    for _ in range(10):  # enough messages for what the rounds left to be dropped
        decoder.update(Poll.of([metric(i) for i in (0, *range(390, 400)) for _ in range(3)]))
    last = decoder.templates.match([metric(0), metric(395), metric(15)], np.zeros(3, np.int64)).verdict
    assert last[0] == KNOWN
    assert last[1] == KNOWN
    assert last[2] != KNOWN


def test_memory_is_bounded_by_bytes_as_well() -> None:
    names = Names()
    templates = Templates(names, bound=4096)
    templates.store.room = 1 << 16
    for i in range(60):
        templates.learn(b'{"name":"a","tags":{"id":"%04d%s"},"fields":{"v":1}}' % (i, b"x" * 4000))
    assert len(templates) < 20
    assert templates.store.table.words.nbytes <= 1 << 16


def test_a_new_table_of_series_begins_anew() -> None:
    names = Names(bound=20)
    decoder = Decoder(names)
    for first in range(0, 90, 30):
        for at in range(4):
            poll = Poll.of([metric(i, at + 0.5) for i in range(first, first + 30)])
            assert said(decoder.update(poll)) == truth(poll)
