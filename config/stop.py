"""The wish to stop: set by SIGTERM and SIGINT, seen by every source and sink."""

from __future__ import annotations

import signal
import threading
import time


class Stop:
    """A flag that remembers when it was raised.

    Examples
    --------
    >>> stop = Stop()
    >>> stop.asked, stop.seconds()
    (False, 0.0)
    >>> stop.ask(); stop.asked
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._since = 0.0

    @property
    def asked(self) -> bool:
        """Whether someone asked."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask the process to stop; the first call counts."""
        if not self._event.is_set():
            self._since = time.monotonic()
            self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`, less when asked to stop; return whether asked."""
        return self._event.wait(seconds)

    def seconds(self) -> float:
        """Return how long ago the stop was asked for; 0 when it was not."""
        return time.monotonic() - self._since if self.asked else 0.0

    def obey_signals(self) -> None:
        """Let SIGTERM and SIGINT ask, and let those through that were held back while the process started."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ask())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})


STOP = Stop()
