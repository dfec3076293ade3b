"""The embedded store: exact, written over by key, by several processes at once, while others read."""

import json
import math
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from config.records import MetricBatch, Row, Rows, Series
from config.settings import load
from config.telemetry import READY, REGISTRY
from sinks.sqlite import SqliteWriter, sqlite
from sinks.writer import Threaded


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "folder" / "alluse.db"


def query(file, statement):
    db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


def written(file, *items):
    writer = SqliteWriter(str(file))
    writer.write(list(items))
    writer.close()


# SQLite keeps -0.0 as 0.0.
def test_points_are_exact_and_written_once(file):
    values = [0.1, -12345.678901234567, 1e300, 5e-324, 1.7976931348623157e308]
    batch = MetricBatch.of([(r"cpu,dc=a\ b,host=h usage", 10**18 + k, x) for k, x in enumerate(values)])
    written(file, batch)
    written(file, batch)
    rows = query(file, "select time, series, tags, value from points order by time")
    assert repr(rows) == repr(
        [(10**18 + k, r"cpu,dc=a\ b,host=h usage", '{"dc": "a b", "host": "h"}', x) for k, x in enumerate(values)]
    )


def test_rows_carry_all_tags_and_keep_fields_that_are_absent_later(file):
    series = Series()
    codes = np.array([series.code("cpu,host=a,type=x usage"), series.code("cpu usage")])
    fields = {"mean": np.array([1.5, math.nan]), "count": np.array([3, 4]), "kind": ["dip", ""], "group": ["a", "b"]}
    written(file, Rows("windows", series, codes, np.array([60, 60]), {"length": "60s"}, fields))
    written(file, Row("windows", 60, {"length": "60s"}, {"count": 9, "mean": math.nan, "order": 2.5}, series.names[0]))
    rows = query(file, 'select series, tags, mean, count, kind, "group", "order" from windows order by series')
    assert rows == [
        (
            "cpu usage",
            json.dumps({"length": "60s", "metric": "cpu", "metric_field": "usage"}),
            None,
            4,
            None,
            "b",
            None,
        ),
        (
            "cpu,host=a,type=x usage",
            json.dumps({"exported_type": "x", "host": "a", "length": "60s", "metric": "cpu", "metric_field": "usage"}),
            1.5,
            9,
            "dip",
            "a",
            2.5,
        ),
    ]
    kinds = {name: kind for _, name, kind, *_ in query(file, "pragma table_info(windows)")}
    assert (kinds["mean"], kinds["count"], kinds["kind"]) == ("REAL", "INTEGER", "TEXT")


def test_rows_without_any_field_are_left_out(file):
    series = Series()
    codes = np.array([series.code("cpu usage")] * 2)
    written(file, Rows("scores", series, codes, np.array([1, 2]), {}, {"score": np.array([math.nan, 0.5])}))
    assert query(file, "select time, score from scores") == [(2, 0.5)]


def test_rows_without_series_have_an_empty_one(file):
    written(file, Row("quality", 60, {"topic": "metrics", "partition": "0", "producer": ""}, {"received": 7}))
    assert query(file, "select time, series, tags, received from quality") == [
        (60, "", '{"partition": "0", "topic": "metrics"}', 7)
    ]


LANE = """
import sys
from config.records import MetricBatch, Row
from sinks.sqlite import SqliteWriter
writer, lane = SqliteWriter(sys.argv[1]), sys.argv[2]
for k in range(60):
    batch = MetricBatch.of([(f"m,lane={lane},n={n} x", k, k + n / 8) for n in range(50)])
    writer.write([batch, Row("events", k, {"type": lane}, {f"field{lane}": 1.0 * k, "shared": k})])
"""


def test_two_processes_write_while_a_third_reads(file):
    written(file, Row("events", -1, {"type": "first"}, {"shared": 0}))
    lanes = [subprocess.Popen([sys.executable, "-c", LANE, str(file), str(n)]) for n in range(2)]
    seen = [0]
    while any(lane.poll() is None for lane in lanes):
        seen.append(query(file, "select count(*) from events")[0][0])
    assert [lane.returncode for lane in lanes] == [0, 0]
    assert seen == sorted(seen)
    assert query(file, "select count(*), sum(value) from points") == [
        (6000, 2 * sum(k + n / 8 for k in range(60) for n in range(50)))
    ]
    assert query(file, "select count(*), count(field0), count(field1), sum(shared) from events") == [
        (121, 60, 60, 3540)
    ]


def test_a_locked_file_is_waited_for(file):
    written(file, MetricBatch.of([("m x", 1, 1.0)]))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    writer = SqliteWriter(str(file), busy=0.01)
    part = Threaded(writer)
    part.write_batch([MetricBatch.of([("m x", 2, 2.0)])])
    until(lambda: "database is locked" in READY.reasons().get("sqlite", ""))
    holder.execute("COMMIT")
    holder.close()
    part.snapshot()
    assert "sqlite" not in READY.reasons()
    part.close()
    assert query(file, "select time, value from points") == [(1, 1.0), (2, 2.0)]


def test_a_full_file_is_waited_for(file):
    writer = SqliteWriter(str(file))
    writer.write([MetricBatch.of([("m x", 0, 0.0)])])
    pages = writer._open().execute("PRAGMA page_count").fetchone()[0]
    writer._open().execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to be full
    retries = REGISTRY.get_sample_value("alluse_sink_retries_total", {"sink": "sqlite"}) or 0.0
    big = MetricBatch.of([("m x", k, 1.0 * k) for k in range(5000)])
    thread = threading.Thread(target=writer.write, args=([big],))
    thread.start()
    thread.join(20)
    assert query(file, "select count(*) from points") == [(5000,)]
    assert REGISTRY.get_sample_value("alluse_sink_retries_total", {"sink": "sqlite"}) > retries


def test_a_folder_that_cannot_be_made_is_waited_for(tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    file = tmp_path / "taken" / "alluse.db"
    part = Threaded(SqliteWriter(str(file)))
    part.write_batch([MetricBatch.of([("m x", 1, 1.0)])])
    until(lambda: "sqlite.path" in READY.reasons().get("sqlite", ""))
    (tmp_path / "taken").unlink()
    part.snapshot()
    part.close()
    assert query(file, "select time, value from points") == [(1, 1.0)]


def test_a_wrong_file_ends_the_flow(tmp_path):
    file = tmp_path / "alluse.db"
    file.write_bytes(b"this is no database, and long enough to be seen as none" * 20)
    part = sqlite(load({"ALLUSE_SQLITE__PATH": str(file)})).build_part("store", "out", None)
    part.write_batch([MetricBatch.of([("m x", 1, 1.0)])])
    with pytest.raises(RuntimeError, match="file is not a database"):
        part.snapshot()
    with pytest.raises(RuntimeError, match="file is not a database"):
        part.write_batch([])


def test_a_killed_process_leaves_whole_transactions(file):
    program = LANE.replace("range(60)", "range(10**9)")
    child = subprocess.Popen([sys.executable, "-c", program, str(file), "0"])
    log = file.with_name(f"{file.name}-wal")
    try:
        until(lambda: log.exists() and log.stat().st_size > 100_000)
    finally:
        child.kill()
        child.wait()
    (events,), (points,) = query(file, "select count(*) from events")[0], query(file, "select count(*) from points")[0]
    assert points == 50 * events > 0


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
