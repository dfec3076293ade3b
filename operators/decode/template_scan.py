"""Split a message into its template (all bytes outside numbers) and its numbers.

A number leaves one `MARK` byte in the template, so template and numbers together are the message: two messages of one template differ in
their numbers only.  What cannot be split with certainty (a malformed number, a control character) is not split at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from operators.decode.number import NEGATIVE, NUMBER, REAL, read
from operators.kernel import kernel

MARK = 1
SLOTS = 64  # numbers in a template
LONGEST = 8192  # bytes of a message (JSON) or a line that is split
OTHER, QUOTE, BACKSLASH, NUMERAL, CONTROL = 0, 1, 2, 3, 4


class Split:
    """Room for one message or line in pieces.

    Attributes
    ----------
    kept, words
        The template's bytes, and the same memory as uint64.
    numbers
        Rows of `NUMBER`.
    """

    def __init__(self) -> None:
        self.words = np.zeros(LONGEST // 8 + 2, np.uint64)
        self.kept = self.words.view(np.uint8)
        self.numbers = np.zeros(SLOTS + 1, NUMBER)


def _kinds() -> Any:
    kinds = np.zeros(256, np.uint8)
    kinds[:32] = CONTROL
    kinds[[9, 10, 13]] = OTHER
    kinds[34], kinds[92] = QUOTE, BACKSLASH
    kinds[[45, *range(48, 58)]] = NUMERAL
    return kinds


KINDS = _kinds()


@kernel
def number(buf: Any, p: int, e: int, at: Any, n: int) -> int:
    """Read a number into slot `n`; return its end, or -1 also for one so large or small that decoders differ on it."""
    if n >= SLOTS:
        return -1
    q = read(buf, p, e, at, n)
    return q if q < 0 or -300 < at[n]["power"] < 280 else -1


@kernel
def split_json(buf: Any, p: int, e: int, kept: Any, at: Any) -> tuple[int, int]:
    """Split the JSON text ``buf[p:e]``; return the template's length and how many numbers there are, or (-1, 0)."""
    k = n = 0
    if e - p > LONGEST:
        return -1, 0
    while p < e:
        b = buf[p]
        kind = KINDS[b]
        if kind == NUMERAL:
            p = number(buf, p, e, at, n)
            if p < 0:
                return -1, 0
            kept[k] = MARK
            k, n = k + 1, n + 1
            continue
        kept[k] = b
        k, p = k + 1, p + 1
        if kind == QUOTE:
            p, k = quoted(buf, p, e, kept, k)
        if p < 0 or kind == CONTROL:
            return -1, 0
    return k, n


@kernel
def quoted(buf: Any, p: int, e: int, kept: Any, k: int) -> tuple[int, int]:
    """Keep a string to its closing quote; return the places behind it, or (-1, 0) when it has a control character or no end."""
    while p < e:
        b = buf[p]
        kept[k] = b
        k, p = k + 1, p + 1
        if b == 34:
            return p, k
        if b < 32:
            break
        if b == 92 and p < e:
            if buf[p] < 32:
                break
            kept[k] = buf[p]
            k, p = k + 1, p + 1
    return -1, 0


@kernel
def split_line(buf: Any, p: int, e: int, kept: Any, at: Any) -> tuple[int, int, int]:
    """Split the first line of ``buf[p:e]`` as line protocol.

    Numbers stand behind a field's ``=`` and in the stamp only; keys and tags are kept as they are.

    Returns
    -------
    length, n, end
        Of the template; of the numbers; where the line ends (at its newline or `e`).  (-1, 0, 0) when it is not plain line protocol.
    """
    stop, n = min(e, p + LONGEST), 0
    if buf[p] == 35 or buf[p] == 123 or buf[p] == 91:
        return -1, 0, 0
    p, k = key(buf, p, stop, kept, 0, 32)
    while p >= 0:
        p, k = key(buf, p, stop, kept, k, 61)
        if p < 0 or p >= stop:
            break
        p, k, n = field(buf, p, stop, kept, at, k, n)
        if p < 0 or p >= stop or buf[p] == 10:
            break
        kept[k] = buf[p]
        k, p = k + 1, p + 1
        if buf[p - 1] == 32:
            p, k, n = stamp(buf, p, stop, kept, at, k, n)
            break
    if p < 0 or (p == stop and stop < e):
        return -1, 0, 0
    return k, n, p


@kernel
def key(buf: Any, p: int, e: int, kept: Any, k: int, close: int) -> tuple[int, int]:
    """Keep a key up to and with the unescaped byte `close`: a space ends measurement and tags, ``=`` a field's name."""
    while p < e:
        b = buf[p]
        kept[k] = b
        k, p = k + 1, p + 1
        if b == close:
            return p, k
        if b <= 32 or (b == 44 and close == 61):
            break
        if b == 92 and p < e:
            if buf[p] < 32:
                break
            kept[k] = buf[p]
            k, p = k + 1, p + 1
    return -1, 0


@kernel
def field(buf: Any, p: int, e: int, kept: Any, at: Any, k: int, n: int) -> tuple[int, int, int]:
    """Keep a field's value; return the place behind it (a comma, a space, the end), or -1."""
    if buf[p] == 34:
        kept[k] = 34
        p, k = quoted(buf, p + 1, e, kept, k + 1)
    elif KINDS[buf[p]] == NUMERAL:
        p = number(buf, p, e, at, n)
        kept[k] = MARK
        k, n = k + 1, n + 1
        if 0 <= p < e and (buf[p] == 105 or buf[p] == 117):
            form = at[n - 1]["form"]
            if form & REAL or p - at[n - 1]["first"] > 18 or (form & NEGATIVE and buf[p] == 117):
                return -1, 0, 0
            kept[k] = buf[p]
            k, p = k + 1, p + 1
    else:
        while p < e and (65 <= buf[p] <= 90 or 97 <= buf[p] <= 122):
            kept[k] = buf[p]
            k, p = k + 1, p + 1
    if p < 0 or (p < e and buf[p] != 44 and buf[p] != 32 and buf[p] != 10):
        return -1, 0, 0
    return p, k, n


@kernel
def stamp(buf: Any, p: int, e: int, kept: Any, at: Any, k: int, n: int) -> tuple[int, int, int]:
    """Read the stamp at the end of a line; return the line's end, or -1."""
    if p < e and KINDS[buf[p]] == NUMERAL:
        p = number(buf, p, e, at, n)
        kept[k] = MARK
        if p >= 0 and (p == e or buf[p] == 10) and not at[n]["form"] & REAL:
            return p, k + 1, n + 1
    return -1, 0, 0
