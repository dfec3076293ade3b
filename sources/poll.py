"""From librdkafka's messages to a `Poll`: columns by one C call a message and column."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any, cast, overload

import numpy as np
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, TIMESTAMP_NOT_AVAILABLE, Message

from config.records import Poll

LOG = logging.getLogger(__name__)
MILLISECOND = 1_000_000  # ns
_warned: set[str] = set()


class Keys(Sequence["bytes | None"]):
    """Keys of a run of messages, read when asked for: only rejects need them.

    Examples
    --------
    >>> keys = Keys([Message(key=b"a"), Message(key=None)])
    >>> keys[0], keys[1], len(keys), keys[:1]
    (b'a', None, 2, [b'a'])
    """

    __slots__ = ("_messages",)

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes | None]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes | None] | None:
        if isinstance(at, slice):
            return [m.key() for m in self._messages[at]]
        return self._messages[at].key()

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self[:],)


def poll_of(topic: str, partition: int, messages: list[Message]) -> Poll:
    """Turn a run of one partition's messages into columns.

    Parameters
    ----------
    topic, partition
        Where they were read.
    messages
        At least one, in order of their offsets, none an error.

    Returns
    -------
    Poll
        `received` is the broker's stamp where it is one (LogAppendTime), else this process's clock.

    Examples
    --------
    >>> run = [Message(value=b"x", offset=7, timestamp=(2, 1000)), Message(value=None, offset=9, timestamp=(2, 1001))]
    >>> poll = poll_of("metrics", 3, run)
    >>> poll.values, poll.offsets.tolist(), poll.received.tolist(), poll.shard
    ([b'x', b''], [7, 9], [1000000000, 1001000000], 'metrics-3')
    """
    n = len(messages)
    values: list[Any] = list(map(Message.value, messages))
    if not all(values):
        values = [value or b"" for value in values]
    first, last = cast(int, messages[0].offset()), cast(int, messages[-1].offset())
    offsets = np.arange(first, first + n)
    if last - first != n - 1:  # offsets only rise: without a gap each is known
        offsets = np.fromiter(map(Message.offset, messages), np.int64, n)
    stamps, received = _times(topic, messages, n)
    return Poll(topic, partition, values, Keys(messages), offsets, stamps, received)


def _times(topic: str, messages: list[Message], n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    pairs = np.fromiter(chain.from_iterable(map(Message.timestamp, messages)), np.int64, 2 * n).reshape(n, 2)
    kinds, stamps = pairs[:, 0], pairs[:, 1] * MILLISECOND
    if (kinds == TIMESTAMP_LOG_APPEND_TIME).all():
        return stamps, stamps
    if topic not in _warned:
        _warned.add(topic)
        LOG.warning(
            "topic %s has CreateTime: this process's clock judges what is from the future; set LogAppendTime", topic
        )
    now = time.time_ns()
    stamps = np.where(kinds == TIMESTAMP_NOT_AVAILABLE, now, stamps)
    return stamps, np.where(kinds == TIMESTAMP_LOG_APPEND_TIME, stamps, now)
