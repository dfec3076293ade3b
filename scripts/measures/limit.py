"""The yardstick: one process that consumes a topic and decodes it with msgspec, and does nothing else.

``python -m scripts.measures.limit BOOTSTRAP TOPIC POINTS`` prints one line of JSON; start-up and the first quarter are left out.
"""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec
from confluent_kafka import Consumer, TopicPartition

from scripts.measures.load import Load
from scripts.measures.servers import Servers

OPTIONS = {"enable.auto.commit": False, "queued.min.messages": 1_000_000, "fetch.queue.backoff.ms": 5}


class Metric(msgspec.Struct):
    """A message, as Telegraf writes it."""

    name: str
    tags: dict[str, str]
    fields: dict[str, float]
    timestamp: int


def consume(bootstrap: str, topic: str, points: int) -> dict[str, float]:
    """Read and decode a topic of 8 partitions; return CPU in µs a point, and points/s."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"limit-{time.time_ns()}"} | OPTIONS)
    consumer.assign([TopicPartition(topic, p, 0) for p in range(8)])
    decode = msgspec.json.Decoder(Metric).decode
    seen, first = 0, (0, 0.0, 0.0)
    while seen < points:
        decoded = [decode(m.value() or b"") for m in consumer.consume(10_000, 0.5)]
        seen += len(decoded)
        if not first[0] and seen >= points // 4:
            first = seen, time.process_time(), time.monotonic()
    n, cpu, wall = seen - first[0], time.process_time() - first[1], time.monotonic() - first[2]
    consumer.close()
    return {"cpu_us": cpu / max(n, 1) * 1e6, "rate": n / max(wall, 1e-9)}


def limit(servers: Servers, load: Load) -> dict[str, float]:
    """Run it in a process of its own."""
    command = [sys.executable, "-m", "scripts.measures.limit", servers.kafka.bootstrap, load.topic, str(len(load))]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=dict[str, float])


if __name__ == "__main__":
    print(msgspec.json.encode(consume(sys.argv[1], sys.argv[2], int(sys.argv[3]))).decode())
