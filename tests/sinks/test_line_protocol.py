"""Line protocol is read back by a parser of the test's own, character by character."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.records import MetricBatch, Poll, Row, Rows, Series
from config.series import Name
from sinks.line_protocol import LineProtocol
from sinks.series import OURS, TAGS, Remembered, own_tags


def read(body):
    """Return (measurement, tags, fields, time) of each line, by InfluxDB's rules."""
    text, i, found = body.decode(), 0, []

    def word(stops):
        nonlocal i
        out = ""
        while text[i] not in stops:
            if text[i] == "\\" and text[i + 1] in ",= ":
                i += 1
            out += text[i]
            i += 1
        return out

    def value():
        nonlocal i
        if text[i] != '"':
            token = word(", ")
            return int(token[:-1]) if token.endswith("i") else float(token)
        out, i = "", i + 1
        while text[i] != '"':
            i += text[i] == "\\" and text[i + 1] in '"\\'
            out += text[i]
            i += 1
        i += 1
        return out

    while i < len(text):
        measurement, tags, fields = word(", "), {}, {}
        while text[i] == ",":
            i += 1
            key = word("=")
            i += 1
            assert key not in tags
            tags[key] = word(", ")
        while (text[i] in ", " and not fields) or text[i] == ",":
            i += 1
            key = word("=")
            i += 1
            assert key not in fields
            fields[key] = value()
        i += 1
        time = word("\n")
        i += 1
        found.append((measurement, tags, fields, int(time)))
    return found


def escaped(text, special):
    return "".join("\\" + c if c in special else c for c in text)


def name_of(measurement, tags, field):
    pairs = "".join(f",{escaped(k, ',= ')}={escaped(v, ',= ')}" for k, v in sorted(tags.items()))
    return f"{escaped(measurement, ', ')}{pairs} {escaped(field, ',= ')}"


letters = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
words = st.text(letters, min_size=1, max_size=8).filter(lambda w: w[-1] != "\\" and w[0] != "#")
tagged = st.dictionaries(words | st.sampled_from(sorted(TAGS)), words, max_size=3)
times = st.integers(-(2**62), 2**62)
numbers = st.floats(allow_nan=False, allow_infinity=False)
series = st.tuples(words | st.sampled_from(sorted(OURS)), tagged, words)


@given(st.lists(st.tuples(series, times, numbers, st.booleans()), max_size=12))
def test_points_read_back_exactly(drawn):
    numbering, message = Series(), -1
    codes, messages = [], []
    for (measurement, tags, field), _, _, again in drawn:
        codes.append(numbering.code(name_of(measurement, tags, field)))
        message += message < 0 or not again
        messages.append(message)
    batch = MetricBatch(
        Poll.of([b""] * (message + 1)),
        numbering,
        np.array(codes, np.int64),
        np.array([t for _, t, _, _ in drawn], np.int64),
        np.array([x for _, _, x, _ in drawn]),
        np.array(messages, np.int64),
    )
    want = [
        (f"exported_{m}" if m in OURS else m, dict(sorted(tags.items())), {field: x}, t)
        for (m, tags, field), t, x, _ in drawn
    ]
    for together in (False, True):
        lines = LineProtocol().points(batch, together=together)
        got, whole = [], read(lines.body())
        assert len(whole) == len(lines)
        assert [line for k in range(len(lines)) for line in read(lines.body(k, k + 1))] == whole
        for measurement, tags, fields, time in whole:
            got += [(measurement, tags, {k: v}, time) for k, v in fields.items()]
        assert repr(got) == repr(want)


def test_fields_of_one_message_share_a_line():
    names = [
        "cpu,host=a idle",
        "cpu,host=a user",
        "cpu,host=b idle",
        "cpu,host=b time",
        "cpu,host=b sys",
        "cpu,host=b x",
    ]
    batch = MetricBatch.of([(name, 7, k) for k, name in enumerate(names)])
    one = MetricBatch(batch.poll, batch.series, batch.codes, batch.time, batch.value, np.array([0, 0, 0, 0, 0, 1]))
    lines = LineProtocol()(one)
    assert lines.body().decode().splitlines() == [
        "cpu,host=a idle=0.0,user=1.0 7",
        "cpu,host=b idle=2.0 7",
        "cpu,host=b time=3.0 7",  # InfluxDB drops a field of this name in silence unless it stands alone
        "cpu,host=b sys=4.0 7",
        "cpu,host=b x=5.0 7",
    ]
    assert [lines.span(k) for k in range(len(lines))] == [(0, 2), (2, 3), (3, 4), (4, 5), (5, 6)]


