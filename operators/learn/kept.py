"""Exact and cheap snapshots of River models: the last pickle, and the windows seen since."""

from __future__ import annotations

import pickle
from array import array

from operators.learn.subject import Lesson, Subject, Window

DUE = 256  # windows since the last pickle
OVERDUE = 2048
AT_ONCE = 4

KeptState = tuple[bytes, bytes]


class Kept:
    """A subject that can be saved without pickling it each time.

    A pickle of half-space trees takes milliseconds; a window is a few numbers.  Restoring learns the windows again, which gives
    the same bits, because a model is a function of its windows alone.

    Parameters
    ----------
    subject
        As it starts.
    width
        Numbers in a window.
    state
        What `state` returned.  It holds a pickle: read it from our own recovery store only, never from a stranger.

    Examples
    --------
    >>> from operators.learn import build
    >>> plan = build("60s", ["holt_winters"])
    >>> kept = Kept(Subject("a x", plan), 2)
    >>> for i in range(50):
    ...     _ = kept.learn((float(i % 5), i))
    >>> again = Kept(Subject("a x", plan), 2, kept.state())
    >>> again.learn((9.0, 50)).verdicts == kept.learn((9.0, 50)).verdicts
    True
    """

    def __init__(self, subject: Subject, width: int, state: KeptState | None = None) -> None:
        self.subject, self.width = subject, width
        self.saved, since = state or (b"", b"")
        self.since = array("d", since)
        if self.saved:
            self.subject = pickle.loads(self.saved).resume(subject.plan)
        for i in range(0, len(self.since), width):
            self.subject.learn(tuple(self.since[i : i + width]))

    def __len__(self) -> int:
        return len(self.since) // self.width

    def learn(self, window: Window) -> Lesson:
        """Judge and learn a window, and remember it until the next pickle."""
        self.since.extend(window)
        return self.subject.learn(window)

    def save(self) -> None:
        """Pickle the models and forget the windows."""
        self.saved = pickle.dumps(self.subject, pickle.HIGHEST_PROTOCOL)
        self.since = array("d")

    def state(self) -> KeptState:
        """Return pickle and windows."""
        return self.saved, self.since.tobytes()


def save_due(all_kept: list[Kept]) -> None:
    """Pickle the few that have waited longest past `DUE` windows, and all past `OVERDUE`: counts, never time, decide."""
    due = sorted((k for k in all_kept if len(k) > DUE), key=len, reverse=True)
    for i, kept in enumerate(due):
        if i < AT_ONCE or len(kept) > OVERDUE:
            kept.save()
