"""The servers of a run of measures: started when first asked for, stopped at its end."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import psutil
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from tests.services import Influx, Kafka, Service

S = TypeVar("S", bound=Service)

PARTITIONS = 8  # of a topic, unless said otherwise


class Servers:
    """Kafka and InfluxDB of one run.

    Parameters
    ----------
    folder
        For their data, which is large.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Service] = []

    @cached_property
    def kafka(self) -> Kafka:
        """The broker."""
        return self._started_with(Kafka(self._folder / "kafka"))

    @cached_property
    def influx(self) -> Influx:
        """InfluxDB."""
        return self._started_with(Influx(self._folder / "influx"))

    @property
    def env(self) -> dict[str, str]:
        """Settings of the product for both."""
        return self.kafka.env | self.influx.env

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that each used so far."""
        processes = {type(s).__name__.lower(): s.process() for s in self._started}
        return {name: seconds(p) for name, p in processes.items() if p}

    def topic(self, name: str, partitions: int = PARTITIONS) -> str:
        """Make a topic as operations should, with the broker's stamps, kept for ever; return its name."""
        self.kafka.create(name, partitions, message_timestamp_type="LogAppendTime", retention_ms="-1")
        while self.ends(name, partitions) < 0:  # leaders are found a little later
            time.sleep(0.1)
        return name

    def ends(self, topic: str, partitions: int = PARTITIONS) -> int:
        """Return how many messages a topic holds; -1 where not all partitions answer."""
        try:
            parts = [TopicPartition(topic, p) for p in range(partitions)]
            return sum(self._looker.get_watermark_offsets(part, timeout=10)[1] for part in parts)
        except KafkaException:
            self._forget()  # what it knows of the topic
            return -1

    @cached_property
    def _looker(self) -> Consumer:
        return Consumer(self.kafka.client | {"group.id": "bench-ends", "log_level": 3})

    def _forget(self) -> None:
        if looker := self.__dict__.pop("_looker", None):
            looker.close()

    def read(self, topic: str, partitions: int = PARTITIONS) -> list[Message]:
        """Return all that a topic holds now."""
        consumer = Consumer(self.kafka.client | {"group.id": "bench-read", "enable.auto.commit": False})
        want = self.ends(topic, partitions)
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        found: list[Message] = []
        while len(found) < want:
            found += [m for m in consumer.consume(10_000, 5.0) if not m.error()]
        consumer.close()
        return found

    def _started_with(self, service: S) -> S:
        service.start()
        self._started.append(service)
        return service

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forget()
        for service in self._started:
            service.stop()


def seconds(process: psutil.Process) -> float:
    """Return the CPU seconds, user and system, that a process used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
