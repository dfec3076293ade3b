"""What a real Kafka gets of alerts, rejects, events and results, and what happens when it does not take them."""

import json
import threading
import time

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from config.layers import ConfigError
from config.records import Alert, Event, MetricBatch, Poll, Reject, Row, Rows, Series
from config.telemetry import ALERTS, READY
from sinks.kafka import RejectBox, alerts, events, rejects, results
from sinks.message import Message
from sinks.outbox import Outbox, UndeliverableError


def received(client, topic, partitions=1):
    """Return all that a topic holds, in order."""
    consumer = Consumer({**client, "group.id": "test", "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    found, ends = [], 0
    while ends < partitions:
        message = consumer.poll(10)
        assert message is not None
        if message.error():
            ends += 1
        else:
            found.append(message)
    consumer.close()
    return found


@pytest.fixture
def outbox(settings, broker):
    return Outbox(settings(broker))


def built(sink):
    return sink.build_part("step", "out", None)


def wait(outbox):
    while not outbox.flushed(0.1):
        pass


def body(status, revision):
    ends = {"firing": "0001-01-01T00:00:00Z", "resolved": "2026-01-01T00:05:00Z"}[status]
    return {
        "status": status,
        "revision": revision,
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": ends,
        "labels": {"severity": "warning", "host": "ü"},
        "value": 12.5,
    }


def published():
    labels = {"status": "resolved", "severity": "warning"}
    return ALERTS.labels(**labels)._value.get()


def test_alerts_go_to_the_log_and_to_the_state(settings, broker, outbox, topic):
    log, state = topic(1), topic(1)
    part = built(alerts(settings(broker, topics__alerts=log, topics__alerts_state=state), outbox))
    firing, resolved = body("firing", 0), body("resolved", 1)
    counted = published()
    part.write_batch([Alert("9f2c", "id0", firing), Alert("9f2c", "id1", resolved), Alert("9f2c", "", {})])
    part.snapshot()
    assert published() == counted + 1
    found, kept = received(broker.client, log), received(broker.client, state)
    assert [(m.key(), json.loads(m.value())) for m in found] == [(b"9f2c", firing), (b"9f2c", resolved)]
    assert [(m.key(), m.value()) for m in kept] == [(m.key(), m.value()) for m in found] + [(b"9f2c", None)]
    assert (
        dict(found[1].headers())
        == dict(kept[1].headers())
        == {
            "ce_specversion": b"1.0",
            "ce_id": b"id1",
            "ce_source": b"/alluse/flows.main",
            "ce_type": b"alluse.alert.resolved",
            "ce_time": b"2026-01-01T00:05:00Z",
            "content-type": b"application/json",
        }
    )


def test_rejects_keep_the_message_byte_for_byte(settings, broker, outbox, topic):
    name = topic(1)
    poll = Poll.of(
        [b"", b"\x00\xff{not json"], keys=[None, b"\xfe"], topic="in", partition=7, offset=41, stamp=1_500_000_000
    )
    part = built(rejects(settings(broker, topics__rejects=name), outbox))
    series = tuple(f"m,host={k} x" for k in range(30))
    part.write_batch([Reject(poll, k, "undecodable", "not\nJSON ü", "decode", 3, series) for k in range(2)])
    part.snapshot()
    empty, broken = received(broker.client, name)
    assert (empty.key(), empty.value(), broken.key(), broken.value()) == (None, b"", b"\xfe", b"\x00\xff{not json")
    assert dict(broken.headers()) == {
        "source_topic": b"in",
        "source_partition": b"7",
        "source_offset": b"42",
        "source_timestamp": b"1500",
        "error_code": b"undecodable",
        "error": "not\nJSON ü".encode(),
        "error_stage": b"decode",
        "points": b"3",
        "series": "\n".join(series[:20]).encode(),
    }


def test_events_are_json(settings, broker, outbox, topic):
    name = topic(1)
    part = built(events(settings(broker, topics__events=name), outbox))
    part.write_batch([Event("drift", 1_500_000_000, "m x", "it moved", 2.5), Event("rest", 0)])
    part.snapshot()
    drift, rest = received(broker.client, name)
    assert (drift.key(), rest.key()) == (b"m x", None)
    assert json.loads(drift.value()) == {
        "type": "drift",
        "time": "1970-01-01T00:00:01.500000Z",
        "series": "m x",
        "text": "it moved",
        "value": 2.5,
    }


def test_results_are_line_protocol(settings, broker, outbox, topic):
    name = topic(1)
    part = built(results(settings(broker, topics__results=name), outbox))
    series = Series()
    codes = np.array([series.code("m,host=a x"), series.code("m,host=b x")])
    rows = Rows("windows", series, codes, np.array([60, 60]), {"length": "60s"}, {"mean": np.array([np.nan, 0.5])})
    part.write_batch([MetricBatch.of([("m x", k, 1.0) for k in range(1500)]), rows, Row("quality", 1, {}, {"late": 2})])
    part.snapshot()
    many, rest, window, quality = received(broker.client, name)
    assert (many.key(), many.value().count(b"\n"), rest.value().count(b"\n")) == (b"metrics-0", 1000, 500)
    assert (window.key(), window.value()) == (
        b"m,host=b x",
        b"windows,host=b,metric=m,metric_field=x,length=60s mean=0.5 60\n",
    )
    assert (quality.key(), quality.value()) == (b"quality", b"quality late=2i 1\n")


def test_a_restarted_broker_loses_and_doubles_nothing(settings, own_broker):
    name = own_broker.create("events", 1)
    part = built(events(settings(own_broker), Outbox(settings(own_broker))))
    restarted, sent = threading.Event(), []

    def send():
        while not restarted.is_set():
            part.write_batch([Event("n", 0, str(len(sent) + k)) for k in range(10)])
            sent.extend(range(len(sent), len(sent) + 10))
            time.sleep(0.005)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.3)
    own_broker.restart()
    restarted.set()
    thread.join(20)
    part.snapshot()
    found = [int(m.key()) for m in received(own_broker.client, name)]
    assert found == sent
    assert "kafka-output" not in READY.reasons()


def test_a_broker_that_is_away_is_waited_for_and_named(settings, own_broker):
    outbox = Outbox(settings(own_broker))
    name = own_broker.create("x", 1)
    outbox.send([Message(name, b"k", b"before")])
    wait(outbox)
    own_broker.stop()
    outbox.send([Message(name, b"k", b"while away")])
    end = time.monotonic() + 20
    while "kafka-output" not in READY.reasons():
        assert not outbox.flushed(0.1)
        assert time.monotonic() < end
    assert f"no broker answers at {own_broker.bootstrap}" in READY.reasons()["kafka-output"]
    own_broker.start()
    wait(outbox)
    assert "kafka-output" not in READY.reasons()
    assert [m.value() for m in received(own_broker.client, name)] == [b"before", b"while away"]


def test_a_full_queue_holds_back_and_loses_nothing(settings, broker, topic):
    name = topic(1)
    client = json.dumps({"queue.buffering.max.messages": 10})
    outbox = Outbox(settings(broker, kafka__client=client))
    outbox.send(Message(name, None, b"%d" % k) for k in range(500))
    wait(outbox)
    assert [m.value() for m in received(broker.client, name)] == [b"%d" % k for k in range(500)]


def test_a_reject_that_the_topic_finds_too_large_goes_without_its_value(outbox, broker, topic):
    name = topic(1, max_message_bytes="3000")
    noise = np.random.default_rng(1).bytes(5000)
    box = RejectBox(outbox, name)
    poll = Poll.of([noise, b"small"], offset=5)
    box.put([Reject(poll, 0, "too-large", "5000 bytes", "decode"), Reject(poll, 1, "undecodable", "?", "decode")])
    wait(box)
    found = {dict(m.headers())["source_offset"]: m for m in received(broker.client, name)}
    assert found[b"6"].value() == b"small"
    assert found[b"5"].value() == b""
    assert b"value of 5000 bytes left out" in dict(found[b"5"].headers())["error"]


def test_what_kafka_refuses_for_good_ends_the_flow(outbox, topic):
    name = topic(1, max_message_bytes="3000")
    outbox.send([Message(name, b"k", np.random.default_rng(1).bytes(5000))])
    with pytest.raises(UndeliverableError, match=f"topic {name} refuses a message for good: .*too large"):
        wait(outbox)
    with pytest.raises(UndeliverableError):
        outbox.send([])


def test_a_missing_right_is_said_in_plain_words(settings, secure_kafka):
    name = secure_kafka.create("closed", 1)
    client = {k: v for k, v in secure_kafka.login("pipeline").items() if k != "bootstrap.servers"}
    outbox = Outbox(settings(secure_kafka, kafka__client=json.dumps(client)))
    outbox.send([Message(name, b"k", b"v")])
    with pytest.raises(UndeliverableError, match="topic closed may not be written by this user"):
        wait(outbox)


def test_a_refused_login_is_waited_for_and_named(settings, secure_kafka):
    login = secure_kafka.login("pipeline", "wrong")
    client = {k: v for k, v in login.items() if k != "bootstrap.servers"}
    outbox = Outbox(settings(secure_kafka, kafka__client=json.dumps(client)))
    outbox.send([Message("any", b"k", b"v")])
    end = time.monotonic() + 20
    while "login of user pipeline refused" not in READY.reasons().get("kafka-output", ""):
        assert not outbox.flushed(0.1)
        assert time.monotonic() < end


def test_delivery_cannot_be_weakened_and_properties_must_exist(settings, broker):
    weak = Outbox(settings(broker, kafka__client='{"acks": "0", "message.timeout.ms": 5, "linger.ms": 7}'))
    assert (weak._properties["acks"], weak._properties["message.timeout.ms"], weak._properties["linger.ms"]) == (
        "all",
        0,
        7,
    )
    with pytest.raises(ConfigError, match=r"lingre\.ms"):
        Outbox(settings(broker, kafka__client='{"lingre.ms": 7}'))
