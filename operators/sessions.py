"""Sessions: when exchanges trade, as sorted instants that compiled rules look up, and how long they have traded.

Beyond the days that a calendar knows an exchange counts as open: nothing is hidden because a calendar is old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from config.exchange import Trading
from config.records import Int
from config.series import Name
from operators.kernel import kernel

CLOSED, UNKNOWN = -1, 1 << 60
OPENS, CLOSES, DAYS, BEFORE = range(4)


class Sessions(NamedTuple):
    """Sessions of all calendars, one after the other; calendar c has those from ``first[c]`` to before ``first[c + 1]``, 0 has none.

    Rows of `table`, shape (4, n), ns: `OPENS`, `CLOSES` and `DAYS` as `Trading` has them, and how long the exchange had traded `BEFORE`.
    One array, as rules hand it on at every reading.
    """

    first: Int
    table: Int

    @classmethod
    def of(cls, calendars: Sequence[Trading]) -> Sessions:
        """Put calendars together; their numbers begin with 1.

        Examples
        --------
        >>> Sessions.of([Trading(np.array([10, 30]), np.array([20, 35]), np.array([10, 10]))]).table[BEFORE].tolist()
        [0, 10]
        """
        before = [np.cumsum(t.closes - t.opens) - (t.closes - t.opens) for t in calendars]
        tables = [np.stack([*t, b]) for t, b in zip(calendars, before, strict=True)]
        first = np.cumsum([0, 0, *(len(t.opens) for t in calendars)])
        return cls(first, np.ascontiguousarray(np.concatenate([np.zeros((4, 0), np.int64), *tables], 1)))


@kernel
def latest(c: Sessions, calendar: int, t: int) -> int:
    """Return the number of the last session that had opened by `t`; that before the calendar's first where there is none."""
    a, b = c.first[calendar], c.first[calendar + 1]
    return a + np.searchsorted(c.table[OPENS, a:b], t, side="right") - 1


@kernel
def phase(c: Sessions, calendar: int, t: int) -> int:
    """Return how long ago (ns) the day opened that `t` lies in; `CLOSED`, or `UNKNOWN` before the first and after the last session."""
    k = latest(c, calendar, t)
    if k < c.first[calendar] or (t >= c.table[CLOSES, k] and k + 1 == c.first[calendar + 1]):
        return UNKNOWN
    return t - c.table[DAYS, k] if t < c.table[CLOSES, k] else CLOSED


@kernel
def traded(c: Sessions, calendar: int, t: int) -> int:
    """Return how long (ns) the exchange had been open by `t`, since its first session; without a calendar `t` itself."""
    if calendar == 0:
        return t
    k = latest(c, calendar, t)
    if k < c.first[calendar]:
        return t - c.table[OPENS, k + 1]
    most = t if k + 1 == c.first[calendar + 1] else min(t, c.table[CLOSES, k])
    return c.table[BEFORE, k] + most - c.table[OPENS, k]


@kernel
def reached(c: Sessions, calendar: int, time: int) -> int:
    """Return when the exchange will have been open for `time` ns: the inverse of `traded`, the later where there are two."""
    if calendar == 0:
        return time
    a, b = c.first[calendar], c.first[calendar + 1]
    k = a + np.searchsorted(c.table[BEFORE, a:b], time, side="right") - 1
    return c.table[OPENS, a] + time if k < a else c.table[OPENS, k] + time - c.table[BEFORE, k]


class Exchanges:
    """Which series follow which calendar.

    Parameters
    ----------
    pattern
        Code of an exchange, by pattern of metric; the longest pattern that matches decides.
    trading
        Of the codes in order, each once: see `codes`.

    Examples
    --------
    >>> one = Trading(np.array([10]), np.array([20]), np.array([10]))
    >>> it = Exchanges({"fill*": "XNYS", "fills_test": "XLON"}, [one, one])
    >>> it.codes, [it.number(name) for name in ("fills px", "fills_test px", "cpu x")]
    (('XLON', 'XNYS'), [2, 1, 0])
    """

    def __init__(self, pattern: Mapping[str, str], trading: Sequence[Trading]) -> None:
        self.pattern = pattern
        self.codes = self.named(pattern)
        self.sessions = Sessions.of(trading)

    @staticmethod
    def named(pattern: Mapping[str, str]) -> tuple[str, ...]:
        """Return the codes that patterns name, in their order."""
        return tuple(sorted({code for code in pattern.values() if code}))

    def number(self, series: str) -> int:
        """Return the number of a series' calendar; 0: none."""
        metric = Name.of(series).metric if self.codes else ""
        found = [p for p in self.pattern if fnmatchcase(metric, p)] if self.codes else []
        code = self.pattern[max(found, key=len)] if found else ""
        return self.codes.index(code) + 1 if code else 0

    def renumbered(self, codes: Sequence[str], numbers: bytes) -> bytes:
        """Return numbers, bytes of integers, that stood for other codes; 0 where a code is gone.

        Examples
        --------
        >>> one = Trading(np.array([10]), np.array([20]), np.array([10]))
        >>> it = Exchanges({"a": "XNYS", "b": "XLON"}, [one, one])
        >>> np.frombuffer(it.renumbered(("XNYS", "XTKS"), np.array([0, 1, 2]).tobytes()), np.int64).tolist()
        [0, 2, 0]
        """
        now = [0, *(self.codes.index(code) + 1 if code in self.codes else 0 for code in codes)]
        return np.array(now, np.int64)[np.frombuffer(numbers, np.int64)].tobytes()

    def numbers(self, series: Sequence[str]) -> Int:
        """Return the numbers of many series."""
        return np.array([self.number(name) for name in series], np.int64)


EVERYWHERE = Exchanges({}, [])  # no calendar: always open
