"""Which series stand beside which, and the wait until the same window of all of them is in."""

from __future__ import annotations

import re
from collections import deque
from itertools import islice
from math import nan
from typing import NamedTuple

import numpy as np

BESIDE = 6  # series beside a series
REMEMBER = 8  # windows
WAIT = 2  # windows

_GONE, _UNUSED, _NEVER = -1, -2, -(2**62)
_NAME = re.compile(r"((?:\\.|[^,\\ ])*),?((?:\\.|[^\\ ])*) (.*)", re.DOTALL)
NeighboursState = tuple[tuple[str, ...], bytes, bytes, bytes, int]

_SEEN = np.dtype([("slot", "i8"), ("time", "i8"), ("value", "f8")])
_WAITING = np.dtype([("slot", "i8"), ("time", "i8"), ("value", "f8"), ("first", "i8"), ("last", "i8")])


class Waiting(NamedTuple):
    """A window that was closed: slot, start in ns, value, offsets of its first and last point."""

    slot: int
    time: int
    value: float
    first: int
    last: int


def related(a: str, b: str) -> bool:
    """Tell whether two series share their tags (another metric or field of a host), or metric and field (another host).

    Examples
    --------
    >>> related("cpu,host=a idle", "mem,host=a used"), related("cpu,host=a idle", "cpu,host=b idle")
    (True, True)
    >>> related("cpu,host=a idle", "mem,host=b used")
    False
    """
    (metric, tags, field), (other_metric, other_tags, other_field) = _parts(a), _parts(b)
    return tags == other_tags or (metric == other_metric and field == other_field)


def _parts(name: str) -> tuple[str, str, str]:
    found = _NAME.fullmatch(name)
    return (found[1], found[2], found[3]) if found else (name, "", "")


class Neighbours:
    """Windows of several series, joined by their start.

    A window waits until every series beside its own has closed the same window or a later one, or until any series is `WAIT` windows
    further.  So what is beside it depends on the order of the points alone, and one silent series holds nobody up.

    Parameters
    ----------
    length
        Length of a window in ns.
    state
        What `state` returned.

    Examples
    --------
    >>> n = Neighbours(60)
    >>> n.join(0, "cpu,host=a idle"); n.join(1, "cpu,host=b idle")
    >>> n.add(Waiting(0, 0, 1.5, 0, 9))
    []
    >>> [(w.slot, w.value, beside[:1]) for w, beside in n.add(Waiting(1, 0, 2.5, 0, 9))]
    [(1, 2.5, (1.5,)), (0, 1.5, (2.5,))]
    """

    def __init__(self, length: int, state: NeighboursState | None = None) -> None:
        self.length, self.front = length, _NEVER
        self.names: dict[int, str] = {}
        self.beside: dict[int, list[int]] = {}
        self.beside_of: dict[int, list[int]] = {}
        self.seen: dict[int, dict[int, float]] = {}
        self.newest: dict[int, int] = {}
        self.waiting: dict[int, deque[Waiting]] = {}
        if state is not None:
            self._restore(state)

    def join(self, slot: int, name: str) -> None:
        """Take in a series: the first `BESIDE` related ones, in the order of joining, stand beside it."""
        self._open(slot, name)
        for other, other_name in islice(self.names.items(), len(self.names) - 1):
            if related(name, other_name):
                self._put(slot, other)
                self._put(other, slot)

    def leave(self, slot: int) -> None:
        """Forget a series; where it stood beside others its place stays empty."""
        for other in self.beside_of.pop(slot):
            self.beside[other] = [_GONE if s == slot else s for s in self.beside[other]]
        for other in self.beside.pop(slot):
            if other != _GONE:
                self.beside_of[other].remove(slot)
        del self.names[slot], self.seen[slot], self.newest[slot], self.waiting[slot]

    def add(self, window: Waiting) -> list[tuple[Waiting, tuple[float, ...]]]:
        """Take in a closed window; return those now complete, each with the values beside it (NaN: none), shape (BESIDE,)."""
        slot = window.slot
        seen = self.seen[slot]
        seen[window.time], self.newest[slot] = window.value, window.time
        if len(seen) > REMEMBER:
            del seen[next(iter(seen))]
        self.waiting[slot].append(window)
        touched = [slot, *self.beside_of[slot]]
        if window.time > self.front:
            self.front, touched = window.time, list(self.waiting)
        return [it for s in touched for it in self._complete(s)]

    def state(self) -> NeighboursState:
        """Return names in order of joining; slots with their neighbours, windows seen and windows waiting, as bytes; the newest start."""
        beside = [[slot, *them, *[_UNUSED] * (BESIDE - len(them))] for slot, them in self.beside.items()]
        seen = [(slot, t, v) for slot, windows in self.seen.items() for t, v in windows.items()]
        waiting = [tuple(w) for queue in self.waiting.values() for w in queue]
        return (
            tuple(self.names.values()),
            np.array(beside, np.int64).tobytes(),
            np.array(seen, _SEEN).tobytes(),
            np.array(waiting, _WAITING).tobytes(),
            self.front,
        )

    def _restore(self, state: NeighboursState) -> None:
        names, beside, seen, waiting, self.front = state
        rows = np.frombuffer(beside, np.int64).reshape(-1, 1 + BESIDE).tolist()
        for name, (slot, *_) in zip(names, rows, strict=True):
            self._open(slot, name)
        for slot, *them in rows:
            self.beside[slot] = [other for other in them if other != _UNUSED]
            for other in self.beside[slot]:
                if other != _GONE:
                    self.beside_of[other].append(slot)
        for slot, time, value in np.frombuffer(seen, _SEEN).tolist():
            self.seen[slot][time], self.newest[slot] = value, time
        for window in np.frombuffer(waiting, _WAITING).tolist():
            self.waiting[window[0]].append(Waiting(*window))

    def _open(self, slot: int, name: str) -> None:
        self.names[slot], self.beside[slot], self.beside_of[slot] = name, [], []
        self.seen[slot], self.newest[slot], self.waiting[slot] = {}, _NEVER, deque()

    def _put(self, slot: int, other: int) -> None:
        if len(self.beside[slot]) < BESIDE:
            self.beside[slot].append(other)
            self.beside_of[other].append(slot)

    def _complete(self, slot: int) -> list[tuple[Waiting, tuple[float, ...]]]:
        queue, complete = self.waiting[slot], []
        while queue and self._ready(slot, queue[0].time):
            window = queue.popleft()
            values = [nan if other == _GONE else self.seen[other].get(window.time, nan) for other in self.beside[slot]]
            complete.append((window, (*values, *[nan] * (BESIDE - len(values)))))
        return complete

    def _ready(self, slot: int, time: int) -> bool:
        if self.front >= time + WAIT * self.length:
            return True
        newest = self.newest
        return all(other == _GONE or newest[other] >= time for other in self.beside[slot])
