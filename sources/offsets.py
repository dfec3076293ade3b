"""Offsets: where reading begins, where it goes on when messages are gone, what lag tools are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from config.kafka import plain
from config.records import Event

LOG = logging.getLogger(__name__)
PATIENCE = 5.0  # seconds for one question to a broker


def marks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """Return the offset of the earliest message there is and the one that the next message will get.

    Raises
    ------
    KafkaException
        No broker answered in time.
    """
    found = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=PATIENCE)
    if found is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    return found


def starts(consumer: Consumer, topic: str, partitions: Collection[int], start: str) -> dict[int, int]:
    """Return where to begin in partitions without saved state: concrete offsets, so that a restart begins there again.

    Parameters
    ----------
    start
        ``beginning``, ``end``, or a time (RFC 3339): the first message whose Kafka stamp is not older, or the end.

    Raises
    ------
    KafkaException
        No broker answered in time.
    """
    if start == "beginning":
        return dict.fromkeys(partitions, OFFSET_BEGINNING)
    found = dict.fromkeys(partitions, -1)
    if start != "end":
        ms = int(datetime.fromisoformat(start).timestamp() * 1000)
        asked = [TopicPartition(topic, p, ms) for p in partitions]
        found = {t.partition: t.offset for t in consumer.offsets_for_times(asked, timeout=PATIENCE)}
    return {p: offset if offset >= 0 else marks(consumer, topic, p)[1] for p, offset in found.items()}


def find_again(consumer: Consumer, topic: str, partition: int, asked: int) -> tuple[int, Event | None]:
    """Return where to go on when the offset asked for is gone, and the event that says so; no event: it is there after all.

    Raises
    ------
    KafkaException
        No broker answered in time.
    """
    low, high = marks(consumer, topic, partition)
    if low <= asked <= high:
        return asked, None
    gone, where = max(0, low - asked), f"{topic} partition {partition}"
    if gone:
        text = f"{gone} messages of {where} were deleted before they were read, offsets {asked} to {low - 1}"
    else:
        text = f"{where} ends at offset {high}, before {asked} where reading stood: it was made anew or cut short"
    text = f"{text}; reading goes on at {low}"
    LOG.error(text)
    return low, Event("offsets-lost", time.time_ns(), text=text, value=float(gone))


class Commits:
    """Tells the consumer group what the last snapshot holds.  Only lag tools read it; a failure is a warning."""

    def __init__(self, topic: str, wanted: Mapping[str, Any]) -> None:
        self._topic, self._wanted = topic, wanted
        self._saved: dict[int, int] = {}
        self._said = ""
        self.open = 0

    def save(self, partition: int, offset: int | None) -> None:
        """Note what a snapshot holds of a partition."""
        if offset is not None and offset >= 0:
            self._saved[partition] = offset

    def send(self, consumer: Consumer) -> None:
        """Commit what was noted, without waiting."""
        if self._saved:
            offsets = [TopicPartition(self._topic, p, offset) for p, offset in self._saved.items()]
            self._saved.clear()
            try:
                consumer.commit(offsets=offsets, asynchronous=True)
                self.open += 1
            except KafkaException as e:
                self._complain(e.args[0])

    def answered(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """Take the answer to a commit (`on_commit`)."""
        self.open = max(0, self.open - 1)
        if error is not None:
            self._complain(error)

    def _complain(self, error: KafkaError) -> None:
        text = plain(error, self._wanted, self._topic)
        if text != self._said:
            self._said = text
            LOG.warning("offsets not committed to the group, lag tools will not see them: %s", text)
