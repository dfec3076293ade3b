"""Kafka: alerts, rejects, events and results to their topics, through one producer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bytewax.outputs import StatefulSinkPartition

from config.records import Alert, Reject
from config.settings import Settings
from config.telemetry import ALERTS, SINK_WRITE
from sinks.message import Message, alert_messages, event_message, reject_message, result_messages
from sinks.outbox import Outbox
from sinks.patience import SLICE
from sinks.writer import Sink

__all__ = ["Outbox", "Produced", "RejectBox", "alerts", "events", "rejects", "results"]


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
