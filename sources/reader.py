"""One consumer for all partitions that a process reads of a topic."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import cast

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from config.kafka import build, plain, properties
from config.records import Event
from config.settings import Kafka
from config.telemetry import LAG, READY, SNAPSHOT
from sources.health import Health, Statistics
from sources.lookup import Found, wait_for
from sources.offsets import Commits, find_again, starts
from sources.rights import Rights

LOG = logging.getLogger(__name__)
AT_ONCE = 10_000  # messages taken from librdkafka by one call
BUSY = 2_000  # a call that brings this many is followed by the next at once
LINGER = 0.05  # seconds between calls otherwise: few large polls cost less than many small ones

CONSUMING = {
    "group.id": "alluse-learning",
    "fetch.queue.backoff.ms": 5,  # with librdkafka's second a consumer faster than 100,000 messages/s stands still
    "queued.min.messages": 1_000_000,
    "queued.max.messages.kbytes": 32_768,  # of 100 bytes each they take six times that in memory
    "fetch.wait.max.ms": 100,
    "statistics.interval.ms": 2_000,
    "topic.metadata.refresh.interval.ms": 30_000,
}
_lags: dict[str, int] = {}
EXACT = {"enable.auto.commit": False, "enable.auto.offset.store": False, "auto.offset.reset": "error"}


class Place:
    """Where reading of one partition stands.

    `next` is the offset behind the last message handed out, librdkafka's ``OFFSET_BEGINNING``, or ``None``: not yet decided.
    """

    def __init__(self, next: int | None) -> None:
        self.next = next
        self.runs: list[list[Message]] = []
        self.news: list[Event] = []
        self.lost = False


class Reader:
    """Fetches for all places at once; who reads one partition finds its messages in `Place.runs`.

    Parameters
    ----------
    kafka
        Settings of the connection.
    topic
        What to read.
    mine
        Which of its partitions.

    Raises
    ------
    ConfigError
        A librdkafka property is wrong.
    """

    def __init__(self, kafka: Kafka, topic: str, mine: Callable[[int], bool]) -> None:
        self.topic, self.start, self.mine = topic, kafka.start, mine
        self.wanted = properties(kafka, CONSUMING) | EXACT
        self.health = Health(topic, self.wanted)
        self._commits = Commits(topic, self.wanted)
        calls = {"error_cb": self.health.error, "stats_cb": self._statistics, "on_commit": self._commits.answered}
        self.consumer = build(Consumer, self.wanted | calls)
        self.places: dict[int, Place] = {}
        self.due = 0.0
        self.behind = True
        self.added: list[int] = []
        self._found = Found(set(), False)
        self._assigned = False
        self._refused: Rights | None = None

    def find(self) -> list[int]:
        """Return this process's partitions of the topic; wait until it has one."""
        self._found = wait_for(self.consumer, self.topic, self.mine, self.health)
        READY.clear("kafka")
        return sorted(filter(self.mine, self._found.partitions))

    def _place(self) -> None:
        """Stand where reading is to go on; a broker that does not answer is asked again at the next call."""
        for partition, place in self.places.items():
            if place.lost:
                place.next, event = find_again(self.consumer, self.topic, partition, cast(int, place.next))
                place.lost = self._assigned = False
                place.news += [event] if event else []
        if not self._assigned:
            self._begin()

    def _begin(self) -> None:
        fresh = [p for p, place in self.places.items() if place.next is None]
        grown = len(fresh) < len(self.places) or self._found.new  # made while we looked on: all of it is news
        offsets = starts(self.consumer, self.topic, fresh, "beginning" if grown else self.start)
        for partition, offset in offsets.items():
            self.places[partition].next = offset
        for place in self.places.values():
            place.runs.clear()
        self.consumer.assign([TopicPartition(self.topic, p, cast(int, s.next)) for p, s in self.places.items()])
        self._assigned = True
        LOG.info("%s: reading from %s", self.topic, {p: s.next for p, s in sorted(self.places.items())})

    def read(self) -> None:
        """Take what librdkafka has, when it is time and all that was taken before is handed out."""
        now = time.monotonic()
        if now < self.due or any(place.runs for place in self.places.values()):
            return
        self.due = now + LINGER
        try:
            self._place()
        except KafkaException as e:
            self.due = now + 1.0
            self.health.ill("kafka", plain(e.args[0], self.wanted, self.topic))
            self.consumer.poll(0)  # without an assignment it brings callbacks only
            return
        messages = self.consumer.consume(AT_ONCE, 0.0)
        self.behind = len(messages) >= BUSY
        if self.behind:
            self.due = now
        if any(map(Message.error, messages)):
            messages = list(self._sound(messages))
        for partition, run in groupby(messages, Message.partition):
            self.places[cast(int, partition)].runs.append(list(run))

    def _sound(self, messages: Iterable[Message]) -> Iterable[Message]:
        for message in messages:
            error = message.error()
            if error is None:
                yield message
            else:
                self._trouble(error, message.partition())

    def _trouble(self, error: KafkaError, partition: int | None) -> None:
        place = self.places.get(-1 if partition is None else partition)
        reason = plain(error, self.wanted, self.topic)
        if error.code() == KafkaError._AUTO_OFFSET_RESET and place is not None:
            place.lost = True
        elif error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
            self._refused = self._refused or Rights(self.topic, self.wanted)
            self.health.ill("rights", reason)
        elif error.fatal():
            raise KafkaException(error)
        else:
            LOG.warning("%s: %s", self.topic, reason)

    def _statistics(self, text: str) -> None:
        statistics = msgspec.json.decode(text, type=Statistics)
        if not self.places:
            return
        self.health.connection(statistics, self.places)
        has = statistics.partitions(self.topic)
        _lags[self.topic] = sum(has[p].behind(place.next or 0) for p, place in self.places.items() if p in has)
        LAG.set(sum(_lags.values()))
        self.added = sorted(p for p in set(has) - self._found.partitions if self.mine(p))
        if self._refused is not None and self._refused.allowed():
            self._refused = None
            self.health.well("rights")

    def save(self, partition: int) -> int | None:
        """Return what the snapshot holds of a partition."""
        offset = self.places[partition].next
        self._commits.save(partition, offset)
        return offset

    def saved(self) -> None:
        """Take note that the last snapshot is on disk."""
        SNAPSHOT.set(time.time())
        self._commits.send(self.consumer)

    def close(self, partition: int) -> None:
        """Give a partition back; with the last one commit and end."""
        self.places.pop(partition)
        if self.places:
            return
        self.saved()
        self.consumer.unassign()
        end = time.monotonic() + 1.0
        while self._commits.open and time.monotonic() < end:
            self.consumer.poll(0.05)
        closing = threading.Thread(target=self.consumer.close, daemon=True)  # without a broker it would wait for ever
        closing.start()
        closing.join(1.0)
