"""The flow rekey, started as operations start it, on a real broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tests.services import Kafka
from tests.sources.running import ROOT, until

Topic = Callable[..., str]
SERIES = [f"cpu,host=h{n}" for n in range(40)]


@contextmanager
def launched(env: dict[str, str], log: Path, flow: str = "rekey") -> Iterator[subprocess.Popen[bytes]]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ALLUSE_", "BYTEWAX_"))}
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [sys.executable, ROOT / "scripts" / "run", flow], env=clean | env, stderr=file, stdout=file
        )
    try:
        yield process
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.kill()
        process.wait()


def read(bootstrap: str, topic: str, partitions: int) -> list[Message]:
    """Return all messages of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "x", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    found: list[Message] = []
    ends = 0
    while ends < partitions:
        for message in consumer.consume(1000, 1.0):
            ends += message.error() is not None
            found += [] if message.error() else [message]
    consumer.close()
    return found


def test_series_sent_anywhere_come_to_one_partition_in_order(tmp_path: Path, broker: Kafka, topic: Topic) -> None:
    raw, metrics, events = topic(4), topic(8), topic(1)
    env = broker.env | {"ALLUSE_TOPICS__REKEY": raw, "ALLUSE_TOPICS__METRICS": metrics, "ALLUSE_TOPICS__EVENTS": events}
    env |= {
        "ALLUSE_RECOVERY__DIRECTORY": str(tmp_path / "store"),
        "ALLUSE_RECOVERY__INTERVAL": "1",
        "ALLUSE_HTTP__PORT": "0",
    }
    producer = Producer(broker.client)

    def send(second: int) -> None:
        for n, series in enumerate(SERIES):
            producer.produce(
                raw, f"{series} x={second} {1767225600 + second}000000000".encode(), partition=(n + second) % 4
            )
        assert producer.flush(30) == 0

    for round_ in range(3):
        with launched(env, tmp_path / "log") as process:
            send(round_)
            until(lambda: len({m.value() for m in read(broker.bootstrap, metrics, 8)}) == len(SERIES) * (round_ + 1))  # noqa: B023
            if round_ == 1:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
    where: dict[bytes, set[int | None]] = {}
    values: dict[bytes, list[bytes]] = {}
    for message in read(broker.bootstrap, metrics, 8):
        key = message.key() or b""
        where.setdefault(key, set()).add(message.partition())
        values.setdefault(key, []).append(message.value() or b"")
    assert sorted(where) == sorted(s.encode() for s in SERIES)
    assert all(len(partitions) == 1 for partitions in where.values())
    for key, lines in values.items():
        assert list(dict.fromkeys(lines)) == [b"%b x=%d %d000000000" % (key, s, 1767225600 + s) for s in range(3)]


def test_without_topics_there_is_nothing_to_do(tmp_path: Path, kafka: str) -> None:
    env = {"ALLUSE_KAFKA__BOOTSTRAP_SERVERS": kafka, "ALLUSE_RECOVERY__DIRECTORY": str(tmp_path / "store")}
    with launched(env, tmp_path / "log") as process:
        assert process.wait(60) == 2
        assert "topics.rekey" in (tmp_path / "log").read_text()


def test_a_flow_that_is_none_is_named(tmp_path: Path) -> None:
    with launched({}, tmp_path / "log", "rekye") as process:
        assert process.wait(60) == 2
        assert "no such flow: rekye" in (tmp_path / "log").read_text()


def test_a_signal_during_the_start_is_a_stop(tmp_path: Path, broker: Kafka, topic: Topic) -> None:
    env = broker.env | {"ALLUSE_TOPICS__REKEY": topic(1), "ALLUSE_RECOVERY__DIRECTORY": str(tmp_path / "store")}
    with launched(env | {"ALLUSE_HTTP__PORT": "0"}, tmp_path / "log") as process:
        until(lambda: "run" in Path(f"/proc/{process.pid}/cmdline").read_text() and _held(process.pid))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _held(pid: int) -> bool:
    """Say whether a process holds SIGTERM back."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1]
    return bool(int(mask, 16) & 1 << (signal.SIGTERM - 1))
