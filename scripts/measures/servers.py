"""The servers of a run of measures: started when first asked for, stopped at its end."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from confluent_kafka import Consumer, Message, TopicPartition

from tests.services import Influx, Kafka, Service


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
        return self._start(Kafka(self._folder / "kafka"))

    @cached_property
    def influx(self) -> Influx:
        """InfluxDB."""
        return self._start(Influx(self._folder / "influx"))

    @property
    def env(self) -> dict[str, str]:
        """Settings of the product for both."""
        return self.kafka.env | self.influx.env

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that each used so far."""
        processes = {type(s).__name__.lower(): s.process() for s in self._started}
        return {name: seconds(p) for name, p in processes.items() if p}

    def topic(self, name: str, partitions: int = 8) -> str:
        """Make a topic as operations should, with the broker's stamps, kept for ever; return its name."""
        return self.kafka.create(name, partitions, message_timestamp_type="LogAppendTime", retention_ms="-1")

    def ends(self, topic: str, partitions: int = 8) -> int:
        """Return how many messages a topic holds."""
        consumer = Consumer(self.kafka.client | {"group.id": "bench-ends"})
        parts = [TopicPartition(topic, p) for p in range(partitions)]
        try:
            return sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
        finally:
            consumer.close()

    def read(self, topic: str, partitions: int = 8) -> list[Message]:
        """Return all that a topic holds now."""
        consumer = Consumer(self.kafka.client | {"group.id": "bench-read", "enable.auto.commit": False})
        want = self.ends(topic, partitions)
        consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        found: list[Message] = []
        while len(found) < want:
            found += [m for m in consumer.consume(10_000, 5.0) if not m.error()]
        consumer.close()
        return found

    def _start(self, service: Any) -> Any:
        service.start()
        self._started.append(service)
        return service

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for service in self._started:
            service.stop()


def seconds(process: psutil.Process) -> float:
    """Return the CPU seconds, user and system, that a process used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
