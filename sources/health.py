"""What is known of the connection to Kafka: the reason for not being ready, the lag, partitions added."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from confluent_kafka import KafkaError

from config.kafka import plain
from config.telemetry import READY

LOG = logging.getLogger(__name__)
SPECIFIC = (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._RESOLVE)


class Partition(msgspec.Struct):
    """A partition in librdkafka's statistics."""

    partition: int
    leader: int
    unknown: bool
    lo_offset: int
    hi_offset: int

    def behind(self, offset: int) -> int:
        """Return how many messages there are from an offset on; a negative one means all."""
        return max(0, self.hi_offset - max(offset, self.lo_offset, 0))


class Broker(msgspec.Struct):
    """A broker in librdkafka's statistics."""

    nodeid: int
    state: str


class Topic(msgspec.Struct):
    """A topic in librdkafka's statistics."""

    partitions: dict[str, Partition]


class Statistics(msgspec.Struct):
    """What is read of librdkafka's statistics.

    References
    ----------
    https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md
    """

    brokers: dict[str, Broker]
    topics: dict[str, Topic] = {}

    def up(self) -> set[int]:
        """Return the numbers of the brokers with which a connection stands."""
        return {b.nodeid for b in self.brokers.values() if b.state == "UP"}

    def partitions(self, topic: str) -> dict[int, Partition]:
        """Return the partitions that the topic has."""
        found = self.topics.get(topic, Topic({})).partitions.values()
        return {p.partition: p for p in found if p.partition >= 0 and not p.unknown}


class Health:
    """Keeps ``/readyz`` true to what librdkafka says: conditions ``kafka TOPIC`` and ``rights TOPIC``.

    Examples
    --------
    >>> h = Health("metrics", {"bootstrap.servers": "b:9092", "sasl.username": "u"})
    >>> h.error(KafkaError(KafkaError._AUTHENTICATION, "invalid credentials")); h.error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    >>> READY.reasons()["kafka metrics"]
    'login of user u refused: invalid credentials'
    >>> h.well(); "kafka metrics" in READY.reasons()
    False
    """

    def __init__(self, topic: str, wanted: Mapping[str, Any]) -> None:
        self.topic, self.wanted = topic, wanted
        self._cause: KafkaError | None = None
        self._said: dict[str, str] = {}

    def error(self, error: KafkaError) -> None:
        """Take an error of the connection (`error_cb`): the one place where the cause of a refused login appears."""
        told = self._cause.code() if self._cause else None
        vague = error.code() == KafkaError._ALL_BROKERS_DOWN and told is not None
        if error.code() in SPECIFIC or not (told in SPECIFIC or vague):
            self._cause = error
        if error.code() in (*SPECIFIC, KafkaError._ALL_BROKERS_DOWN):
            self.ill("kafka")

    def ill(self, condition: str, reason: str = "") -> None:
        """Say why not ready, once in the log; without a reason it is the last error of the connection."""
        if not reason:
            cause = self._cause or KafkaError(KafkaError._ALL_BROKERS_DOWN)
            reason = plain(cause, self.wanted, self.topic)
        READY.set(f"{condition} {self.topic}", reason)
        if self._said.get(condition) != reason:
            self._said[condition] = reason
            LOG.warning("%s: %s", self.topic, reason)

    def well(self, condition: str = "kafka") -> None:
        """Take a reason back."""
        if condition == "kafka":
            self._cause = None
        READY.clear(f"{condition} {self.topic}")
        if self._said.pop(condition, None):
            LOG.info("%s: %s is well again", self.topic, condition)

    def connection(self, statistics: Statistics, read: Mapping[int, Any]) -> None:
        """Judge by librdkafka's statistics whether the partitions read are within reach."""
        up, has = statistics.up(), statistics.partitions(self.topic)
        orphans = sorted(p for p in read if p not in has or has[p].leader < 0)
        if not up or any(has[p].leader not in up for p in read if p not in orphans):
            self.ill("kafka")
        elif orphans:
            self.ill("kafka", f"partitions {orphans} of topic {self.topic} have no leader")
        else:
            self.well("kafka")