def test_equal_series_in_one_message_stand_alone():
    batch = MetricBatch.of([("fill price", 7, 1.0), ("fill price", 7, 2.0)])
    one = MetricBatch(batch.poll, batch.series, batch.codes, batch.time, batch.value, np.array([0, 0]))
    assert read(LineProtocol()(one).body()) == [("fill", {}, {"price": 1.0}, 7), ("fill", {}, {"price": 2.0}, 7)]


def test_a_measurement_that_looks_like_a_comment_is_no_comment():
    assert LineProtocol()(MetricBatch.of([("#disk used", 7, 1.0)])).body() == b"\\#disk used=1.0 7\n"


columns = st.sampled_from(["float", "int", "text"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.data(), st.integers(0, 6))
def test_rows_read_back_exactly(data, n):
    numbering, fields, want = Series(), {}, defaultdict(dict)
    drawn = data.draw(st.lists(series, min_size=n, max_size=n))
    codes = [numbering.code(name_of(*s)) for s in drawn]
    stamps = data.draw(st.lists(times, min_size=n, max_size=n))
    for name, kind in data.draw(st.dictionaries(words, columns, max_size=4)).items():
        values = {"float": st.floats(), "int": st.integers(-(2**63), 2**63 - 1), "text": texts}[kind]
        column = data.draw(st.lists(values, min_size=n, max_size=n))
        fields[name] = column if kind == "text" else np.array(column, np.float64 if kind == "float" else np.int64)
        for k, x in enumerate(column):
            if x != "" and (isinstance(x, str) or math.isfinite(x)):
                want[k][name] = x
    tags = {"length": "60s", "producer": ""}
    rows = Rows("windows", numbering, np.array(codes, np.int64), np.array(stamps, np.int64), tags, fields)
    lines = LineProtocol()(rows)
    expected = [
        ("windows", own_tags(numbering.names[codes[k]]) | {"length": "60s"}, want[k], stamps[k]) for k in sorted(want)
    ]
    assert repr([(m, sorted(t.items()), f, i) for m, t, f, i in read(lines.body())]) == repr(
        [(m, sorted(t.items()), f, i) for m, t, f, i in expected]
    )
    assert lines.rows.tolist() == sorted(want)


@given(series)
def test_a_row_is_the_row_of_rows(drawn):
    name = name_of(*drawn)
    numbering = Series()
    rows = Rows(
        "anomalies", numbering, np.array([numbering.code(name)]), np.array([5]), {"step": "60s"}, {"kind": ["dip"]}
    )
    row = Row("anomalies", 5, {"step": "60s"} | {"metric": drawn[0]}, {"kind": "dip"}, name)
    assert LineProtocol()(row).body() == LineProtocol()(rows).body()


@given(series)
def test_own_tags_leave_our_names_free(drawn):
    measurement, tags, field = drawn
    found = own_tags(name_of(measurement, tags, field))
    assert (found.pop("metric"), found.pop("metric_field")) == (measurement, field)
    assert not TAGS & set(found)
    assert sorted(found.values()) == sorted(tags.values())
    assert Name.of(name_of(measurement, tags, field))[1:] == (measurement, tuple(sorted(tags.items())), field)


def test_a_tag_already_called_exported_is_kept():
    tags = own_tags("m,exported_type=x,type=y f")
    assert tags == {"exported_type": "x", "exported_exported_type": "y", "metric": "m", "metric_field": "f"}


def test_quality_rows_have_no_series():
    row = Row("quality", 60, {"topic": "metrics", "partition": "3"}, {"received": 7, "completeness": math.nan})
    assert LineProtocol()(row).body() == b"quality,partition=3,topic=metrics received=7i 60\n"


def test_what_is_remembered_stays_bounded():
    lengths = Remembered(len, limit=10)
    assert [lengths[str(k)] for k in range(100)] == [1] * 10 + [2] * 90
    assert len(lengths) <= 10


@pytest.mark.parametrize("text", ["two\nlines", "back\\", "a=b, c"])
def test_tags_that_lines_cannot_hold_do_not_break_them(text):
    body = LineProtocol()(Row("events", 1, {"type": text}, {"value": 1.0})).body()
    assert [fields for _, _, fields, _ in read(body)] == [{"value": 1.0}]
