"""The peers' load, "bench work v1": series of sine, noise and spikes as Telegraf writes them; and its right answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from config.records import Float
from scripts.measures.servers import Servers

START = 1_700_000_000
ALPHA, WARM, SLACK, DECISION, LIMIT = 0.01, 30, 0.5, 5.0, 4.0
WINDOW = 60
PRODUCER = {
    "linger.ms": 50,
    "batch.size": 262_144,
    "queue.buffering.max.messages": 1_000_000,
    "enable.idempotence": True,  # keeps the order of a partition, also where a new topic makes it send again
    "partitioner": "murmur2_random",
    "log_level": 3,
}


class Answer(NamedTuple):
    """What has to come out: alerts as {(series, second)}, windows as {(series, start): (count, min, max, mean to 6 places)}."""

    alerts: set[tuple[str, int]]
    windows: dict[tuple[str, int], tuple[int, float, float, float]]


@dataclass(frozen=True)
class Load:
    """Points of 1 s, a message each, keyed by series; a shorter load is the beginning of a longer one.

    Parameters
    ----------
    series, points
        How many series, how many points of each.

    Examples
    --------
    >>> load = Load(2, 100)
    >>> len(load), load.topic, next(load.messages())
    (200, 'bench-2x100', (b'cpu,host=h0', b'{"name":"cpu","tags":{"host":"h0"},"fields":{"usage_idle":41.61},"timestamp":1700000000}'))
    """

    series: int = 1000
    points: int = 2000

    def __len__(self) -> int:
        return self.series * self.points

    @property
    def topic(self) -> str:
        """Name of its topic."""
        return f"bench-{self.series}x{self.points}"

    def values(self) -> Iterator[Float]:
        """Yield the values of each second, shape (series,)."""
        rng = np.random.default_rng(42)
        phase = rng.uniform(0, 2 * math.pi, self.series)
        for t in range(self.points):
            v: Float = 50 + 10 * np.sin(2 * math.pi * t / 600 + phase) + rng.normal(0, 2, self.series)
            v += 40 * (rng.random(self.series) < 0.001)
            yield v.round(2)

    def messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of each message."""
        keys = [f"cpu,host=h{i}".encode() for i in range(self.series)]
        heads = [f'{{"name":"cpu","tags":{{"host":"h{i}"}},"fields":{{"usage_idle":' for i in range(self.series)]
        for t, values in enumerate(self.values()):
            tail = f'}},"timestamp":{START + t}}}'
            for key, head, value in zip(keys, heads, values.tolist(), strict=True):
                yield key, f"{head}{value!r}{tail}".encode()

    def send(self, servers: Servers) -> None:
        """Make its topic, of 8 partitions, and fill it."""
        servers.topic(self.topic)
        producer = Producer(servers.kafka.client | PRODUCER)
        for key, value in self.messages():
            while True:
                try:
                    producer.produce(self.topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.flush()

    def answer(self) -> Answer:
        """Work out what has to come out, plainly: a step a second, all series abreast."""
        mean, var = np.zeros(self.series), np.zeros(self.series)
        alerts: set[tuple[str, int]] = set()
        windows: dict[tuple[str, int], tuple[int, float, float, float]] = {}
        held: list[Float] = []
        for t, x in enumerate(self.values()):
            if t == 0:
                mean = x.copy()
            else:
                d = x - mean
                warm = (var > 0) & (t >= WARM)
                z = np.where(warm, d / np.sqrt(np.where(warm, var, 1.0)), 0.0)
                alerts |= {(f"cpu,host=h{i}", START + t) for i in np.flatnonzero(np.abs(z) > LIMIT).tolist()}
                mean = mean + ALPHA * d
                var = (1 - ALPHA) * (var + ALPHA * d * d)
            held.append(x)
            if (START + t + 1) % WINDOW == 0 or t == self.points - 1:
                windows |= _closed(held, (START + t) // WINDOW * WINDOW)
                held = []
        return Answer(alerts, windows)


def _closed(held: list[Float], start: int) -> dict[tuple[str, int], tuple[int, float, float, float]]:
    x = np.array(held)
    low, high, mean = x.min(0).tolist(), x.max(0).tolist(), x.mean(0).tolist()
    return {(f"cpu,host=h{i}", start): (len(x), low[i], high[i], round(mean[i], 6)) for i in range(x.shape[1])}
