"""Every reject code provoked once on real servers, and what a run leaves on `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from config import VERSION
from tests.integration.live import Live, headers, now, telegraf, until
from tests.interface import ERROR_CODES, METRICS
from tests.services import Influx, Kafka

T = now() - 3600
TAGS = {"host": "a"}
SPEAKS = [telegraf("cpu", TAGS, x, T + 10 * s, "idle") for s, x in enumerate([50.0, 51.0, 52.0] * 15)]
NO_NUMBERS = b'{"name":"cpu","fields":{"model":"x86","idle":null}}'
RULE = '[[rule]]\nname = "Idle"\nmetric = "cpu"\nstep = "points"\nabove = 51.5\nseverity = "info"\n'
# code: (message, stage, points, series)
PROVOKE: dict[str, tuple[bytes, str, int, str]] = {
    "undecodable": (b"\xff\xfe neither \x00 nor", "decode", 1, ""),
    "unsupported": (b'{"receiver":"hook","alerts":[{"status":"firing"}]}', "decode", 1, ""),
    "too-large": (b"cpu,host=a " + b",".join(b"f%d=1" % n for n in range(400)), "decode", 1, ""),
    "not-finite": (b'{"name":"cpu","labels":{"host":"a"},"value":"NaN"}', "validate", 1, "cpu,host=a value"),
    "out-of-range": (telegraf("ranged", TAGS, 11.0, T), "validate", 1, "ranged,host=a v"),
    "too-old": (telegraf("cpu", TAGS, 1.0, -86400, "idle"), "validate", 1, "cpu,host=a idle"),
    "future": (telegraf("cpu", TAGS, 1.0, now() + 86400, "idle"), "validate", 1, "cpu,host=a idle"),
    "late": (telegraf("cpu", TAGS, 1.0, T - 600, "idle"), "validate", 1, "cpu,host=a idle"),
    "conflict": (telegraf("cpu", TAGS, 9.0, T + 440, "idle"), "validate", 1, "cpu,host=a idle"),
    "store-refused": (telegraf("clash", TAGS, 1.0, T), "store", 1, "clash,host=a v"),
    "cardinality": (b"many a=1,b=2,c=3 %d" % (T * 10**9), "validate", 2, "many b\nmany c"),
}


@pytest.fixture(scope="module")
def flow(broker: Kafka, influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One series of 45 points, then one message for each code; there is room for three series."""
    with Live(
        tmp_path_factory.mktemp("rejects"),
        broker,
        influx,
        limits__series="3",
        limits__message_bytes="2000",
        rules=RULE,
        metric='{"ranged": {"max": 10.0}}',
        windows__every="60",
    ) as flow:
        line = Request(f"{influx.url}/write?db={flow.database}", b'clash,host=a v="text"', method="POST")
        urlopen(line, timeout=10).close()  # of a field that is text InfluxDB takes no number
        flow.start()
        flow.send((0, b"a", body) for body in SPEAKS)
        flow.send((0, b"\x00key of " + code.encode(), body) for code, (body, *_) in PROVOKE.items())
        flow.send([(0, b"a", SPEAKS[-1]), (0, b"a", NO_NUMBERS)])
        flow.settle()
        yield flow


@pytest.fixture(scope="module")
def rejects(flow):
    return {headers(m)["error_code"]: m for m in flow.read("rejects")}


def test_each_code_comes_once(flow, rejects):
    assert sorted(PROVOKE) == sorted(ERROR_CODES)
    assert sorted(headers(m)["error_code"] for m in flow.read("rejects")) == sorted(ERROR_CODES)


@pytest.mark.parametrize("code", PROVOKE)
def test_a_reject_is_the_original_message_and_says_why(flow, rejects, code):
    message, (body, stage, points, series) = rejects[code], PROVOKE[code]
    assert (message.key(), message.value()) == (b"\x00key of " + code.encode(), body)
    h = headers(message)
    sent = next(m for m in flow.read("metrics") if m.value() == body)
    assert int(h["source_timestamp"]) == sent.timestamp()[1]
    assert (h["source_topic"], h["source_partition"]) == (flow.topics["metrics"], "0")
    assert int(h["source_offset"]) == sent.offset()
    assert (h["error_stage"], int(h["points"]), h["series"]) == (stage, points, series)
    assert len(h["error"]) > 20


def test_what_was_good_is_stored(flow):
    expected = {("cpu,host=a", (T + 10 * s) * 10**9): {"idle": x} for s, x in enumerate([50.0, 51.0, 52.0] * 15)}
    assert flow.rows("cpu") == expected
    assert flow.rows("many") == {("many", T * 10**9): {"a": 1.0}}
    assert flow.rows("ranged") == {}


def test_every_metric_is_there_with_its_labels(flow):
    families = flow.metrics()
    for name, labels in METRICS.items():
        found = {label for s in families[name.removesuffix("_total")].samples for label in s.labels}
        found -= {"le", "version", "config_hash"}
        assert found == labels, name


KINDS = {
    "alluse_points": "counter",
    "alluse_rejects": "counter",
    "alluse_event_delay_seconds": "histogram",
    "alluse_lag_messages": "gauge",
    "alluse_watermark_timestamp_seconds": "gauge",
    "alluse_series": "gauge",
    "alluse_anomalies": "counter",
    "alluse_alerts": "gauge",
    "alluse_sink_write_seconds": "histogram",
    "alluse_sink_retries": "counter",
    "alluse_sink_queue": "gauge",
    "alluse_snapshot_timestamp_seconds": "gauge",
}


def test_metrics_have_their_types(flow):
    families = flow.metrics()
    assert {name: families[name].type for name in KINDS} == KINDS


def test_metrics_tell_what_happened(flow):
    until(lambda: flow.metrics()["alluse_lag_messages"].samples[0].value == 0)  # told every other second
    families = flow.metrics()

    def samples(family: str, suffix: str = "") -> dict[str, float]:
        return {",".join(s.labels.values()): s.value for s in families[family].samples if s.name == family + suffix}

    codes = {code: float(points) for code, (_, _, points, _) in PROVOKE.items()}
    assert samples("alluse_rejects", "_total") == codes
    refused_by_store = codes["store-refused"]
    points = samples("alluse_points", "_total")
    assert points["rejected"] == sum(codes.values()) - refused_by_store
    assert (points["duplicate"], points["skipped"]) == (1, 2)
    assert points["accepted"] == len(SPEAKS) + 1 + refused_by_store
    assert samples("alluse_series") == {"warming": 2.0, "warm": 1.0, "silent": 0.0}
    assert samples("alluse_watermark_timestamp_seconds") == {"": T + 440}
    assert samples("alluse_event_delay_seconds", "_sum")[""] > 3000
    assert 0 < samples("alluse_event_delay_seconds", "_count")[""] <= points["accepted"]
    assert T < samples("alluse_snapshot_timestamp_seconds")[""] <= now() + 1
    assert samples("alluse_sink_write_seconds", "_count").keys() == {"influx", "kafka"}
    assert samples("alluse_sink_queue") == {"influx": 0.0, "kafka": 0.0}
    assert samples("alluse_alerts") == {"info,firing": 15.0, "info,resolved": 14.0}
    (build,) = families["alluse_build_info"].samples
    assert (build.labels["version"], len(build.labels["config_hash"]), build.value) == (VERSION, 16, 1.0)
