"""Numbers from their digits, compiled: the float64 nearest to the decimal, as Python's `float` gives it.

A number is first read into an integer mantissa and a power of ten; what cannot be made exact from those two is NaN, and the caller
asks the ordinary decoder.
"""

from __future__ import annotations

from math import ldexp
from typing import Any

import numpy as np

from operators.kernel import NOUGHT, kernel

NEGATIVE, REAL, CUT = (
    1,
    2,
    4,
)  # bits of a number's form: a minus sign; a point or an exponent; digits beyond the 19th dropped
DIGITS = 19  # always fit 64 bits
LOWEST, HIGHEST = -342, 308
# ± mantissa · 10^power (and a little more where the form says `CUT`), and where it stands
NUMBER = np.dtype([("mantissa", "u8"), ("power", "i8"), ("form", "i8"), ("first", "i8"), ("last", "i8")])
NAN = float("nan")
TENS = np.array([float(10**k) for k in range(23)])  # all exact
LOW32, TOP = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)
EXACT = np.uint64(1 << 53)
ONE, ZERO, TEN, HALF = np.uint64(1), np.uint64(0), np.uint64(10), np.uint64(32)


def _powers_of_five() -> Any:
    """Return (651, 2): the first 128 bits of 5**q, high and low; truncated for q >= 0, rounded up below."""
    rows = []
    for q in range(LOWEST, HIGHEST + 1):
        power: int = 5 ** abs(q)
        if q >= 0:
            bits = power.bit_length()
            p = power >> (bits - 128) if bits > 128 else power << (128 - bits)
        else:
            p = (1 << (127 + power.bit_length())) // power + 1
            while p >= 1 << 128:
                p >>= 1
        rows.append((p >> 64, p & (2**64 - 1)))
    return np.array(rows, np.uint64)


FIVES = _powers_of_five()


@kernel
def read(buf: Any, p: int, e: int, numbers: Any, n: int) -> int:
    """Read the JSON number at ``buf[p:e]`` into row `n`; return where it ends, or -1 where it is not one.

    Parameters
    ----------
    buf
        uint8.
    p, e
        Where the number begins; where the text ends.
    numbers
        Rows of `NUMBER`.

    Examples
    --------
    >>> rows = np.zeros(1, NUMBER)
    >>> read(np.frombuffer(b"-98.25,", np.uint8), 0, 7, rows, 0), rows[0].tolist() == (9825, -2, NEGATIVE | REAL, 0, 6)
    (6, True)
    """
    what, begin = 0, p
    if buf[p] == 45:
        what, p = NEGATIVE, p + 1
    if p >= e or (buf[p] == 48 and p + 1 < e and 48 <= buf[p + 1] <= 57):
        return -1
    first = p
    p, m, count, ten, cut = run(buf, p, e, ZERO, NOUGHT)
    if p == first:
        return -1
    if p < e and buf[p] == 46:
        first, what = p + 1, what | REAL
        p, m, count, more, late = run(buf, first, e, m, count)
        if p == first:
            return -1
        cut, ten = cut | late, ten + more - (p - first)
    if p < e and (buf[p] == 101 or buf[p] == 69):
        p, more = exponent(buf, p + 1, e)
        what, ten = what | REAL, ten + more
    row = numbers[n]
    row["mantissa"], row["power"], row["form"], row["first"], row["last"] = m, ten, what | cut, begin, p
    return p


@kernel
def run(buf: Any, p: int, e: int, m: Any, count: int) -> tuple[int, Any, int, int, int]:
    """Append a run of digits to the mantissa `m` of `count` digits; return (end, m, count, digits dropped, `CUT` if they matter)."""
    dropped = cut = 0
    while p < e:
        digit = np.int64(buf[p]) - 48
        if digit < 0 or digit > 9:
            break
        if count < DIGITS:
            m = m * TEN + np.uint64(digit)
            count += m > ZERO
        else:
            dropped += 1
            if digit > 0:
                cut = CUT
        p += 1
    return p, m, count, dropped, cut


@kernel
def exponent(buf: Any, p: int, e: int) -> tuple[int, int]:
    """Read what stands behind the ``e``; return where it ends (-1: malformed or beyond four digits) and its value."""
    below = p < e and buf[p] == 45
    if p < e and (buf[p] == 45 or buf[p] == 43):
        p += 1
    first = p
    x: Any = 0
    while p < e and 48 <= buf[p] <= 57 and p - first < 5:
        x = x * 10 + np.int64(buf[p]) - 48
        p += 1
    if p == first or p - first > 4:
        return -1, 0
    return p, (-x if below else x)


@kernel
def real(m: Any, ten: int, what: int) -> float:
    """Return the float64 nearest to ± m · 10^ten; NaN where that is not a normal number, or not certain.

    References
    ----------
    Clinger, "How to read floating point numbers accurately", PLDI 1990, doi:10.1145/93542.93557 (small powers).
    Lemire, "Number parsing at a gigabyte per second", 2021, doi:10.1002/spe.2984 (the others).
    """
    if m == ZERO:
        plain = -300 < ten < 300 and what != NEGATIVE and not what & CUT
        return (-0.0 if what & NEGATIVE else 0.0) if plain else NAN
    if m <= EXACT and -22 <= ten <= 22 and not what & CUT:
        x = float(m)
        x = x / TENS[-ten] if ten < 0 else x * TENS[ten]
    else:
        x = nearest(m, ten)
        if what & CUT and (m == TOP or x != nearest(m + ONE, ten)):
            return NAN
    return -x if what & NEGATIVE else x


@kernel
def product(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a · b, as high and low 64 bits."""
    al, ah, bl, bh = a & LOW32, a >> HALF, b & LOW32, b >> HALF
    ll, lh, hl = al * bl, al * bh, ah * bl
    mid = (ll >> HALF) + (lh & LOW32) + (hl & LOW32)
    return ah * bh + (lh >> HALF) + (hl >> HALF) + (mid >> HALF), (ll & LOW32) | (mid << HALF)


@kernel
def nearest(m: Any, ten: int) -> float:
    """Eisel and Lemire's product of a 64-bit mantissa (not 0) and a 128-bit power of five; NaN outside the normal numbers."""
    if ten < LOWEST or ten > HIGHEST:
        return NAN
    zeros = 0
    while m >> np.uint64(56) == ZERO:
        m, zeros = m << np.uint64(8), zeros + 8
    while m >> np.uint64(63) == ZERO:
        m, zeros = m << ONE, zeros + 1
    high, low = product(m, FIVES[ten - LOWEST, 0])
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        more, _ = product(m, FIVES[ten - LOWEST, 1])
        room = TOP - low
        if more > room:
            high, low = high + ONE, more - room - ONE
        else:
            low = low + more
    upper = np.int64(high >> np.uint64(63))
    shift = np.uint64(upper + 9)
    bits = high >> shift
    two = ((217706 * ten) >> 16) + 63 + upper - zeros + 1023
    if two < 1:
        return NAN
    if low <= ONE and -4 <= ten <= 23 and bits & np.uint64(3) == ONE and bits << shift == high:
        bits = bits & ~ONE
    bits = (bits + (bits & ONE)) >> ONE
    return ldexp(float(bits), int(two) - 1075) if two < 2046 else NAN
