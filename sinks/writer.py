"""What all sinks share: one partition, a bounded queue in front of a thread, and the barrier that lets an epoch commit.

Bytewax commits an epoch when `snapshot` has returned; so `snapshot` waits until everything handed over is safe.  A service
that is away makes it wait, and with it the flow: nothing is lost.  Only a wish to stop puts an end to it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from config.telemetry import SINK_QUEUE, SINK_WRITE
from sinks.patience import SLICE, Patience

LOG = logging.getLogger(__name__)


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
