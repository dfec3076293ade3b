"""What goes to topics: the bytes, keys and headers of alerts, rejects, events and results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from config.records import SECOND, Alert, Event, MetricBatch, Reject, Row
from sinks.line_protocol import Item, LineProtocol

TOGETHER = 1_000
SOURCE = "/alluse/flows.main"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a topic.

    Parameters
    ----------
    topic
        Its name.
    key, value
        Bytes; a value of ``None`` is a tombstone.
    headers
        In order.
    droppable
        Whether a value that the broker finds too large may be left out.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    droppable: bool = False

    def __len__(self) -> int:
        return len(self.value or b"")


def alert_messages(alert: Alert, alerts: str, state: str) -> list[Message]:
    """Return an alert's record for the log and for the compacted topic; without a body, a tombstone for the latter.

    Parameters
    ----------
    alert
        The record.
    alerts, state
        Names of the topics.

    References
    ----------
    Kafka Protocol Binding for CloudEvents 1.0.2, section 3.2 "Binary Content Mode":
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md

    Examples
    --------
    >>> gone, = alert_messages(Alert("9f2c", "", {}), "alerts", "alerts-state")
    >>> gone.topic, gone.key, gone.value
    ('alerts-state', b'9f2c', None)
    """
    key, body = alert.fingerprint.encode(), alert.body
    if not body:
        return [Message(state, key, None)]
    resolved = body["status"] == "resolved"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": alert.id,
        "ce_source": SOURCE,
        "ce_type": f"alluse.alert.{body['status']}",
        "ce_time": body["endsAt"] if resolved else body["startsAt"],
        "content-type": "application/json",
    }
    value = msgspec.json.encode(body)
    return [Message(topic, key, value, _headers(headers)) for topic in (alerts, state)]


def reject_message(reject: Reject, topic: str) -> Message:
    """Return the dead letter: the original message's value and key, and headers that say what is wrong.

    Parameters
    ----------
    reject
        What was rejected.
    topic
        Name of the topic `rejects`.
    """
    poll, i = reject.poll, reject.message
    headers = {
        "source_topic": poll.topic,
        "source_partition": str(poll.partition),
        "source_offset": str(int(poll.offsets[i])),
        "source_timestamp": str(int(poll.stamps[i]) // 1_000_000),
        "error_code": reject.code,
        "error": reject.error,
        "error_stage": reject.stage,
        "points": str(reject.points),
        "series": "\n".join(reject.series[:20]),
    }
    return Message(topic, poll.keys[i], poll.values[i], _headers(headers), droppable=True)


def without_value(message: Message) -> Message:
    """Return a dead letter too large for the topic, without its value: the headers say where to find it."""
    note = b" (value of %d bytes left out: larger than the topic takes; it stands at its source)" % len(message)
    headers = tuple((name, text + note if name == "error" else text) for name, text in message.headers)
    return replace(message, value=b"", headers=headers, droppable=False)


def event_message(event: Event, topic: str) -> Message:
    """Return an event as JSON, keyed by its series.

    Examples
    --------
    >>> event_message(Event("drift", 1_500_000_000, "cpu,host=a usage", "new level"), "events").value
    b'{"type":"drift","time":"1970-01-01T00:00:01.500000Z","series":"cpu,host=a usage","text":"new level","value":0.0}'
    """
    when = datetime.fromtimestamp(event.time // SECOND, UTC).replace(microsecond=event.time % SECOND // 1000)
    body = {
        "type": event.type,
        "time": when.isoformat().replace("+00:00", "Z"),
        "series": event.series,
        "text": event.text,
        "value": event.value,
    } | ({"detector": event.detector} if event.detector else {})
    return Message(topic, event.series.encode() or None, msgspec.json.encode(body), _headers({"type": event.type}))


def result_messages(topic: str) -> Callable[[Item], list[Message]]:
    """Return a function that makes messages of line protocol: one of up to 1,000 points, keyed by shard, or one a row.

    A row's key is the name of its series, or its measurement when it has none.

    Parameters
    ----------
    topic
        Name of the topic `results`.
    """
    render = LineProtocol()

    def messages(item: Item) -> list[Message]:
        lines = render(item)
        if isinstance(item, MetricBatch):
            shard = item.poll.shard.encode()
            return [
                Message(topic, shard, lines.body(k, min(k + TOGETHER, len(lines))))
                for k in range(0, len(lines), TOGETHER)
            ]
        return [
            Message(topic, _row_key(item, row).encode("utf-8", "replace"), lines.body(k, k + 1))
            for k, row in enumerate(lines.rows.tolist())
        ]

    return messages


def _row_key(item: Item, row: int) -> str:
    if isinstance(item, Row):
        return item.series or item.measurement
    name: str = item.series.names[item.codes[row]]
    return name


def _headers(texts: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, text.encode("utf-8", "replace")) for name, text in texts.items())
