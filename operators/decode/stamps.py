"""Time stamps to nanoseconds since 1970, UTC.

The unit of a number is told by its magnitude, whatever the format: below 1e11 seconds (to the year 5138), below 1e14 milliseconds
(from 1973), below 1e17 microseconds, else nanoseconds; the same for negative ones.  The decimal text is converted, so integers and
fractions are exact to the nanosecond, a half rounded to even.  A stamp beyond 64 bits is the nearest that fits
(`EARLIEST`, `LATEST`), so that it is rejected for its time like any other that is far off.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

from operators.decode.errors import Undecodable

EARLIEST, LATEST = -(2**62), 2**63 - 1
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):([0-5]\d))", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001
_UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))


def of_number(x: int | Decimal) -> int:
    """Return a number's time; its magnitude tells the unit.

    Examples
    --------
    >>> of_number(1767225600), of_number(1767225600123), of_number(-1)
    (1767225600000000000, 1767225600123000000, -1000000000)
    """
    scale = next((scale for below, scale in _UNITS if -below < x < below), 1)
    if isinstance(x, Decimal):
        x = min(max(x, Decimal(EARLIEST)), Decimal(LATEST))
        ns = int((x * scale).to_integral_value(ROUND_HALF_EVEN))
    else:
        ns = x * scale
    return min(max(ns, EARLIEST), LATEST)


@lru_cache(8192)
def of_text(text: str) -> int:
    """Return the time of a number's decimal text, or of RFC 3339.

    Raises
    ------
    Undecodable
        It is neither.

    Examples
    --------
    >>> of_text("1515406948.326"), of_text("2026-01-01T01:00:00.5+01:00"), of_text("1e3")
    (1515406948326000000, 1767225600500000000, 1000000000000)
    """
    if _NUMBER.fullmatch(text):
        return _of_decimal(text)
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Undecodable(f"No time stamp: {text[:40]!r}.")
    return _of_calendar(match)


def of_float(x: float) -> int:
    """Return the time of a float, by its shortest decimal text.

    Examples
    --------
    >>> of_float(1515406948.326)
    1515406948326000000
    """
    return of_text(repr(x))


def _of_decimal(text: str) -> int:
    try:
        return of_number(int(text) if text.lstrip("+-").isdecimal() else Decimal(text))
    except (ValueError, InvalidOperation):
        raise Undecodable(f"No time stamp: {text[:40]!r}.") from None


def _of_calendar(match: re.Match[str]) -> int:
    day, clock, second, fraction, sign, hours, minutes = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}00")
    except ValueError:
        raise Undecodable(f"No time stamp: {match[0]!r}.") from None
    if int(second) > 60:  # 60: a leap second
        raise Undecodable(f"No time stamp: {match[0]!r}.")
    seconds = (at.toordinal() - _EPOCH) * 86400 + at.hour * 3600 + at.minute * 60 + int(second)
    if sign:
        seconds -= (1 if sign == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60)
    ns = seconds * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))
    return min(max(ns, EARLIEST), LATEST)
