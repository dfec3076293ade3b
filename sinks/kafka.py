"""Kafka: one idempotent producer a process; its delivery reports are read, its queue is empty when an epoch commits.

Bytewax's own sink throws delivery errors away; here a message that cannot be delivered ends the process, which then replays.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from bytewax.outputs import StatefulSinkPartition
from confluent_kafka import KafkaError, Producer

from config.records import Alert, Reject
from config.settings import Settings
from config.telemetry import ALERTS, POINTS, READY, SINK_QUEUE, SINK_WRITE
from sinks.message import Message, alert_messages, event_message, reject_message, result_messages, without_value
from sinks.writer import SLICE, Patience, Sink

LOG = logging.getLogger(__name__)
LARGEST = 256 << 20
CONDITION = "kafka-output"


class UndeliverableError(RuntimeError):
    """A message that Kafka refuses for good."""


class Outbox:
    """The process's producer.

    ``message.timeout.ms`` is 0: while no broker answers, messages wait, and so does the flow.

    Parameters
    ----------
    settings
        `kafka` is read.
    """

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka.bootstrap_servers
        self._config = {
            "client.id": "alluse",
            "linger.ms": 5,
            "compression.type": "lz4",
            "log_level": 0,
            **settings.kafka.client,
            "bootstrap.servers": self._servers,
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": 0,
            # The broker's own limit decides.
            "message.max.bytes": LARGEST,
            "delivery.report.only.error": True,
            "error_cb": self._trouble,
        }
        self._producer: Producer | None = None
        self._error: UndeliverableError | None = None
        self._again: deque[Message] = deque()
        self._text = ""
        self._patience = Patience(self.name)
        self._sent = 0

    def send(self, messages: Iterable[Message]) -> None:
        """Hand messages over; wait while the producer's queue is full.

        Raises
        ------
        UndeliverableError
            One of this or an earlier call was refused for good.
        """
        for message in messages:
            self._produce(message)
        self._poll(0)

    def flushed(self, seconds: float) -> bool:
        """Wait up to `seconds`; return whether Kafka has everything.

        Raises
        ------
        UndeliverableError
            Something was refused for good.
        """
        if self._producer is None:
            return True
        left = self._producer.flush(seconds)
        SINK_QUEUE.labels(self.name).set(left)
        self._poll(0)
        if left or self._again:
            self._patience.check(self._sent - left)
            if self._text:
                READY.set(CONDITION, self._text)
            return False
        if self._text:
            self._text = ""
        READY.clear(CONDITION)
        return True

    def _produce(self, message: Message) -> None:
        if self._producer is None:
            self._producer = Producer(self._config)
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    message.value,
                    message.key,
                    headers=list(message.headers),
                    on_delivery=lambda error, _: self._report(error, message),
                )
            except BufferError:
                self._poll(SLICE)
                self._patience.check(self._sent - len(self._producer))
            else:
                self._sent += 1
                return

    def _poll(self, seconds: float) -> None:
        if self._producer is not None:
            self._producer.poll(seconds)
        while self._again:
            self._produce(self._again.popleft())
        if self._error is not None:
            raise self._error

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and message.droppable and message.value:
            LOG.error(
                "topic %s takes no message of %d bytes: sent without its value", message.topic, len(message.value)
            )
            POINTS.labels("shortened").inc()
            self._again.append(without_value(message))
            return
        LOG.error("topic %s refuses a message for good: %s", message.topic, error.str())
        self._error = UndeliverableError(f"topic {message.topic}: {error.str()}")

    def _trouble(self, error: KafkaError) -> None:
        text = f"Kafka at {self._servers}: {error.str()}"
        if text != self._text:
            LOG.warning("%s", text)
        self._text = text
        if error.fatal():
            self._error = UndeliverableError(text)


class Produced(StatefulSinkPartition[Any, None]):
    """A partition that sends what `render` makes of its items.

    Parameters
    ----------
    outbox
        The process's producer.
    render
        Makes messages of an item.
    """

    def __init__(self, outbox: Outbox, render: Callable[[Any], Iterable[Message]]) -> None:
        self._outbox, self._render = outbox, render
        self._seconds = SINK_WRITE.labels(outbox.name)

    def write_batch(self, values: list[Any]) -> None:
        """Hand over; wait while the producer's queue is full."""
        for value in values:
            self._outbox.send(self._render(value))

    def snapshot(self) -> None:
        """Wait until Kafka has everything."""
        with self._seconds.time():
            while not self._outbox.flushed(SLICE):
                pass

    def close(self) -> None:
        """Wait until Kafka has everything."""
        self.snapshot()


class RejectBox:
    """Sends rejects: for sinks that refuse something themselves.

    Parameters
    ----------
    outbox
        The process's producer.
    topic
        Name of the topic `rejects`.
    """

    def __init__(self, outbox: Outbox, topic: str) -> None:
        self._outbox, self._topic = outbox, topic

    def put(self, items: list[Reject]) -> None:
        """Hand over."""
        self._outbox.send(reject_message(item, self._topic) for item in items)

    def flushed(self, seconds: float) -> bool:
        """Wait up to `seconds`; return whether Kafka has everything."""
        return self._outbox.flushed(seconds)


def alerts(settings: Settings, outbox: Outbox) -> Sink:
    """Return the sink of `Alert`: the log on `topics.alerts`, the newest record of each on `topics.alerts_state`."""

    def render(alert: Alert) -> list[Message]:
        if alert.body:
            ALERTS.labels(alert.body["status"], alert.body["labels"].get("severity", "")).inc()
        return alert_messages(alert, settings.topics.alerts.name, settings.topics.alerts_state.name)

    return Sink(lambda: Produced(outbox, render))


def rejects(settings: Settings, outbox: Outbox) -> Sink:
    """Return the sink of `Reject`, to `topics.rejects`."""
    return Sink(lambda: Produced(outbox, lambda item: [reject_message(item, settings.topics.rejects.name)]))


def events(settings: Settings, outbox: Outbox) -> Sink:
    """Return the sink of `Event`, to `topics.events`."""
    return Sink(lambda: Produced(outbox, lambda item: [event_message(item, settings.topics.events.name)]))


def results(settings: Settings, outbox: Outbox) -> Sink:
    """Return the sink of `MetricBatch`, `Rows` and `Row`, as line protocol to `topics.results`."""
    return Sink(lambda: Produced(outbox, result_messages(settings.topics.results.name)))
