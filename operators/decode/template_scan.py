"""Split messages into their templates (all bytes outside numbers) and their numbers.

A number leaves one `MARK` byte in the template, so template and numbers together are the message: two messages of one template differ in
their numbers only.  What cannot be split with certainty (a malformed number, a control character) is not split at all.

Eight bytes are looked at together, as one integer; the scanner is one long function because each call that hands on arrays would cost more
than the step it does.

References
----------
Mycroft's test for a byte in a word: Warren, "Hacker's Delight", 6-1.
Digits by multiplication: Lemire, "Number parsing at a gigabyte per second", doi:10.1002/spe.2984, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from operators.decode.number import DIGITS, NEGATIVE, NUMBER, REAL, ZERO, read
from operators.kernel import NOUGHT, kernel

MARK = 1
SLOTS = 64  # numbers in a template
LONGEST = 8192  # bytes of a message (JSON) or a line that is split
PAD = bytes(16)  # behind the last message, for words that begin in it
ROOM, UNITS = 1 << 18, 1 << 12  # bytes and messages or lines split at once

UNIT = np.dtype([(name, "i4") for name in ("message", "end", "word", "size", "number", "count")])

JSON, TEXT, KEY, NAME, VALUE, BEHIND, STAMP, DONE, BAD = range(9)  # where the scanner is
OTHER, QUOTE, NUMERAL, CONTROL = range(4)  # kinds of bytes

ONES, HIGHS, ZEROS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080), np.uint64(0x3030303030303030)
BACKSLASHES, NINES = np.uint64(0x5C5C5C5C5C5C5C5C), np.uint64(0x7676767676767676)
PAIRS, FOURS, EIGHTS = np.uint64(0x000000FF000000FF), np.uint64(0x000F424000000064), np.uint64(0x0000271000000001)
LOW, BYTE, ONE, TEN = np.uint64(0xFFFFFFFF), np.uint64(0xFF), np.uint64(1), np.uint64(10)
B8, B16, B32, B56 = np.uint64(8), np.uint64(16), np.uint64(32), np.uint64(56)
TENS = np.array([10**k for k in range(9)], np.uint64)


def _kinds() -> Any:
    kinds = np.zeros(256, np.uint8)
    kinds[:32] = CONTROL
    kinds[[9, 10, 13]] = OTHER
    kinds[34] = QUOTE
    kinds[[45, *range(48, 58)]] = NUMERAL
    return kinds


def _closes() -> Any:
    """Return (9, 3): the byte that ends a text, key or name, another that is special in it, and the lowest that is not."""
    closes = np.zeros((9, 3), np.uint64)
    closes[TEXT], closes[KEY], closes[NAME] = (34, 34, 32), (32, 32, 32), (61, 44, 33)
    return closes * ONES


KINDS, CLOSES = _kinds(), _closes()


class Split:
    """Room for messages and lines in pieces.

    Attributes
    ----------
    words, kept, eights
        The templates, each from a whole word on: as uint64; the same memory as bytes; and as the uint64 that begins at each byte.
    numbers
        Rows of `NUMBER`: those of all units.
    units
        Rows of `UNIT`: of which message, where it ends, where in `words` it is kept and how many bytes, its first number and how
        many; a size of -1 is what could not be split.
    """

    def __init__(self) -> None:
        self.words = np.zeros(ROOM // 8 + 2 * UNITS + 2, np.uint64)
        self.kept = self.words.view(np.uint8)
        self.eights = eights(self.words)
        self.numbers = np.zeros(ROOM // 8 + SLOTS, NUMBER)
        self.units = np.zeros(UNITS, UNIT)


def eights(memory: Any) -> Any:
    """Return the uint64 that begins at each byte of a buffer, without its last 7.

    Needs a processor that keeps the lowest byte first and reads words from anywhere, as x86-64 and arm64 do.

    Examples
    --------
    >>> [hex(x) for x in eights(bytes(range(1, 10)))]
    ['0x807060504030201', '0x908070605040302']
    """
    return np.ndarray(memoryview(memory).nbytes - 7, np.uint64, memory, strides=(1,))


@kernel
def special(w: Any, where: int) -> Any:
    """Return the high bit of the first byte of a word that is special (of later ones perhaps), 0 when none is."""
    a, b, c = w ^ CLOSES[where, 0], w ^ CLOSES[where, 1], w ^ BACKSLASHES
    low = (w - CLOSES[where, 2]) & ~w
    return (((a - ONES) & ~a) | ((b - ONES) & ~b) | ((c - ONES) & ~c) | low) & HIGHS


@kernel
def upto(mask: Any) -> Any:
    """Return how many bytes there are up to and with the first that is marked by its high bit."""
    count: Any = np.int64(((((mask - ONE) ^ mask) & ONES) * ONES) >> B56)
    return count


@kernel
def digits(w: Any) -> Any:
    """Return how many digits a word begins with."""
    t = w ^ ZEROS
    mask = ((t + NINES) | t) & HIGHS
    return upto(mask) - 1 if mask != ZERO else 8


@kernel
def figure(w: Any, n: int) -> Any:
    """Return the number that the first `n` > 0 bytes of a word, all digits, stand for."""
    t = (w ^ ZEROS) << np.uint64(64 - 8 * n)
    t = t * TEN + (t >> B8)
    return (((t & PAIRS) * FOURS + ((t >> B16) & PAIRS) * EIGHTS) >> B32) & LOW


@kernel
def scan(  # noqa: C901 - see the module
    buf: Any, words: Any, ends: Any, limit: int, kept: Any, room: Any, numbers: Any, units: Any, i: int
) -> tuple[int, int]:
    """Split messages from number `i` on while there is room; return the next message and how many units there are.

    Parameters
    ----------
    buf, words
        All messages in one and `PAD`, uint8; and its `eights`.
    ends
        Shape (m,): where each ends.
    limit
        Longest message that is taken at all, bytes.
    kept, room, numbers, units
        A `Split`: its kept, eights, numbers, units.
    """
    u = k = n = NOUGHT
    while i < len(ends):
        p: Any = ends[i - 1] if i > 0 else np.int64(0)
        e = ends[i]
        restart = u
        state = BAD if p == e or e - p > limit or e - p > ROOM else (JSON if buf[p] == 123 or buf[p] == 91 else KEY)
        line = state == KEY
        while True:
            # a message or a line
            if u == len(units) or k + (e - p) > ROOM or n + SLOTS >= len(numbers):
                if restart > 0:
                    return i, restart
                state = BAD  # a message that has no room alone
            begin, unit, slot, first = p, k, n, p
            if line and p < e and (buf[p] == 35 or buf[p] == 123 or buf[p] == 91):
                state = BAD
            while p < e and state < DONE:
                if TEXT <= state <= NAME:
                    w = words[p]
                    room[k] = w
                    mask = special(w, state)
                    if mask == ZERO:
                        p, k = p + 8, k + 8
                        continue
                    j = upto(mask)
                    p, k = p + j, k + j
                    b = np.int64((w >> np.uint64(8 * j - 8)) & BYTE)
                    if p > e:
                        state = BAD
                    elif b == 92:
                        # an escaped byte is kept with its backslash
                        if p >= e or buf[p] < 32:
                            state = BAD
                        else:
                            kept[k] = buf[p]
                            p, k = p + 1, k + 1
                    elif state == TEXT and b == 34:
                        state = BEHIND if line else JSON
                    elif state == KEY and b == 32:
                        state = NAME
                    else:
                        state = VALUE if state == NAME and b == 61 else BAD
                    continue
                byte = buf[p]
                kind = KINDS[byte]
                if kind == NUMERAL and state != BEHIND:
                    first = p
                    minus = byte == 45
                    p += minus
                    before = p
                    m = ZERO
                    while True:
                        w = words[p]
                        d = min(digits(w), e - p)
                        if d > 0:
                            m = m * TENS[d] + figure(w, d)
                            p += d
                        if d < 8:
                            break
                    count, ten = p - before, np.int64(0)
                    form = NEGATIVE if minus else 0
                    if count == 0 or (count > 1 and buf[before] == 48) or n - slot == SLOTS:
                        state = BAD
                        break
                    if p < e and buf[p] == 46:
                        p += 1
                        ten, form = p, form | REAL
                        while True:
                            w = words[p]
                            d = min(digits(w), e - p)
                            if d > 0:
                                m = m * TENS[d] + figure(w, d)
                                p += d
                            if d < 8:
                                break
                        ten -= p
                        count -= ten
                        if ten == 0:
                            state = BAD
                            break
                    number = numbers[n]
                    number["mantissa"], number["power"], number["form"] = m, ten, form
                    number["first"], number["last"] = first - begin, p - begin
                    if count > DIGITS or (p < e and (buf[p] == 101 or buf[p] == 69)):
                        # rare: read again with care
                        p = read(buf, first, e, numbers, n)
                        form = numbers[n]["form"]
                        numbers[n]["first"], numbers[n]["last"] = first - begin, p - begin
                        if p < 0 or numbers[n]["power"] > 280 or numbers[n]["power"] < -300:
                            state = BAD
                            break
                    kept[k] = MARK
                    k, n = k + 1, n + 1
                    if state == STAMP:
                        state = DONE if form & REAL == 0 and (p == e or buf[p] == 10) else BAD
                    elif state == VALUE:
                        state = BEHIND
                        if p < e and (buf[p] == 105 or buf[p] == 117):
                            # 18 digits surely fit the 64 bits that integers have
                            if form & REAL or p - first > 18 or (minus and buf[p] == 117):
                                state = BAD
                            kept[k] = buf[p]
                            p, k = p + 1, k + 1
                    continue
                if state == BEHIND and byte == 10:
                    break
                kept[k] = byte
                p, k = p + 1, k + 1
                if kind == CONTROL:
                    state = BAD
                elif state == JSON:
                    if kind == QUOTE:
                        state = TEXT
                elif state == BEHIND:
                    state = NAME if byte == 44 else STAMP if byte == 32 else BAD
                elif state == VALUE and kind == QUOTE:
                    state = TEXT
                elif state == VALUE and (65 <= byte <= 90 or 97 <= byte <= 122):
                    # a word, such as true; its end is looked for one byte at a time
                    while p < e and (65 <= buf[p] <= 90 or 97 <= buf[p] <= 122):
                        kept[k] = buf[p]
                        p, k = p + 1, k + 1
                    state = BEHIND
                else:
                    state = BAD
            # what stands at the end of a message or line
            size: Any = k - unit
            if (state != JSON and state != BEHIND and state != DONE) or size > LONGEST:
                u, size = restart, np.int64(-1)
            it = units[u]
            it["message"], it["end"], it["word"], it["size"] = i, p, unit // 8, size
            it["number"], it["count"] = slot, n - slot
            u += 1
            if size < 0:
                k, n = unit, slot
                break
            while k % 8 > 0:
                kept[k] = 0
                k += 1
            if not line or p + 1 >= e:
                break
            p, state = p + 1, KEY
        i += 1
    return i, u
