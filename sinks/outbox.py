"""One idempotent producer a process; its delivery reports are read, its queue is empty when an epoch commits.

Bytewax's own sink throws delivery errors away; here a message that cannot be delivered ends the process, which then replays.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable

from confluent_kafka import KafkaError, Producer

from config.kafka import build, plain, properties
from config.settings import Settings
from config.telemetry import POINTS, READY, SINK_QUEUE
from sinks.message import Message, without_value
from sinks.patience import SLICE, Patience

LOG = logging.getLogger(__name__)
CONDITION = "kafka-output"
WANTED = {"linger.ms": 5, "compression.type": "lz4"}
MUST = {
    "enable.idempotence": True,
    "acks": "all",
    "message.timeout.ms": 0,
    "message.max.bytes": 256 << 20,  # the topic's own limit decides
    "delivery.report.only.error": True,
}
WORDS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "may not be written by this user",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "does not exist",
    KafkaError._UNKNOWN_TOPIC: "does not exist",
}


class UndeliverableError(RuntimeError):
    """A message that Kafka refuses for good."""


class Outbox:
    """The process's producer.

    While no broker answers messages wait, for ever, and so does the flow; ``/readyz`` says why.

    Parameters
    ----------
    settings
        `kafka` is read.

    Raises
    ------
    ConfigError
        ``[kafka.client]`` holds what librdkafka does not know.
    """

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._properties = properties(settings.kafka, WANTED) | MUST
        self._producer: Producer = build(Producer, self._properties | {"error_cb": self._trouble})
        self._error: UndeliverableError | None = None
        self._again: deque[Message] = deque()
        self._resending = threading.Lock()
        self._reason = ""
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
        left = self._producer.flush(seconds)
        SINK_QUEUE.labels(self.name).set(left)
        self._poll(0)
        if left or len(self._producer):
            self._patience.check(self._sent - left)
            self._say()
            return False
        self._reason = ""
        READY.clear(CONDITION)
        return True

    def _produce(self, message: Message, alone: bool = False) -> None:
        def report(error: KafkaError | None, _: object) -> None:
            if error is not None:
                self._refused(error, message, alone)

        while True:
            try:
                self._producer.produce(
                    message.topic, message.value, message.key, headers=list(message.headers), on_delivery=report
                )
            except BufferError:
                self._wait()
            else:
                self._sent += 1
                return

    def _poll(self, seconds: float) -> None:
        self._producer.poll(seconds)
        if self._again:
            with self._resending:
                while self._again:
                    self._drain()
                    self._produce(self._again.popleft(), alone=True)
                    self._drain()
        if self._error is not None:
            raise self._error

    def _drain(self) -> None:
        while len(self._producer):
            self._wait()

    def _wait(self) -> None:
        self._producer.flush(SLICE)
        self._patience.check(self._sent - len(self._producer))
        self._say()

    def _say(self) -> None:
        if self._reason:
            READY.set(CONDITION, self._reason)

    def _refused(self, error: KafkaError, message: Message, alone: bool) -> None:
        # A broker finds a whole request too large; which message it was shows when each is sent alone.
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and not alone:
            self._again.append(message)
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE and message.droppable:
            LOG.error("topic %s takes no message of %d bytes: sent without its value", message.topic, len(message))
            POINTS.labels("shortened").inc()
            self._again.append(without_value(message))
        else:
            reason = WORDS.get(error.code(), "refuses a message for good")
            self._error = UndeliverableError(f"topic {message.topic} {reason}: {error.str()}")
            LOG.error("%s", self._error)

    def _trouble(self, error: KafkaError) -> None:
        reason = plain(error, self._properties)
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self._reason:
            return  # it follows every other error and says less
        if reason != self._reason:
            LOG.warning("producer: %s", reason)
        self._reason = reason
        if error.fatal():
            self._error = UndeliverableError(reason)
