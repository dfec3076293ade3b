"""A producer that keeps a pace: one point a message, stamped as it was due, every so often a spike.

``python -m scripts.measures.pace BOOTSTRAP TOPIC SERIES RATE SPIKE`` sends `RATE` points a second, a series after the other, until it is
ended; each `SPIKE`-th is 1000 instead of about 50 (0: none).  Series ``h<i>`` lies in partition ``i % PARTITIONS``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
from confluent_kafka import Producer

from scripts.measures.servers import PARTITIONS, Servers

TICK = 0.01  # seconds
HIGH = 1000.0


def send(bootstrap: str, topic: str, series: int, rate: float, spike: int) -> None:
    """Send for ever."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 2, "enable.idempotence": True, "log_level": 3})
    keys = [f"h{i}".encode() for i in range(series)]
    heads = [f'{{"name":"paced","tags":{{"host":"h{i}"}},"fields":{{"value":' for i in range(series)]
    values = (50 + np.round(np.random.default_rng(1).normal(0, 2, 99_991), 2)).tolist()
    begun, wall, n = time.monotonic(), time.time(), 0
    while True:
        while n < (time.monotonic() - begun) * rate:
            value = HIGH if spike and n % spike == spike - 1 else values[n % len(values)]
            stamp = int(1000 * (wall + n / rate))  # as planned: two points of a series never have the same
            body = f'{heads[n % series]}{value!r}}},"timestamp":{stamp}}}'
            producer.produce(topic, body.encode(), keys[n % series], partition=n % series % PARTITIONS)
            n += 1
        producer.poll(0)
        time.sleep(TICK)


@contextmanager
def paced(servers: Servers, topic: str, series: int, rate: float, spike: int = 0) -> Iterator[None]:
    """Send from a process of its own, for as long as the context lasts."""
    command = [sys.executable, "-m", "scripts.measures.pace", servers.kafka.bootstrap, topic]
    process = psutil.Popen([*command, str(series), str(rate), str(spike)])
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the producer ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    send(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
