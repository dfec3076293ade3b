"""Which partitions a topic has; waited for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException

from config.kafka import plain
from config.recovery import leave
from config.stop import STOP
from sources.health import Health


class Found(NamedTuple):
    """A topic's partitions, and whether it was made only while we waited."""

    partitions: set[int]
    new: bool


def wait_for(consumer: Consumer, topic: str, mine: Callable[[int], bool], health: Health) -> Found:
    """Return the partitions of a topic once there is one that is `mine`; meanwhile ``/readyz`` says what is missing.

    A stop asked for meanwhile ends the process at once with 0: nothing was read or written.
    """
    new = False
    while True:
        consumer.poll(0)  # serves error_cb, the only place where a refused login shows
        try:
            answer = consumer.list_topics(topic, timeout=2.0).topics[topic]
        except KafkaException:
            consumer.poll(0)
            health.ill("kafka")
        else:
            partitions = set(answer.partitions)
            if answer.error is not None:
                new |= answer.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
                health.ill("kafka", plain(answer.error, health.wanted, topic))
            elif any(map(mine, partitions)):
                health.well()
                return Found(partitions, new)
            else:
                health.ill("kafka", f"none of the {len(partitions)} partitions of {topic} is this lane's")
        if STOP.wait(1.0):
            leave(0)
