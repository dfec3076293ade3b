"""A Kafka topic as a source of Bytewax: one item a poll and partition, resumed exactly from the recovery store."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import chain

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from config.records import Event, Poll
from config.recovery import refuse_strangers
from config.settings import Kafka, Lanes
from config.stop import STOP
from config.telemetry import PULSE, READY
from sources.poll import poll_of
from sources.reader import Place, Reader

Item = tuple[str, Poll | Event]
IDLE = 1.0  # seconds between idle polls of a silent partition


class PartitionsAddedError(Exception):
    """The topic has partitions that this process learns to read only by a restart."""


class KafkaPartition(StatefulSourcePartition[Item, int | None]):
    """One partition; all share the process's `Reader`.  Its state is the offset of the next message."""

    def __init__(self, reader: Reader, partition: int, resume: int | None) -> None:
        self._reader, self._partition = reader, partition
        self._place = reader.places[partition] = Place(resume)
        self._shard = f"{reader.topic}-{partition}"
        self._heard = time.monotonic()
        self._tick = self._heard + IDLE
        self._saved = self._announced = False

    def next_batch(self) -> list[Item]:
        PULSE.tick()
        if STOP.asked:
            raise StopIteration
        if self._saved:  # Bytewax comes back only when the whole epoch is on disk, sinks included
            self._after_snapshot()
        self._reader.read()
        items: list[Item] = [(self._shard, event) for event in self._news()]
        now = time.monotonic()
        if self._place.runs:
            items.append((self._shard, self._poll()))
            self._heard, self._tick = now, now + IDLE
        elif now >= self._tick and not self._reader.behind:
            idle = int((now - self._heard) * 1e9)
            items.append((self._shard, Poll(self._reader.topic, self._partition, [], [], idle=idle)))
            self._tick = now + IDLE
        return items

    def next_awake(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=max(0.0, self._reader.due - time.monotonic()))

    def snapshot(self) -> int | None:
        self._saved = True
        return self._reader.save(self._partition)

    def close(self) -> None:
        self._reader.close(self._partition)

    def _poll(self) -> Poll:
        runs, self._place.runs = self._place.runs, []
        poll = poll_of(self._reader.topic, self._partition, runs[0] if len(runs) == 1 else list(chain(*runs)))
        self._place.next = int(poll.offsets[-1]) + 1
        return poll

    def _news(self) -> list[Event]:
        news, self._place.news = self._place.news, []
        added = self._reader.added
        if added and not self._announced and self._partition == min(self._reader.places):
            self._announced = True
            text = f"partitions {added} were added to topic {self._reader.topic}: restarting to read them"
            READY.set(f"partitions {self._reader.topic}", text)
            news.append(Event("partitions-added", time.time_ns(), text=text, value=float(len(added))))
        return news

    def _after_snapshot(self) -> None:
        self._saved = False
        self._reader.saved()
        if self._announced:
            raise PartitionsAddedError(READY.reasons()[f"partitions {self._reader.topic}"])


class KafkaSource(FixedPartitionedSource[Item, int | None]):
    """Reads the partitions of a topic that belong to this lane; emits (shard, `Poll`) and, rarely, (shard, `Event`).

    Events are ``offsets-lost`` (messages were deleted before they were read) and ``partitions-added``; after the latter is stored the
    process ends with exit code 1, for its supervisor to start it again: partitions can only be taken over at a start.

    `parts` names all of them once Bytewax has asked for them, before the first item.

    Parameters
    ----------
    kafka
        Settings of the connection, and where to start without saved state.
    topic
        Name of the topic; it is waited for when it does not exist.
    lanes
        Which partitions: those with ``partition % count == index``.

    Raises
    ------
    ConfigError
        A librdkafka property is unknown, wrong, or not to be changed.
    """

    def __init__(self, kafka: Kafka, topic: str, lanes: Lanes) -> None:
        self._topic = topic
        self.parts: list[str] = []
        self._reader = Reader(kafka, topic, lambda partition: partition % lanes.count == lanes.index)

    def list_parts(self) -> list[str]:
        partitions = self._reader.find()
        refuse_strangers(self._topic, partitions)
        self.parts = [f"{self._topic}-{p}" for p in partitions]
        return self.parts

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> KafkaPartition:
        return KafkaPartition(self._reader, int(for_part.rpartition("-")[2]), resume_state)
