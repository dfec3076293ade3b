"""Alerts of the whole flow on real servers: their records, states, ids and ends; and that all stores hold the same."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import cramjam
import pytest

from operators.decode.remote_write import WriteRequest
from tests.integration.live import Live, Stored, headers, series_key, telegraf, until
from tests.services import Influx, Kafka

T = 1_767_225_600
END = 2400
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
RULES = """
[[rule]]
name = "TooHigh"
metric = "cpu"
tags = { host = "spike" }
step = "60s"
value = "max"
above = 150.0
severity = "critical"
annotations = { summary = "{host} is at {value}" }
[[rule]]
name = "Hot"
metric = "cpu"
tags = { host = "quiet" }
step = "points"
above = 250.0
[[rule]]
name = "Gone"
metric = "cpu"
step = "points"
value = "silence"
above = 900
[[rule]]
name = "Up"
metric = "up"
step = "points"
above = 0.5
severity = "info"
"""
# alertname, status, reason, seconds of start and end after T
CHANGES = [
    ("Hot", "firing", "", 0, None),  # at once
    ("Up", "firing", "", 0, None),
    ("Up", "resolved", "no-data", 0, 290),  # the stale marker of 300 s comes before the shard's stamp of 300 s
    ("TooHigh", "firing", "", 660, None),  # the end of the first window above
    ("TooHigh", "resolved", "", 660, 720),
    ("Hot", "resolved", "no-data", 0, 890),  # silent since 590 s: 5 minutes, for five of its intervals are less
    ("Gone", "firing", "", 1490, None),
    ("Gone", "resolved", "", 1490, 2000),  # the series is back
]


def messages() -> Iterator[tuple[int, bytes, bytes]]:
    """Four series, a point every 10 s: a steady one, one with a spike, one that pauses, one that is ended by a stale marker."""
    for s in range(0, END, 10):
        values = {"steady": 50.0 + s % 7, "spike": 300.0 if 600 <= s < 660 else 50.0}
        if s < 600 or s >= 2000:
            values["quiet"] = 300.0 if s < 600 else 50.0
        if s <= 300:
            yield 0, b"up", remote(1.0 if s < 300 else STALE, T + s)
        for host, value in values.items():
            yield 0, host.encode(), telegraf("cpu", {"host": host}, value, T + s, "usage_idle")


def remote(value: float, seconds: int) -> bytes:
    request = WriteRequest()
    series = request.timeseries.add()
    for name, text in (("__name__", "up"), ("job", "node")):
        series.labels.add(name=name, value=text)
    series.samples.add(value=value, timestamp=seconds * 1000)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


@pytest.fixture(scope="module")
def flow(broker: Kafka, influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(
        tmp_path_factory.mktemp("alerts"),
        broker,
        influx,
        rules=RULES,
        windows__every="60",
        store__kind="influx,sqlite,kafka",
        store__scores="all",
    ) as flow:
        flow.send(messages())
        flow.start()
        flow.settle()
        yield flow


@pytest.fixture(scope="module")
def bodies(flow):
    return flow.alerts()


def rfc3339(seconds: int | None) -> str:
    return (
        "0001-01-01T00:00:00Z" if seconds is None else f"{datetime.fromtimestamp(T + seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    )


def test_alerts_fire_and_resolve_when_and_why_they_should(bodies):
    found = {(b["labels"]["alertname"], b["status"], b["reason"], b["startsAt"], b["endsAt"]) for b in bodies}
    assert found == {(*change[:3], rfc3339(change[3]), rfc3339(change[4])) for change in CHANGES}
    assert len(bodies) == len(CHANGES)


def test_a_record_has_the_fields_of_the_interface(flow, bodies):
    fired = next(b for b in bodies if b["labels"]["alertname"] == "TooHigh" and b["status"] == "firing")
    offsets = {m.value(): m.offset() for m in flow.read("metrics")}
    spike = [offsets[telegraf("cpu", {"host": "spike"}, 300.0, T + s, "usage_idle")] for s in (600, 650)]
    lineage = fired["lineage"]
    assert re.fullmatch("[0-9a-f]{16}", fired["fingerprint"])
    assert re.fullmatch("[0-9a-f]{16}", lineage["config_hash"])
    assert fired == {
        "status": "firing",
        "state": "firing",
        "reason": "",
        "fingerprint": fired["fingerprint"],
        "id": fired["id"],
        "revision": 0,
        "labels": {
            "alertname": "TooHigh",
            "severity": "critical",
            "host": "spike",
            "metric": "cpu",
            "field": "usage_idle",
            "step": "60s",
        },
        "annotations": {"summary": "spike is at 300", "description": fired["annotations"]["description"]},
        "startsAt": rfc3339(660),
        "endsAt": rfc3339(None),
        "generatorURL": fired["generatorURL"],
        "value": 300.0,
        "score": fired["score"],
        "detectors": fired["detectors"],
        "expected": fired["expected"],
        "kind": "high",
        "lineage": {
            "topic": flow.topics["metrics"],
            "partition": 0,
            "offset_first": spike[0],
            "offset_last": spike[1],
            "config_hash": lineage["config_hash"],
            "version": lineage["version"],
        },
        "schema_version": 1,
    }
    assert fired["annotations"]["description"]
    assert fired["expected"].keys() == {"yhat", "yhat_lower", "yhat_upper"}


def test_every_record_has_the_same_keys_and_an_id_of_its_own(bodies):
    assert len({frozenset(b) for b in bodies}) == 1
    assert len({b["id"] for b in bodies}) == len(bodies)
    by_fingerprint = defaultdict(list)
    for b in bodies:
        by_fingerprint[b["fingerprint"]].append((b["labels"]["alertname"], b["revision"]))
    assert len(by_fingerprint) == 4
    assert all([r for _, r in records] == [0, 1] for records in by_fingerprint.values())


def test_records_are_cloudevents_in_binary_mode(flow):
    for message in flow.read("alerts"):
        body, h = json.loads(message.value()), headers(message)
        assert message.key().decode() == body["fingerprint"]
        assert h == {
            "ce_specversion": "1.0",
            "ce_id": body["id"],
            "ce_source": h["ce_source"],
            "ce_type": f"alluse.alert.{body['status']}",
            "ce_time": body["endsAt"] if body["status"] == "resolved" else body["startsAt"],
            "content-type": "application/json",
        }
        assert h["ce_source"]


def test_the_state_topic_ends_with_the_newest_record_of_each_alert(flow, bodies):
    newest = {}
    for message in flow.read("alerts_state"):
        newest[message.key().decode()] = json.loads(message.value())  # what compaction leaves
    expected = {}
    for b in sorted(bodies, key=lambda b: (b["startsAt"], b["revision"])):
        expected[b["fingerprint"]] = b
    assert newest == expected


def test_changes_are_rows_too(flow, bodies):
    rows = {fields["id"]: (time, fields) for (_, time), fields in flow.rows("alerts").items()}
    assert rows.keys() == {b["id"] for b in bodies}
    for b in bodies:
        time, fields = rows[b["id"]]
        changed = b["endsAt"] if b["status"] == "resolved" else b["startsAt"]
        assert datetime.fromtimestamp(time // 10**9, UTC) == datetime.fromisoformat(changed)
        assert (fields["firing"], fields["state"]) == (int(b["status"] == "firing"), b["state"])
        assert fields["summary"] == b["annotations"]["summary"]


def test_the_stores_hold_the_same(flow):
    kinds = {"cpu", "up", "windows", "scores", "anomalies", "trends", "alerts"}

    def held() -> list[Stored]:
        found = [flow.rows(), embedded(flow), topic(flow)]
        return [{at: f for at, f in rows.items() if at[0].split(",")[0] in kinds} for rows in found]

    def same() -> list[Stored]:  # a window that the clock closes may come a moment later
        rows = held()
        return rows if rows[0] == rows[1] == rows[2] else []

    rows = until(same)
    assert {series.split(",")[0] for series, _ in rows[0]} >= kinds - {"anomalies"}
    points = [at for at in rows[0] if at[0].split(",")[0] in ("cpu", "up")]
    assert len(points) == sum(1 for _ in messages()) - 1


def embedded(flow: Live) -> Stored:
    """Return the rows of SQLite as `Live.rows` returns those of InfluxDB."""
    found: Stored = defaultdict(dict)
    db = sqlite3.connect(f"file:{flow.folder}/alluse.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in map(dict, db.execute(f'SELECT * FROM "{table}"')):
            time, series, tags = row.pop("time"), row.pop("series"), json.loads(row.pop("tags"))
            if table == "points":
                key, field = series.rsplit(" ", 1)
                found[key, time][field] = row["value"]
            else:
                found[series_key(table, tags), time] |= {k: v for k, v in row.items() if v is not None}
    db.close()
    return dict(found)


def topic(flow: Live) -> Stored:
    """Return the rows of the topic `results`, which is line protocol."""
    found: Stored = defaultdict(dict)
    for message in flow.read("results"):
        for line in message.value().decode().splitlines():
            head, rest = line.split(" ", 1)
            name, *tags = head.split(",")
            key = series_key(name, dict(tag.split("=") for tag in tags))
            fields, time = rest.rsplit(" ", 1)
            for field, text, number in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,"]+))', fields):
                value = int(number[:-1]) if number.endswith("i") else float(number) if number else text
                found[key, int(time)][field] = value
    return dict(found)


def test_a_replay_on_a_fresh_store_gives_the_same_records(flow, bodies, tmp_path):
    rows = flow.rows("alerts")
    with Live(tmp_path, flow.kafka, flow.influx, metrics=flow.topics["metrics"], rules=RULES, windows__every="60",
              store__kind="influx", store__scores="all") as again:  # fmt: skip
        again.start()
        again.settle()
        assert again.stop() == [0]
        assert sorted(again.alerts(), key=str) == sorted(bodies, key=str)
        assert again.rows("alerts") == rows
