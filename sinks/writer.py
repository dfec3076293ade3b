"""What all sinks share: one partition, a bounded queue in front of a thread, and the barrier that lets an epoch commit.

Bytewax commits an epoch when `snapshot` has returned; so `snapshot` waits until everything handed over is safe.  A service
that is away makes it wait, and with it the flow: nothing is lost.  Only a wish to stop puts an end to it.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from config.stop import STOP
from config.telemetry import SINK_QUEUE, SINK_RETRIES, SINK_WRITE
from sinks.http import PULSE

LOG = logging.getLogger(__name__)
SLICE = 0.1
LAST_WAIT = 10.0
DICE = random.Random()


class Writer(Protocol):
    """Takes items, for as long as it takes; everything is safe when `write` returns and `flushed` says so.

    `write` raises what no repetition can mend.
    """

    name: str

    def write(self, items: list[Any]) -> None:
        """Write all of it; call it from one thread only."""

    def flushed(self, seconds: float) -> bool:
        """Wait up to `seconds` for what goes on behind `write`; return whether nothing is left."""

    def close(self) -> None:
        """Let go of connections."""


class Patience:
    """Waiting for a service that may be away: for ever, but after a wish to stop only while it takes something.

    Parameters
    ----------
    sink
        Name of the sink, for the log.
    limit
        Seconds without any progress after which a process that was asked to stop leaves.
    leave
        What leaving is.
    """

    def __init__(self, sink: str, limit: float = 0.0, leave: Callable[[str], None] | None = None) -> None:
        self._sink, self._limit, self._leave = sink, limit or LAST_WAIT, leave or leave_uncommitted
        self._since, self._mark = time.monotonic(), -1

    def check(self, mark: int) -> None:
        """Say how far the service has come: any number that changes when it takes something."""
        PULSE.tick()
        now = time.monotonic()
        if mark != self._mark:
            self._mark, self._since = mark, now
        if STOP.asked and min(STOP.seconds(), now - self._since) >= self._limit:
            self._leave(self._sink)


def leave_uncommitted(sink: str) -> NoReturn:
    """End the process at once with exit 0: the running epoch is not committed and comes again at the next start."""
    LOG.warning(
        "%s takes nothing since %g s and a stop was asked for: leaving, to be replayed at the next start",
        sink,
        LAST_WAIT,
    )
    logging.shutdown()
    os._exit(0)


class Backoff:
    """Pauses between attempts, doubling from `first` to `longest` seconds, each shortened at random by up to a half.

    References
    ----------
    M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Examples
    --------
    >>> b = Backoff("influx", first=1, longest=3, sleep=lambda s: None)
    >>> all(low <= b.pause() <= high for low, high in [(0.5, 1), (1, 2), (1.5, 3), (1.5, 3)])
    True
    """

    def __init__(
        self, sink: str, first: float = 0.1, longest: float = 5.0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._retries = SINK_RETRIES.labels(sink)
        self._next, self._longest, self._sleep = first, longest, sleep

    def pause(self, at_least: float = 0.0) -> float:
        """Sleep before the next attempt, at least as long as the service asked for; return the seconds."""
        seconds = max(at_least, min(self._next, self._longest) * DICE.uniform(0.5, 1.0))
        self._next = min(2 * self._next, self._longest)
        self._retries.inc()
        self._sleep(seconds)
        return seconds


class Threaded(StatefulSinkPartition[Any, None]):
    """A `Writer` in a thread of its own, behind a bounded queue.

    What waits is written together.  An error of the thread is raised by the next call.

    Parameters
    ----------
    writer
        Who writes.
    capacity
        Rows and points that may wait; `write_batch` blocks when there are more.
    together
        Rows and points up to which waiting items are written together.
    """

    def __init__(self, writer: Writer, capacity: int = 100_000, together: int = 20_000) -> None:
        self._writer, self._capacity, self._together = writer, capacity, together
        self._items: deque[Any] = deque()
        self._waiting = self._done = self._rows = 0
        self._busy = self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._patience = Patience(writer.name)
        self._queue, self._seconds = SINK_QUEUE.labels(writer.name), SINK_WRITE.labels(writer.name)
        threading.Thread(target=self._run, name=f"write-{writer.name}", daemon=True).start()

    def write_batch(self, values: list[Any]) -> None:
        """Hand over; wait while the queue is full."""
        with self._changed:
            for item in values:
                while self._rows >= self._capacity:
                    self._wait()
                self._items.append(item)
                self._rows += _weight(item)
                self._changed.notify_all()
            self._queue.set(len(self._items))
            self._raise()

    def snapshot(self) -> None:
        """Wait until everything handed over is safe."""
        with self._changed:
            while self._items or self._busy:
                self._wait()
            self._raise()
        while not self._writer.flushed(SLICE):
            self._patience.check(self._done)

    def close(self) -> None:
        """Write the rest and end the thread."""
        self.snapshot()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._writer.close()

    def _wait(self) -> None:
        self._raise()
        self._patience.check(self._done)
        self._changed.wait(SLICE)

    def _raise(self) -> None:
        if self._error is not None:
            raise RuntimeError(f"sink {self._writer.name}: {self._error}") from self._error

    def _run(self) -> None:
        while (items := self._take()) is not None:
            try:
                with self._seconds.time():
                    self._writer.write(items)
            except BaseException as error:
                LOG.exception("sink %s failed", self._writer.name)
                self._error = error
            with self._changed:
                self._busy = False
                self._done += 1
                self._changed.notify_all()
            if self._error is not None:
                return

    def _take(self) -> list[Any] | None:
        with self._changed:
            while not self._items:
                if self._closed:
                    return None
                self._changed.wait()
            taken, rows = [], 0
            while self._items and rows < self._together:
                taken.append(self._items.popleft())
                rows += _weight(taken[-1])
            self._rows -= rows
            self._busy = True
            self._queue.set(len(self._items))
            self._changed.notify_all()
            return taken


def _weight(item: Any) -> int:
    return max(1, len(item)) if hasattr(item, "__len__") else 1


class Sink(FixedPartitionedSink[Any, None]):
    """A Bytewax sink of one partition, whatever the keys.

    Under a cluster one of its processes writes for all; lanes write each their own.  One fixed name keeps recovery stores
    valid when the number of processes changes.

    Parameters
    ----------
    build
        Makes the partition, in the process that is to write.
    """

    def __init__(self, build: Callable[[], StatefulSinkPartition[Any, None]]) -> None:
        self._build = build

    def list_parts(self) -> list[str]:
        """One partition."""
        return ["out"]

    def part_fn(self, item_key: str) -> int:
        """All keys to it."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> StatefulSinkPartition[Any, None]:
        """Build it."""
        return self._build()
