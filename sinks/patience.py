"""Waiting for services: how long, how often, and when a process may leave."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable
from typing import NoReturn

from config.stop import STOP
from config.telemetry import PULSE, SINK_RETRIES

LOG = logging.getLogger(__name__)
SLICE = 0.1
LAST_WAIT = 10.0
DICE = random.Random()


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
