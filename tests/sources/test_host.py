"""This machine's own readings: what they are, and that the product understands what flows.collect sends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, Message, TopicPartition

from config.records import SECOND, Poll
from flows.collect import telegraf
from operators.decode import Names
from operators.decode.decoder import Decoder
from scripts.demonstration.cluster import MockCluster
from sources.host import HostPartition, Reading, readings

ROOT = Path(__file__).parent.parent.parent
TIME = 1_767_225_600 * SECOND


def test_readings_are_finite_and_of_this_moment() -> None:
    found = list(readings(7 * SECOND))
    assert {"cpu", "mem", "swap", "system", "disk"} <= {reading.name for reading in found}
    assert {reading.time for reading in found} == {7 * SECOND}
    assert all(np.isfinite(list(reading.fields.values())).all() for reading in found)
    percentages = [x for reading in found if reading.unit == "percent" for x in reading.fields.values()]
    assert all(0 <= x <= 100 for x in percentages)


def test_counters_are_those_of_disks_and_networks_and_only_rise() -> None:
    def counters() -> dict[tuple[str, str, str], float]:
        return {
            (it.name, json.dumps(it.tags), field): value
            for it in readings(0)
            if it.type == "counter"
            for field, value in it.fields.items()
        }

    first, second = counters(), counters()
    assert {name for name, _, _ in first} <= {"diskio", "net"}
    assert all(second[key] >= value for key, value in first.items() if key in second)


def test_nothing_before_it_is_due_and_then_at_whole_multiples() -> None:
    partition = HostPartition("a", 3600.0)
    assert partition.next_batch() == []
    assert partition.next_awake().timestamp() < time.time() + 1
    soon = HostPartition("a", 0.05)
    time.sleep(0.06)
    assert {host for host, _ in soon.next_batch()} == {"a"}


def test_the_decoder_reads_values_counters_producer_and_numbers() -> None:
    render = telegraf("a", "a@1")
    sent = [
        Reading("net", {"bytes_recv": 10, "bytes_sent": 20}, TIME, "counter", "bytes", {"interface": "eth0"}),
        Reading("cpu", {"usage_active": 1.5}, TIME, unit="percent"),
    ]
    decoded = Decoder(Names()).update(Poll.of([render(reading) for reading in sent]))
    points = decoded.points
    names = [points.series.names[code] for code in points.codes.tolist()]
    assert names == [
        "net,host=a,interface=eth0 bytes_recv",
        "net,host=a,interface=eth0 bytes_sent",
        "cpu,host=a usage_active",
    ]
    assert points.value.tolist() == [10, 20, 1.5]
    assert points.time.tolist() == [TIME] * 3
    assert points.series.counters()[points.codes].tolist() == [True, True, False]
    assert ([decoded.producers[p] for p in decoded.producer], decoded.seq.tolist()) == (["a@1", "a@1"], [0, 1])


def consumed(bootstrap: str, wanted: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "t"})
    consumer.assign([TopicPartition("metrics", p, 0) for p in range(4)])
    found: list[Message] = []
    end = time.monotonic() + 60
    while len(found) < wanted and time.monotonic() < end:
        found += [message for message in consumer.consume(100, 0.2) if message.error() is None]
    consumer.close()
    return found


def test_the_flow_publishes_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with MockCluster({"metrics": 4}) as cluster, (tmp_path / "log").open("wb") as log:
        env = os.environ | {"ALLUSE_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap, "ALLUSE_COLLECT__EVERY": "0.2"}
        command = [sys.executable, "-m", "bytewax.run", "flows.collect"]
        flow = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            messages = consumed(cluster.bootstrap, 60)
            flow.send_signal(signal.SIGTERM)
            assert flow.wait(30) == 0, (tmp_path / "log").read_text()
        finally:
            flow.kill()
            flow.wait()
    host = socket.gethostname()
    assert {message.key() for message in messages} == {host.encode()}
    assert len({message.partition() for message in messages}) == 1
    bodies = [json.loads(message.value() or b"") for message in messages]
    assert [body["seq"] for body in bodies] == list(range(len(bodies)))
    assert {body["tags"]["host"] for body in bodies} == {host}
    assert {body["type"] for body in bodies} <= {"gauge", "counter"}
