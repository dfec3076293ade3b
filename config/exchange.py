"""Exchanges: when those trade that `time.calendar` names, from the library exchange_calendars, which no other setting needs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from config.layers import ConfigError, nearest
from config.records import Int

FIRST, LAST = "2000-01-01", "2049-12-31"  # fixed: what is known must not depend on the day of the start
INSTALL = ".venv/bin/python -m pip install exchange_calendars==4.13.2"


class Trading(NamedTuple):
    """The sessions of one exchange in order; all shape (n,), ns: where each opens and closes, and where its day opened.

    A break at noon ends a session; the one after it has the same day.
    """

    opens: Int
    closes: Int
    days: Int


def trading(codes: Iterable[str]) -> list[Trading]:
    """Return when the exchanges of these codes trade, from 2000 on, or from when their calendars begin.

    Raises
    ------
    ConfigError
        The library is not installed, or knows no such exchange; the text says what to do.

    Examples
    --------
    >>> trading([])
    []
    """
    return [_of(code, _library()) for code in codes]


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("exchange_calendars")
    except ImportError:
        raise ConfigError(
            f"time.calendar: needs the library exchange_calendars, which is not installed: {INSTALL}"
        ) from None


def _of(code: str, library: Any) -> Trading:
    known = library.get_calendar_names()
    if code not in known:
        raise ConfigError(f"time.calendar: there is no exchange {code}; the nearest is {nearest(code, known)}")
    with warnings.catch_warnings():  # of pandas, about what the library does
        warnings.simplefilter("ignore")
        try:
            some = library.get_calendar(code)
            first, last = some.bound_min(), some.bound_max()
            begin = FIRST if first is None else max(FIRST, str(first.date()))
            end = LAST if last is None else min(LAST, str(last.date()))
            it = library.get_calendar(code, start=begin, end=end)
        except ValueError as e:
            raise ConfigError(f"time.calendar: {code} cannot be used, the library says: {str(e)[:100]}") from None
    return _halves(it.opens_nanos, it.closes_nanos, it.break_starts_nanos, it.break_ends_nanos)


def _halves(opens: Int, closes: Int, noon: Int, after: Int) -> Trading:
    """Cut the days that have a break in two."""
    broken = noon > np.iinfo(np.int64).min
    starts = np.concatenate([opens, after[broken]])
    ends = np.concatenate([np.where(broken, noon, closes), closes[broken]])
    order = np.argsort(starts)
    return Trading(starts[order], ends[order], np.concatenate([opens, opens[broken]])[order])
