"""What can be seen of the flows while they run: alerts on their topic, points on the pages, series in the store."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from scripts.demonstration.processes import page

GROUP = "alluse-learning"  # under which the flow commits
DONE = ("accepted", "duplicate", "rejected")


class Watch:
    """Follows the topic `alerts` and the page ``/metrics`` of `flows.main`.

    Parameters
    ----------
    bootstrap, topic, port
        Where these are.
    """

    def __init__(self, bootstrap: str, topic: str, port: int) -> None:
        self._port = port
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "demo", "enable.auto.commit": False, "log_level": 2,
        })  # fmt: skip
        self._consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        self._lag = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP, "log_level": 2})
        self._seen: set[str] = set()
        self._before = (time.monotonic(), 0)
        self.alerts: list[dict[str, Any]] = []
        self.points: Counter[str] = Counter()
        self.rate = 0.0

    def news(self) -> list[dict[str, Any]]:
        """Return the alert records that came since the last call; an id that is known came again after a crash."""
        messages = [message for message in self._consumer.consume(500, 0.02) if message.error() is None]
        bodies = [json.loads(message.value() or b"{}") for message in messages]
        fresh = [body for body in bodies if body["id"] not in self._seen]
        self._seen.update(body["id"] for body in fresh)
        self.alerts += fresh
        return fresh

    def count(self) -> None:
        """Ask how many points are done with."""
        for line in page(self._port, "metrics").splitlines():
            if line.startswith("alluse_points_total{"):
                result, _, number = line.partition("} ")
                self.points[result.split('"')[1]] = int(float(number))
        now, done = time.monotonic(), sum(self.points[result] for result in DONE)
        at, before = self._before
        if now - at >= 1.0:
            self.rate, self._before = (done - before) / (now - at), (now, done)

    def behind(self, topic: str, partitions: Iterable[int]) -> int:
        """Return how many messages are not yet in a snapshot of `flows.main`, by the offsets that it commits for tools like this."""
        places = [TopicPartition(topic, partition) for partition in partitions]
        saved = {place.partition: max(place.offset, 0) for place in self._lag.committed(places, timeout=10)}
        ends = [self._lag.get_watermark_offsets(place, timeout=10)[1] - saved[place.partition] for place in places]
        return sum(ends)

    def close(self) -> None:
        """Leave."""
        self._consumer.close()
        self._lag.close()
