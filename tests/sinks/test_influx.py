"""What becomes of points when a real InfluxDB takes them, refuses them, is away, or is answered for."""

import math
import os
import subprocess
import sys
import threading
import time
import uuid

import numpy as np
import pytest

from config.records import SECOND, MetricBatch, Poll, Row, Rows, Series
from config.telemetry import READY, REGISTRY
from sinks.database import Database
from sinks.influx import CHUNK, InfluxWriter
from sinks.patience import Backoff
from sinks.writer import Threaded

NOW = int(time.time()) * SECOND


def quick():
    return Backoff("influx", first=0.01, longest=0.02)


@pytest.fixture
def writer(settings, influx, box):
    """Make a writer, by default straight to InfluxDB, that pauses shortly."""
    made = []

    def make(**more):
        section = settings(influx, **more).influx
        made.append(InfluxWriter(section, box, Database(section, quick)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def name():
    """A measurement of the test's own."""
    return f"m{uuid.uuid4().hex[:12]}"


def stored(influx, name, field="value"):
    rows = influx.flux(
        f'from(bucket:"{influx.bucket}") |> range(start: 0, stop: 2200-01-01T00:00:00Z)'
        f' |> filter(fn: (r) => r._measurement == "{name}" and r._field == "{field}")'
    )
    return sorted((row.get("host"), round(row["_time"].timestamp()), row["_value"]) for row in rows)


def points(name, *values, field="value", start=NOW, key=b"k"):
    """A message a point, a second apart."""
    batch = MetricBatch.of([(f"{name},host=h{k} {field}", start + k * SECOND, x) for k, x in enumerate(values)])
    values = [b"original %d" % k for k in range(len(batch))]
    poll = Poll.of(values, keys=[key] * len(batch), offset=100, partition=3, stamp=NOW)
    return MetricBatch(poll, batch.series, batch.codes, batch.time, batch.value, batch.message)


def expected(*values, start=NOW):
    return sorted((f"h{k}", start // SECOND + k, x) for k, x in enumerate(values) if x is not None)


def metric(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_points_and_rows_arrive_exactly(writer, influx, name, box):
    numbers = [0.1, -0.0, 1e300, 5e-324, 1.7976931348623157e308, 2**53 + 2.0, -12345.678901234567]
    writer().write([points(name, *numbers), Row(name, NOW, {"host": "r"}, {"count": 7, "text": 'a "b"\\\n c'})])
    assert repr([x for _, _, x in stored(influx, name)]) == repr(numbers)
    assert stored(influx, name, "count") == [("r", NOW // SECOND, 7)]
    ((_, _, text),) = stored(influx, name, "text")
    assert text.replace("\r", "") == 'a "b"\\\n c'  # the CSV of the answer has its own line breaks
    assert box.rejects == []


def test_windows_carry_their_series_and_leave_out_what_is_absent(writer, influx, name):
    series = Series()
    codes = np.array([series.code(f"{name},host=a,type=x value"), series.code(f"{name},host=b value")])
    fields = {"count": np.array([3, 4]), "rate": np.array([math.nan, 0.5])}
    writer().write([Rows("windows", series, codes, np.array([NOW, NOW]), {"length": "60s"}, fields)])
    rows = influx.flux(f'from(bucket:"{influx.bucket}") |> range(start:-1h) |> filter(fn: (r) => r.metric == "{name}")')
    tags = ("host", "exported_type", "metric_field", "length", "_field", "_value")
    assert sorted([tuple(str(row.get(tag)) for tag in tags) for row in rows]) == [
        ("a", "x", "value", "60s", "count", "3"),
        ("b", "None", "value", "60s", "count", "4"),
        ("b", "None", "value", "60s", "rate", "0.5"),
    ]


def test_kinds_go_to_their_buckets(writer, influx, name):
    for database in ("points_db", "windows_db", "results_db"):
        influx.influxql(f"CREATE DATABASE {database}")
    buckets = '{"points":"points_db/autogen","windows":"windows_db/autogen","results":"results_db/autogen"}'
    row = {"time": NOW, "tags": {"host": name}, "fields": {"value": 1.0}}
    writer(influx__buckets=buckets).write([points(name, 1.0), Row("windows", **row), Row("scores", **row)])
    assert f'"{name}"' in influx.influxql("SHOW MEASUREMENTS ON points_db")
    assert '"windows"' in influx.influxql("SHOW MEASUREMENTS ON windows_db")
    assert '"scores"' in influx.influxql("SHOW MEASUREMENTS ON results_db")


def test_many_points_go_in_chunks_compressed_or_not(writer, influx, proxy, name, box):
    values = [float(k) for k in range(2 * CHUNK + 1)]
    near = writer(influx__url=proxy.url)
    later = NOW + (CHUNK + 1) * SECOND
    seen = metric("alluse_event_delay_seconds_count")
    items = [points(name, *values[: CHUNK + 1]), points(name, *values[CHUNK + 1 :], start=later)]
    near.write(items)
    assert [body.count(b"\n") for _, _, body in proxy.seen] == [CHUNK, CHUNK, 1]
    proxy.seen.clear()
    near._database._gzip = True  # as for a host that is not this one
    near.write(items)
    assert {headers["Content-Encoding"] for _, headers, _ in proxy.seen} == {"gzip"}
    assert len(stored(influx, name)) == 2 * CHUNK + 1
    assert 20 <= metric("alluse_event_delay_seconds_count") - seen <= 64  # a sample: many points, few observations
    assert box.rejects == []


def test_points_expired_by_the_policy_are_rejected_and_the_rest_stored(writer, influx, name, box):
    influx.influxql("CREATE DATABASE short WITH DURATION 1h REPLICATION 1 NAME hour")
    two_hours_ago, few = NOW - 7200 * SECOND, writer(influx__bucket="short/hour")
    few.write([points(name, *map(float, range(300)), start=two_hours_ago), points(name, 1.0, 2.0)])
    rows = influx.flux(
        f'from(bucket:"short/hour") |> range(start:-1d) |> filter(fn: (r) => r._measurement == "{name}")'
    )
    assert sorted(row["_value"] for row in rows) == [1.0, 2.0]
    assert len(box.rejects) == 300
    assert all("points beyond retention policy" in reject.error for reject in box.rejects)


def test_fields_of_another_type_are_rejected_alone(writer, influx, proxy, name, box):
    writer().write([Row(name, NOW, {"host": "first"}, {"odd": 7})])
    before = metric("alluse_rejects_total", error_code="store-refused")
    batch = MetricBatch.of(
        [
            (f"{name},host=h{k} {field}", NOW + k * SECOND, float(k))
            for k in range(20)
            for field in ("even", "odd", "more")
        ]
    )
    poll = Poll.of([b"message %d" % k for k in range(20)], keys=[b"k"] * 20, offset=100, partition=3)
    message = np.repeat(np.arange(20), 3)
    through = writer(influx__url=proxy.url)
    through.write([MetricBatch(poll, batch.series, batch.codes, batch.time, batch.value, message)])
    assert len(proxy.seen) <= 6  # the error names the field, so no searching
    assert stored(influx, name, "even") == stored(influx, name, "more") == expected(*map(float, range(20)))
    assert stored(influx, name, "odd") == [("first", NOW // SECOND, 7)]
    assert [
        (r.poll.values[r.message], int(r.poll.offsets[r.message]), r.code, r.stage, r.points) for r in box.rejects
    ] == [(b"message %d" % k, 100 + k, "store-refused", "store", 1) for k in range(20)]
    assert box.rejects[5].series == (f"{name},host=h5 odd",)
    assert "is type float, already exists as type integer" in box.rejects[5].error
    assert metric("alluse_rejects_total", error_code="store-refused") == before + 20


def test_malformed_lines_are_found_among_good_ones(writer, influx, name, box):
    batch = points(name, *map(float, range(50)))
    batch.series.names[17] = f"{name},host= value"  # an empty tag value
    batch.series.names[33] = f"{name},host=h33 time"  # a field that InfluxDB keeps for itself
    writer().write([batch])
    assert stored(influx, name) == expected(*[None if k in (17, 33) else float(k) for k in range(50)])
    assert sorted(reject.message for reject in box.rejects) == [17, 33]


def test_a_refused_row_of_ours_is_rejected_as_its_line(writer, name, box):
    writer().write([Row(name, NOW, {}, {"value": 1})])
    writer().write([Row(name, NOW, {}, {"value": 1.5}, "cpu,host=a usage")])
    (reject,) = box.rejects
    line = f"{name},host=a,metric=cpu,metric_field=usage value=1.5 {NOW}".encode()
    assert (reject.poll.values, reject.poll.keys, reject.series) == ([line], [None], ("cpu,host=a usage",))


def test_a_request_too_large_is_divided(writer, influx, proxy, name, box):
    proxy.answer(413, b"Request Entity Too Large", times=3)
    writer(influx__url=proxy.url).write([points(name, *map(float, range(8)))])
    assert [body.count(b"\n") for _, _, body in proxy.seen[:4]] == [8, 4, 2, 1]
    assert stored(influx, name) == expected(*map(float, range(8)))
    assert box.rejects == []


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (429, b"slow down", "429"),
        (500, b'{"error":"engine: shard is disabled"}', "500"),
        (503, b"Service Unavailable", "503"),
        (401, b'{"error":"authorization failed"}', "influx.token"),
        (403, b'{"error":"no right"}', "influx.token"),
        (404, b'{"error":"database not found"}', "influx.bucket"),
        (400, b"Client sent an HTTP request to an HTTPS server.", "HTTPS"),
        (301, b"", "301"),
    ],
)
def test_what_may_pass_is_waited_for(writer, influx, proxy, name, box, status, body, word):
    retries = metric("alluse_sink_retries_total", sink="influx")
    patient = writer(influx__url=proxy.url)
    proxy.answer(status, body)
    thread = threading.Thread(target=patient.write, args=([points(name, 1.0)],), daemon=True)
    thread.start()
    until(lambda: len(proxy.seen) >= 4)
    assert word in READY.reasons()["influx"]
    assert stored(influx, name) == []
    proxy.answer(0, times=0)
    thread.join(10)
    assert stored(influx, name) == expected(1.0)
    assert "influx" not in READY.reasons()
    assert box.rejects == []
    assert metric("alluse_sink_retries_total", sink="influx") >= retries + 3


def test_retry_after_is_obeyed(writer, influx, proxy, name):
    proxy.answer(429, times=1, Retry_After="1")
    began = time.monotonic()
    writer(influx__url=proxy.url).write([points(name, 1.0)])
    assert time.monotonic() - began >= 1
    assert stored(influx, name) == expected(1.0)


def test_a_5xx_that_does_not_pass_ends_in_rejects(writer, influx, name, box):
    """A missing policy says 500, for ever."""
    wrong = writer(influx__bucket="metrics/nosuch", influx__give_up="0.3")
    wrong.write([points(name, *map(float, range(3)))])
    assert [reject.code for reject in box.rejects] == ["store-refused"] * 3
    assert box.rejects[0].error.startswith("500 for ")
    assert "retention policy not found" in box.rejects[0].error


def test_killed_and_started_again_loses_nothing(settings, own_influx, box, name):
    part = Threaded(InfluxWriter(settings(own_influx).influx, box))
    for k in range(20):
        if k == 5:
            own_influx.kill()
        if k == 15:
            own_influx.start()
        part.write_batch([points(name, *map(float, range(200)), start=NOW + 200 * k * SECOND)])
        time.sleep(0.05)
    part.snapshot()
    assert len({(t, x) for _, t, x in stored(own_influx, name)}) == 4000
    assert box.rejects == []
    assert "influx" not in READY.reasons()
    part.close()


def test_a_sink_that_takes_nothing_does_not_hold_up_a_stop(influx):
    """In a process of its own, for it ends at once, with 0 and without having committed."""
    program = """
import logging, sinks.patience
from config.records import Row
from config.settings import load
from config.stop import STOP
from sinks.influx import influx
logging.basicConfig()
sinks.patience.LAST_WAIT = 0.3
part = influx(load(), None).build_part("store", "out", None)
part.write_batch([Row("events", 1, {}, {"value": 1.0})])
STOP.ask()
part.snapshot()
print("committed")
"""
    env = {**os.environ, **influx.env, "ALLUSE_INFLUX__URL": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no answer from http://127.0.0.1:9" in done.stderr
    assert "influx takes nothing" in done.stderr


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
