"""Replays recordings into the topic, each at its own speed, so that all end together."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Sequence

from confluent_kafka import Producer

from scripts.demonstration.recordings import Recording

SLICE = 0.05


class Replay(threading.Thread):
    """Sends the recordings' points in the background.

    Parameters
    ----------
    bootstrap, topic
        Where to.
    recordings
        What.
    seconds
        How long it is to take.
    """

    def __init__(self, bootstrap: str, topic: str, recordings: Sequence[Recording], seconds: float) -> None:
        super().__init__(name="replay", daemon=True)
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 2})
        self._topic, self._recordings, self._seconds = topic, recordings, seconds
        self.homes = homes(len(recordings))
        self._next = [0] * len(recordings)
        self._halt = threading.Event()
        self.total = sum(len(recording.points) for recording in recordings)
        self.sent = 0

    def run(self) -> None:
        """Send everything, then return."""
        began, share = time.monotonic(), 0.0
        while share < 1.0 and not self._halt.wait(SLICE):
            share = min(1.0, (time.monotonic() - began) / self._seconds)
            for number in range(len(self._recordings)):
                self._send(number, int(share * len(self._recordings[number].points)))
        self._producer.flush()

    def stop(self) -> None:
        """Send no more, and wait until what was sent has arrived."""
        self._halt.set()
        self.join()

    def _send(self, number: int, until: int) -> None:
        recording, partition = self._recordings[number], self.homes[number]
        key = recording.series.rpartition(" ")[0].encode()
        while self._next[number] < until:
            try:
                self._producer.produce(self._topic, recording.message(self._next[number]), key, partition)
            except BufferError:
                self._producer.poll(SLICE)
                continue
            self._next[number] += 1
            self.sent += 1
        self._producer.poll(0)


def homes(recordings: int, host: str = "") -> list[int]:
    """Return a partition for each recording, beside the one where librdkafka puts this machine's metrics by their key.

    A shard has one clock, its newest stamp: series that are replayed at different speeds may not share it.

    Parameters
    ----------
    recordings
        How many; there is one partition more.
    host
        Key of this machine's metrics; its name by default.

    Examples
    --------
    >>> homes(3, "a")
    [0, 1, 2]
    """
    taken = zlib.crc32((host or socket.gethostname()).encode()) % (recordings + 1)
    return [partition for partition in range(recordings + 1) if partition != taken]
